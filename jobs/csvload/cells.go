package csvload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/frame"
)

// maxShown is how many bad cells of one column are told at once.
const maxShown = 5

// checkCells lets Postgres read every cell of a column as the column's type and says which ones it cannot. It is asked
// before anything is written, since the error of an insert names neither row nor column.
func checkCells(ctx context.Context, tx pgx.Tx, file string, f *frame.Frame, c column) error {
	cells := texts(f, c)
	var problems []error
	bad := func(row int, msg string) {
		problems = append(problems, &frame.Error{Line: f.Lines[row], Column: c.Name, Msg: msg})
	}
	for row, cell := range cells {
		switch {
		case len(problems) == maxShown:
		case cell == nil && c.NotNull:
			bad(row, "is empty, but the column takes no nulls")
		case cell != nil && strings.ContainsRune(*cell, 0):
			bad(row, "holds a zero byte, which Postgres cannot store")
		case cell != nil && !utf8.ValidString(*cell):
			bad(row, fmt.Sprintf("%q is not UTF-8", *cell))
		case cell != nil && c.MaxLength > 0 && utf8.RuneCountInString(*cell) > c.MaxLength:
			bad(row, fmt.Sprintf("%q is longer than %d characters", *cell, c.MaxLength))
		}
	}
	if len(problems) > 0 {
		return placed(file, problems...)
	}
	// The type is text that Postgres itself wrote, so it may stand in the statement.
	try := "select count(x::" + c.Type + ") from unnest($1::text[]) x"
	rows, err := refused(ctx, tx, len(cells), maxShown, func(ctx context.Context, tx pgx.Tx, from, to int) error {
		_, err := tx.Exec(ctx, try, cells[from:to])
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: check %s: %w", file, c.Name, err)
	}
	for _, r := range rows {
		bad(r.row, c.complaint(*cells[r.row], r.err))
	}
	return placed(file, problems...)
}

// texts are the cells of a column as query arguments; an empty cell is null.
func texts(f *frame.Frame, c column) []*string {
	col := f.Column(c.Name)
	out := make([]*string, f.Rows())
	for i := range out {
		if s := col.Text(i); s != "" {
			out[i] = &s
		}
	}
	return out
}

// complaint says what is wrong with a cell, in the words of whoever edits the file.
func (c column) complaint(cell string, err *pgconn.PgError) string {
	switch {
	case err.Code == "22003": // numeric_value_out_of_range
		return fmt.Sprintf("%q does not fit %s", cell, c.Type)
	case slices.Contains([]string{"smallint", "integer", "bigint"}, c.Type):
		return fmt.Sprintf("%q is not a whole number", cell)
	case c.Category == "N":
		return fmt.Sprintf("%q is not a number", cell)
	case c.Category == "D":
		return fmt.Sprintf("%q is not a %s", cell, strings.Fields(c.Type)[0])
	case c.Category == "B":
		return fmt.Sprintf("%q is not true or false", cell)
	}
	return fmt.Sprintf("%q is not a %s: %s", cell, c.Type, err.Message)
}

// refusal is a row that Postgres did not take, and why.
type refusal struct {
	row int
	err *pgconn.PgError
}

// refused finds the rows of [0, n) that try fails for, at most limit of them, by halving: try is asked about a range
// of rows, each time inside a savepoint, and no row is asked alone while a whole range passes. An error that is not
// about the data, such as a lost connection, is returned as it is.
func refused(ctx context.Context, tx pgx.Tx, n, limit int, try func(ctx context.Context, tx pgx.Tx, from, to int) error) ([]refusal, error) {
	var found []refusal
	var look func(from, to int) error
	look = func(from, to int) error {
		if from == to || len(found) == limit {
			return nil
		}
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return try(ctx, tx, from, to) })
		var pgErr *pgconn.PgError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &pgErr) || !strings.HasPrefix(pgErr.Code, "22") && !strings.HasPrefix(pgErr.Code, "23"):
			return err
		case to-from == 1:
			found = append(found, refusal{from, pgErr})
			return nil
		}
		middle := (from + to) / 2
		if err := look(from, middle); err != nil {
			return err
		}
		return look(middle, to)
	}
	return found, look(0, n)
}

// checkKeys says which rows have the primary key of a row before them; an upsert cannot say which of two should win.
func checkKeys(file string, f *frame.Frame, columns []column) error {
	var keys []column
	for _, c := range columns {
		if c.KeyPlace > 0 {
			keys = append(keys, c)
		}
	}
	slices.SortFunc(keys, func(a, b column) int { return a.KeyPlace - b.KeyPlace })
	seen := make(map[string]int, f.Rows())
	for row := range f.Rows() {
		var names, parts []string
		for _, c := range keys {
			names, parts = append(names, c.Name), append(parts, f.Column(c.Name).Text(row))
		}
		key := fmt.Sprintf("%q", parts)
		if first, ok := seen[key]; ok {
			return placed(file, &frame.Error{Line: f.Lines[row], Column: strings.Join(names, ", "),
				Msg: fmt.Sprintf("%q stands in line %d already", strings.Join(parts, ", "), f.Lines[first])})
		}
		seen[key] = row
	}
	return nil
}
