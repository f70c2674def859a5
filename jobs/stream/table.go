package stream

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/event"
	"tillflow/sql"
)

// table is a sink's table as the dagfile declares it.
type table struct {
	name    string // table or schema.table
	columns []column
	key     []string
	updated bool // its rows are changed again and again
}

// column is one column of a declared table.
type column struct {
	name     string
	typ      arrow.DataType
	length   int // of a string in characters; 0 = any
	nullable bool
	optional bool // an existing table may lack it

	initial   string // what a new row has until another statement counts; a table that lacks the column is given it
	generated string // the expression Postgres fills it by; then it is numeric, and typ is not set
	ref       *event.Reference
}

// quote writes a table's or column's name for SQL.
func quote(name string) string { return pgx.Identifier(strings.Split(name, ".")).Sanitize() }

func quoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return strings.Join(out, ", ")
}

// sqlType is the Postgres type a column is created with.
func (c column) sqlType() string {
	if c.generated != "" {
		return "numeric"
	}
	switch t := c.typ.(type) {
	case *arrow.Int64Type:
		return "bigint"
	case *arrow.Float64Type:
		return "double precision"
	case *arrow.BooleanType:
		return "boolean"
	case *arrow.TimestampType:
		return "timestamp without time zone"
	case *arrow.Decimal128Type:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	case *arrow.BinaryType:
		return "bytea"
	case *arrow.StringType:
		if c.length > 0 {
			return fmt.Sprintf("character varying(%d)", c.length)
		}
		return "character varying"
	}
	panic(fmt.Sprintf("stream: a column of %v passed the check of the schema", c.typ))
}

// create is the statement that makes the table.
func (t table) create() string {
	var b strings.Builder
	fmt.Fprintf(&b, "create table %s (\n", quote(t.name))
	for _, c := range t.columns {
		fmt.Fprintf(&b, "    %s %s", quote(c.name), c.sqlType())
		if c.generated != "" {
			fmt.Fprintf(&b, " generated always as (%s) stored", c.generated)
		}
		if c.initial != "" {
			fmt.Fprintf(&b, " default %s", c.initial)
		}
		if !c.nullable {
			b.WriteString(" not null")
		}
		if c.ref != nil {
			fmt.Fprintf(&b, " references %s (%s)", quote(c.ref.Table), quote(c.ref.Column))
		}
		b.WriteString(",\n")
	}
	fmt.Fprintf(&b, "    primary key (%s)\n)", quoteAll(t.key))
	if t.updated {
		// The new version of a row finds room beside the old one, and then the index need not be touched: a quarter less
		// work for an upsert.
		b.WriteString(" with (fillfactor = 50)")
	}
	return b.String()
}

// found is one column of a table that exists.
type found struct {
	Name, Type string
	NotNull    bool
	Filled     bool // has a default or fills itself
	Generated  bool // is computed from other columns
}

// ensure makes the table from its declaration, or compares an existing one with it. The error names every difference. It
// returns the columns the table has.
func (t table) ensure(ctx context.Context, tx pgx.Tx) ([]found, error) {
	have, err := columnsOfTable(ctx, tx, t.name)
	if err != nil {
		return nil, err
	}
	if len(have) == 0 {
		if schema, _, ok := strings.Cut(t.name, "."); ok {
			if _, err := tx.Exec(ctx, "create schema if not exists "+quote(schema)); err != nil {
				return nil, fmt.Errorf("create schema %s: %w", schema, err)
			}
		}
		if _, err := tx.Exec(ctx, t.create()); err != nil {
			var pe *pgconn.PgError
			if errors.As(err, &pe) && pe.Code == "42P01" {
				return nil, fmt.Errorf("create table %s: %w; a table that is referenced must exist before the stream", t.name, err)
			}
			return nil, fmt.Errorf("create table %s: %w", t.name, err)
		}
		for _, c := range t.columns {
			have = append(have, found{Name: c.name, Type: c.sqlType(), NotNull: !c.nullable, Generated: c.generated != ""})
		}
		return have, nil
	}
	rows, err := tx.Query(ctx, sql.Query("stream_primary_key"), quote(t.name))
	if err != nil {
		return nil, err
	}
	key, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	if diffs := t.compare(have, key); len(diffs) > 0 {
		return nil, &differsError{fmt.Sprintf("table %s is not what the sink declares: %s; change the table or the fields, "+
			"or name another sink", t.name, strings.Join(diffs, "; "))}
	}
	return have, t.complete(ctx, tx, have)
}

