package notebook

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/lib/frame"
)

// run executes one sql cell. A *CellError leaves the transaction as it was before, so that the next cell runs in the
// same snapshot; any other error means that the transaction is of no more use.
func (r *Report) run(ctx context.Context, tx pgx.Tx, c *cell, q bound) (*frame.Frame, *CellError, error) {
	conn := tx.Conn().PgConn()
	begin := fmt.Sprintf("savepoint cell; set local statement_timeout = %d; set local plan_cache_mode = force_custom_plan", q.timeout.Milliseconds())
	if err := conn.Exec(ctx, begin).Close(); err != nil {
		return nil, nil, fmt.Errorf("cell %s: savepoint: %w", c.name, err)
	}
	f, failed := r.rows(ctx, tx, c, q)
	end := "release savepoint cell"
	if failed != nil {
		var pg *pgconn.PgError
		if !errors.As(failed, &pg) && !errors.As(failed, new(rowError)) || conn.IsClosed() || ctx.Err() != nil {
			return nil, nil, fmt.Errorf("cell %s: %w", c.name, failed)
		}
		end = "rollback to savepoint cell; release savepoint cell"
	}
	if err := conn.Exec(ctx, end).Close(); err != nil {
		return nil, nil, fmt.Errorf("cell %s: %s: %w", c.name, end, err)
	}
	if failed != nil {
		return nil, r.sqlError(c, q, failed), nil
	}
	return f, nil, nil
}

// rowError is a result we cannot take, though Postgres could give it.
type rowError string

func (e rowError) Error() string { return string(e) }

// rows reads a result. Values come as text: results are small, and one parser by type is all that is needed. The
// statement is described anew each time, so that a changed table changes the columns here and breaks nothing.
func (r *Report) rows(ctx context.Context, tx pgx.Tx, c *cell, q bound) (*frame.Frame, error) {
	args := append([]any{pgx.QueryExecModeDescribeExec, pgx.QueryResultFormats{pgx.TextFormatCode}}, q.args...)
	rows, err := tx.Query(ctx, q.sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	f := &frame.Frame{}
	var into []func(text string) error
	seen := map[string]bool{}
	for _, d := range rows.FieldDescriptions() {
		if seen[d.Name] {
			return nil, rowError(fmt.Sprintf("two columns of the result are called %q; give one another name with as", d.Name))
		}
		seen[d.Name] = true
		f.Columns = append(f.Columns, frame.Column{Name: d.Name, Kind: kindOf(d.DataTypeOID)})
	}
	for i, d := range rows.FieldDescriptions() {
		into = append(into, r.adder(&f.Columns[i], d.DataTypeOID))
	}
	for n := 0; rows.Next(); n++ {
		if n == c.sql.maxRows {
			return nil, rowError(fmt.Sprintf("gave more than %d rows; sum them up in SQL, add a limit, or raise max_rows=", c.sql.maxRows))
		}
		for i, v := range rows.RawValues() {
			col := &f.Columns[i]
			if v == nil {
				addNull(col)
				continue
			}
			switch err := into[i](string(v)); {
			case errors.Is(err, errNoValue):
				addNull(col)
			case err != nil:
				return nil, rowError(fmt.Sprintf("column %s, row %d: %v", col.Name, n+1, err))
			case col.Null != nil:
				col.Null = append(col.Null, false)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(f.Columns) == 0 {
		return nil, rowError("gave no columns")
	}
	return f, nil
}

// errNoValue means that a value has no place on a page and counts as missing; nothing was appended.
var errNoValue = errors.New("no value")

func kindOf(oid uint32) frame.Kind {
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return frame.Int
	case pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID, pgtype.IntervalOID:
		return frame.Float
	case pgtype.BoolOID:
		return frame.Bool
	case pgtype.TimestampOID, pgtype.TimestamptzOID, pgtype.DateOID:
		return frame.Time
	}
	return frame.String
}

// adder appends a value to a column, given as Postgres writes it. Numbers become float64 here, at the very end of their
// way: sums are made in SQL, exactly. A date is midnight in the report's zone, so that it stays the same date there.
func (r *Report) adder(col *frame.Column, oid uint32) func(string) error {
	switch oid {
	case pgtype.IntervalOID:
		types := pgtype.NewMap()
		return func(s string) error {
			var v pgtype.Interval
			err := types.Scan(oid, pgtype.TextFormatCode, []byte(s), &v)
			col.Floats = append(col.Floats, float64(v.Microseconds)/1e6+86400*(float64(v.Days)+30*float64(v.Months)))
			return err
		}
	case pgtype.TimestampOID, pgtype.TimestamptzOID, pgtype.DateOID:
		layout, zone := "2006-01-02 15:04:05", time.UTC
		switch oid {
		case pgtype.TimestamptzOID:
			layout = "2006-01-02 15:04:05Z07"
		case pgtype.DateOID:
			layout, zone = "2006-01-02", r.location
		}
		return func(s string) error {
			t, err := time.ParseInLocation(layout, s, zone)
			if err != nil { // infinity, or a year with more than four digits
				return errNoValue
			}
			col.Times = append(col.Times, t)
			return nil
		}
	}
	switch col.Kind {
	case frame.Int:
		return func(s string) error {
			n, err := strconv.ParseInt(s, 10, 64)
			col.Ints = append(col.Ints, n)
			return err
		}
	case frame.Float:
		return func(s string) error {
			x, err := strconv.ParseFloat(s, 64)
			if errors.Is(err, strconv.ErrRange) && math.IsInf(x, 0) {
				err = nil
			}
			col.Floats = append(col.Floats, x)
			return err
		}
	case frame.Bool:
		return func(s string) error {
			col.Bools = append(col.Bools, s == "t")
			return nil
		}
	}
	return func(s string) error {
		col.Strings = append(col.Strings, s)
		return nil
	}
}

// addNull appends a missing value.
func addNull(col *frame.Column) {
	if col.Null == nil {
		col.Null = make([]bool, col.Len())
	}
	switch col.Kind {
	case frame.Int:
		col.Ints = append(col.Ints, 0)
	case frame.Float:
		col.Floats = append(col.Floats, math.NaN())
	case frame.Bool:
		col.Bools = append(col.Bools, false)
	case frame.Time:
		col.Times = append(col.Times, time.Time{})
	default:
		col.Strings = append(col.Strings, "")
	}
	col.Null = append(col.Null, true)
}
