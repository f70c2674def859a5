package csvload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/csvfile"
)

// declared is the load of one table whose columns the dagfile declares. The file is streamed through a temporary table,
// so its size does not matter.
type declared struct {
	tx     pgx.Tx
	table  *table
	source Source
	file   *csvfile.Reader
	stage  string // the temporary table, quoted
}

// loadDeclared brings a table up to date and returns how many rows the file has and how many were new or changed.
func (j *Job) loadDeclared(ctx context.Context, tx pgx.Tx, name string, s Source, number int) (read, changed int64, err error) {
	file, err := csvfile.Open(j.path(s.File), s.File)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close() //nolint:errcheck // only read
	d := &declared{tx: tx, source: s, file: file, stage: fmt.Sprintf("load_%d", number)}
	if err := d.prepare(ctx, name); err != nil {
		return 0, 0, err
	}
	if err := d.copy(ctx); err != nil {
		return 0, 0, err
	}
	if err := d.clash(ctx); err != nil {
		return 0, 0, err
	}
	changed, err = d.upsert(ctx)
	return file.Rows, changed, err
}

// prepare makes the table where it is missing, checks one that is there, and makes the temporary one.
func (d *declared) prepare(ctx context.Context, name string) error {
	d.table = &table{name: name}
	var columns, stage []string
	for _, e := range d.source.Columns.Entries {
		column := pgx.Identifier{e.Key}.Sanitize() + " " + e.Value.SQL()
		columns, stage = append(columns, column), append(stage, column)
	}
	columns = append(columns, "primary key ("+identifiers(d.source.Key)+")")
	if _, err := d.tx.Exec(ctx, "create table if not exists "+d.table.identifier()+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return fmt.Errorf("create table %s: %w", name, err)
	}
	t, err := describe(ctx, d.tx, name)
	if err != nil {
		return err
	}
	d.table = t
	if err := d.fits(); err != nil {
		return err
	}
	text := "create temporary table " + d.stage + " (row_number bigint, row_line bigint, " + strings.Join(stage, ", ") + ") on commit drop"
	if _, err := d.tx.Exec(ctx, text); err != nil {
		return fmt.Errorf("create a temporary table: %w", err)
	}
	return nil
}

// fits compares the declared columns with those of the table.
func (d *declared) fits() error {
	names := d.source.Columns.Keys()
	var key []column
	var problems []error
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("table %s "+format, append([]any{d.table.name}, args...)...))
	}
	var writable []string
	for _, c := range d.table.columns {
		if !c.Generated {
			writable = append(writable, c.Name)
		}
		if c.KeyPlace > 0 {
			key = append(key, c)
		}
		if c.NotNull && !c.optional() && !slices.Contains(names, c.Name) {
			wrong("wants a value for %s, which columns does not declare", c.Name)
		}
	}
	for _, n := range names {
		if !slices.Contains(writable, n) {
			wrong("has no column %s that could be written; it has %s", n, strings.Join(writable, ", "))
		}
	}
	slices.SortFunc(key, func(a, b column) int { return a.KeyPlace - b.KeyPlace })
	var has []string
	for _, c := range key {
		has = append(has, c.Name)
	}
	if !slices.Equal(slices.Sorted(slices.Values(has)), slices.Sorted(slices.Values(d.source.Key))) {
		wrong("has the primary key (%s), key says (%s)", strings.Join(has, ", "), strings.Join(d.source.Key, ", "))
	}
	return errors.Join(problems...)
}

// copy brings the file's rows into the temporary table.
func (d *declared) copy(ctx context.Context) error {
	rows := &copyText{file: d.file, source: d.source}
	for _, e := range d.source.Columns.Entries {
		i, err := d.file.Column(e.Key)
		if err != nil {
			return err
		}
		rows.places = append(rows.places, i)
	}
	_, err := d.tx.Conn().PgConn().CopyFrom(ctx, rows, "copy "+d.stage+" from stdin")
	if bad := rows.close(); bad != nil {
		return bad // Postgres only knows that there was something
	}
	if err != nil {
		return wrap(d.source.File, d.table.name, err)
	}
	return nil
}

// clash says which rows have the key of a row before them; an upsert cannot say which of two should win.
func (d *declared) clash(ctx context.Context) error {
	key := identifiers(d.source.Key)
	var first, second int64
	var value string
	err := d.tx.QueryRow(ctx, "select (array_agg(row_line order by row_number))[1], (array_agg(row_line order by row_number))[2], concat_ws(', ', "+key+") from "+d.stage+
		" group by "+key+" having count(*) > 1 order by 2 limit 1").Scan(&first, &second, &value)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return wrap(d.source.File, d.table.name, err)
	}
	return &csvfile.Error{File: d.source.File, Line: int(second), Col: 1, Column: strings.Join(d.source.Key, ", "),
		Msg: fmt.Sprintf("%q stands in line %d already", value, first)}
}

// upsert inserts the rows that are new and updates those that differ. Rows go in by key order, so two loads at once wait
// for each other in place of dying in a deadlock. What Postgres does not take is told by its line.
func (d *declared) upsert(ctx context.Context) (changed int64, err error) {
	names := d.source.Columns.Keys()
	all, key := identifiers(names), identifiers(d.source.Key)
	var sets, old, fresh []string
	for _, n := range names {
		if !slices.Contains(d.source.Key, n) {
			q := pgx.Identifier{n}.Sanitize()
			sets, old, fresh = append(sets, q+" = excluded."+q), append(old, "t."+q), append(fresh, "excluded."+q)
		}
	}
	text := "insert into " + d.table.identifier() + " as t (" + all + ") select " + all + " from " + d.stage +
		" where row_number > $1 and row_number <= $2 order by " + key + " on conflict (" + key + ") do nothing"
	if len(sets) > 0 {
		text = strings.TrimSuffix(text, "nothing") + "update set " + strings.Join(sets, ", ") +
			" where (" + strings.Join(old, ", ") + ") is distinct from (" + strings.Join(fresh, ", ") + ")"
	}
	insert := func(ctx context.Context, tx pgx.Tx, from, to int) error {
		tag, err := tx.Exec(ctx, text, from, to)
		changed = tag.RowsAffected()
		return err
	}
	n := int(d.file.Rows)
	err = pgx.BeginFunc(ctx, d.tx, func(tx pgx.Tx) error { return insert(ctx, tx, 0, n) })
	var pgErr *pgconn.PgError
	if err == nil || !errors.As(err, &pgErr) {
		return changed, wrap(d.source.File, d.table.name, err)
	}
	rows, searchErr := refused(ctx, d.tx, n, 1, insert)
	if searchErr != nil || len(rows) == 0 {
		return 0, wrap(d.source.File, d.table.name, err)
	}
	var line int64
	if err := d.tx.QueryRow(ctx, "select row_line from "+d.stage+" where row_number = $1", rows[0].row+1).Scan(&line); err != nil {
		return 0, wrap(d.source.File, d.table.name, err)
	}
	msg := rows[0].err.Message
	if detail := rows[0].err.Detail; detail != "" {
		msg += ": " + strings.TrimSuffix(detail, ".")
	}
	return 0, &csvfile.Error{File: d.source.File, Line: int(line), Col: 1, Column: rows[0].err.ColumnName, Msg: msg}
}

func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = pgx.Identifier{n}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}