// complete adds the columns that the stream itself keeps beside what the sink declares.
func (t table) complete(ctx context.Context, tx pgx.Tx, have []found) error {
	for _, c := range t.columns {
		if c.initial == "" || slices.ContainsFunc(have, func(h found) bool { return h.Name == c.name }) {
			continue
		}
		add := fmt.Sprintf("alter table %s add column %s %s not null default %s", quote(t.name), quote(c.name), c.sqlType(), c.initial)
		err := pgx.BeginFunc(ctx, tx, func(part pgx.Tx) error { // the other tables are compared all the same
			_, err := part.Exec(ctx, add)
			return err
		})
		var pe *pgconn.PgError
		if errors.As(err, &pe) && pe.Code == "42501" {
			return &differsError{fmt.Sprintf("table %s has no column %s, and the stream may not add it: as its owner, run: %s", t.name, c.name, add)}
		}
		if err != nil {
			return fmt.Errorf("add column %s to %s: %w", c.name, t.name, err)
		}
	}
	return nil
}

// columnsOfTable returns the columns a table has; none when there is no such table.
func columnsOfTable(ctx context.Context, tx pgx.Tx, name string) ([]found, error) {
	rows, err := tx.Query(ctx, sql.Query("stream_columns"), quote(name))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[found])
}

// differsError says that a table is not as declared; no retry helps.
type differsError struct{ text string }

func (e *differsError) Error() string { return e.text }

// compare lists how an existing table differs from the declaration. Columns of the table's own are fine when they can be
// left out of an insert.
func (t table) compare(have []found, key []string) []string {
	var diffs []string
	byName := map[string]found{}
	for _, h := range have {
		byName[h.Name] = h
	}
	for _, c := range t.columns {
		h, ok := byName[c.name]
		delete(byName, c.name)
		if !ok {
			if !c.optional && c.initial == "" {
				diffs = append(diffs, fmt.Sprintf("column %s %s is missing", c.name, c.sqlType()))
			}
			continue
		}
		switch {
		case c.generated != "" && !h.Generated:
			diffs = append(diffs, fmt.Sprintf("column %s is not computed, expected numeric generated always as (%s) stored", c.name, c.generated))
		case c.generated == "" && h.Generated:
			diffs = append(diffs, fmt.Sprintf("column %s is computed, the sink fills it itself", c.name))
		}
		if why := c.fits(h.Type); why != "" {
			diffs = append(diffs, fmt.Sprintf("column %s is %s, %s", c.name, h.Type, why))
		}
		if h.NotNull && c.nullable {
			diffs = append(diffs, fmt.Sprintf("column %s is not null, the field is nullable", c.name))
		}
	}
	for _, h := range have {
		if _, extra := byName[h.Name]; extra && h.NotNull && !h.Filled {
			diffs = append(diffs, fmt.Sprintf("column %s is not null and no field fills it", h.Name))
		}
	}
	want, got := slices.Clone(t.key), slices.Clone(key)
	slices.Sort(want)
	slices.Sort(got)
	switch {
	case len(got) == 0:
		diffs = append(diffs, fmt.Sprintf("it has no primary key, expected (%s)", strings.Join(t.key, ", ")))
	case !slices.Equal(want, got):
		diffs = append(diffs, fmt.Sprintf("its primary key is (%s), expected (%s)", strings.Join(key, ", "), strings.Join(t.key, ", ")))
	}
	return diffs
}

var sizedType = regexp.MustCompile(`^(numeric|character varying|character)\((\d+)(?:,(\d+))?\)$`)

// fits says why a column cannot hold the declared values exactly, or nothing. Binary COPY converts nothing, so integers
// must be bigint and times must be without a zone.
func (c column) fits(have string) string {
	m := sizedType.FindStringSubmatch(have)
	size := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	switch t := c.typ.(type) {
	case *arrow.Decimal128Type:
		switch {
		case have == "numeric", t.Precision == 38 && m != nil && m[1] == "numeric" && size(3) == int(t.Scale):
			return "" // a sum is as wide as it gets; the table says how wide is wide enough
		case m != nil && m[1] == "numeric" && size(3) >= int(t.Scale) && size(2)-size(3) >= int(t.Precision-t.Scale):
			return ""
		}
	case *arrow.StringType:
		switch {
		case have == "text", have == "character varying":
			return ""
		case m != nil && m[1] == "character varying" && c.length > 0 && c.length <= size(2):
			return ""
		case m != nil && m[1] == "character varying":
			return fmt.Sprintf("so the field needs max_length: %d or less", size(2))
		}
	default:
		if have == c.sqlType() {
			return ""
		}
	}
	return "expected " + c.sqlType()
}
