package csvload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
	"tillflow/sql"
)

// table is what Postgres says about a table.
type table struct {
	name    string
	columns []column
}

// column is a column of a table.
type column struct {
	Name       string
	Type       string // as Postgres writes it: numeric(12,2)
	Category   string // pg_type.typcategory: N number, S text, D time, B boolean
	MaxLength  int    // of varchar(n) and char(n); 0 is no limit
	NotNull    bool
	HasDefault bool
	Generated  bool // may not be written
	KeyPlace   int  // place in the primary key from 1; 0 is none
}

func (c column) optional() bool { return c.HasDefault || c.Generated }

// identifier quotes a table's name; "schema.table" is two names.
func (t *table) identifier() string { return pgx.Identifier(strings.Split(t.name, ".")).Sanitize() }

// describe reads the columns of a table. The table must be there and have a primary key, by which a row is known again.
func describe(ctx context.Context, tx pgx.Tx, name string) (*table, error) {
	t := &table{name: name}
	rows, err := tx.Query(ctx, sql.Query("csvload_columns"), t.identifier())
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", name, err)
	}
	t.columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		return nil, fmt.Errorf("read columns of %s: %w", name, err)
	}
	if len(t.columns) == 0 {
		return nil, fmt.Errorf("there is no table %s; add a migration that creates it", name)
	}
	if !slices.ContainsFunc(t.columns, func(c column) bool { return c.KeyPlace > 0 }) {
		return nil, fmt.Errorf("table %s has no primary key, by which load.csv knows a row again", name)
	}
	return t, nil
}

// match finds the table's column for each column of the file, in the file's order. It tells all that is wrong at once.
func (t *table) match(file string, header []string) ([]column, error) {
	var matched []column
	var names []string
	for _, c := range t.columns {
		if !c.Generated {
			names = append(names, c.Name)
		}
	}
	var problems []error
	for _, h := range header {
		i := slices.IndexFunc(t.columns, func(c column) bool { return c.Name == h && !c.Generated })
		if i < 0 {
			problems = append(problems, &frame.Error{Line: 1, Column: h, Msg: t.unknown(h, names)})
			continue
		}
		matched = append(matched, t.columns[i])
	}
	for _, c := range t.columns {
		if !c.optional() && !slices.Contains(header, c.Name) {
			problems = append(problems, &frame.Error{Line: 1, Msg: fmt.Sprintf("column %s of %s is missing", c.Name, t.name)})
		}
		if c.KeyPlace > 0 && c.optional() && !slices.Contains(header, c.Name) {
			problems = append(problems, &frame.Error{Line: 1, Msg: fmt.Sprintf("column %s is missing; it is in the primary key of %s", c.Name, t.name)})
		}
	}
	return matched, placed(file, problems...)
}

func (t *table) unknown(header string, names []string) string {
	if s := strictyaml.Suggest(header, names); s != "" {
		return fmt.Sprintf("%s has no such column (%s)", t.name, s)
	}
	return fmt.Sprintf("%s has no such column (it has %s)", t.name, strings.Join(names, ", "))
}

// placed puts the file's name before errors of a frame: "seeds/a.csv:3: price: ...". Several become one error of
// several lines; none is nil.
func placed(file string, errs ...error) error {
	var out []error
	for _, err := range errs {
		var e *frame.Error
		switch {
		case !errors.As(err, &e):
			out = append(out, fmt.Errorf("%s: %w", file, err))
		case e.Line == 0:
			out = append(out, fmt.Errorf("%s: %s", file, e.Error()))
		case e.Column == "":
			out = append(out, fmt.Errorf("%s:%d: %s", file, e.Line, e.Msg))
		default:
			out = append(out, fmt.Errorf("%s:%d: %s: %s", file, e.Line, e.Column, e.Msg))
		}
	}
	return errors.Join(out...)
}
