package csvload

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/frame"
)

// upsert inserts the rows that are new and updates those that differ, and returns how many that were. A row that
// breaks a constraint, such as a reference to a row that is not there, is told by its line.
func upsert(ctx context.Context, tx pgx.Tx, t *table, file string, f *frame.Frame, columns []column) (int64, error) {
	if f.Rows() == 0 {
		return 0, nil
	}
	statement := t.upsertStatement(columns)
	cells := make([][]*string, len(columns))
	for i, c := range columns {
		cells[i] = texts(f, c)
	}
	var changed int64
	insert := func(ctx context.Context, tx pgx.Tx, from, to int) error {
		args := make([]any, len(cells))
		for i := range cells {
			args[i] = cells[i][from:to]
		}
		tag, err := tx.Exec(ctx, statement, args...)
		changed = tag.RowsAffected()
		return err
	}
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return insert(ctx, tx, 0, f.Rows()) })
	var pgErr *pgconn.PgError
	if err == nil || !errors.As(err, &pgErr) {
		return changed, wrap(file, t.name, err)
	}
	rows, searchErr := refused(ctx, tx, f.Rows(), 1, insert)
	if searchErr != nil || len(rows) == 0 { // the rows pass one by one: two of them clash
		return 0, wrap(file, t.name, err)
	}
	msg := rows[0].err.Message
	if d := rows[0].err.Detail; d != "" {
		msg += ": " + strings.TrimSuffix(d, ".")
	}
	return 0, placed(file, &frame.Error{Line: f.Lines[rows[0].row], Msg: msg})
}

func wrap(file, table string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: load %s: %w", file, table, err)
}

// upsertStatement writes the statement for the columns, whose values are parameters, one text array each. Rows go in
// by key order, so two loads at once wait for each other in place of dying in a deadlock. The "is distinct" keeps an
// unchanged row untouched: it is not counted and writes nothing.
func (t *table) upsertStatement(columns []column) string {
	var names, params, casts, keys, sets, old, fresh []string
	for i, c := range columns {
		name := pgx.Identifier{c.Name}.Sanitize()
		names = append(names, name)
		params = append(params, fmt.Sprintf("$%d::text[]", i+1))
		casts = append(casts, fmt.Sprintf("c%d::%s", i+1, c.Type))
		if c.KeyPlace > 0 {
			keys = append(keys, name)
			continue
		}
		sets = append(sets, name+" = excluded."+name)
		old, fresh = append(old, "t."+name), append(fresh, "excluded."+name)
	}
	var aliases, order []string
	for i, c := range columns {
		aliases = append(aliases, fmt.Sprintf("c%d", i+1))
		if c.KeyPlace > 0 {
			order = append(order, fmt.Sprint(i+1))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "insert into %s as t (%s) select %s from unnest(%s) as u(%s) order by %s on conflict (%s) do ", t.identifier(),
		strings.Join(names, ", "), strings.Join(casts, ", "), strings.Join(params, ", "), strings.Join(aliases, ", "), strings.Join(order, ", "), strings.Join(keys, ", "))
	if len(sets) == 0 {
		b.WriteString("nothing")
		return b.String()
	}
	fmt.Fprintf(&b, "update set %s where (%s) is distinct from (%s)", strings.Join(sets, ", "), strings.Join(old, ", "), strings.Join(fresh, ", "))
	return b.String()
}
