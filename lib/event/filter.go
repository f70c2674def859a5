package event

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Filter says which rows of a schema's records meet a condition. It does not change and is safe for concurrent use.
//
// The condition is written as in SQL, and means what it means there; nulls meet no comparison:
//
//	amount > 0 and reason in ('defective', 'wrong_item') and store_id is not null
//
// Comparisons are joined by "and". Each has a column on its left, and values on its right: numbers, 'text' in single
// quotes (a quote inside is written twice), times as 'text', true and false. The operators are =, <> or !=, in (...),
// not in (...), is null, is not null; numbers and times have <, <=, > and >= too. Values are read as strictly as those of
// messages: one that the column cannot hold is an error and not a condition that is never met.
type Filter struct {
	conds []condition
}

// condition is one comparison.
type condition struct {
	field  *field
	col    int
	op     string // one of the operators above, "!=" as "<>"
	values []cell
	sql    string
}

// UnknownColumnError says that a condition names a column which no field has.
type UnknownColumnError struct{ Column string }

func (e *UnknownColumnError) Error() string {
	return fmt.Sprintf("no field has the column %q", e.Column)
}

// NewFilter reads a condition on the columns of the schema. An error says what is wrong with it; a column that does not
// exist is an *UnknownColumnError.
func (s *Schema) NewFilter(where string) (*Filter, error) {
	p := filterParser{schema: s, src: where}
	if err := p.split(); err != nil {
		return nil, err
	}
	f := &Filter{}
	for {
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		f.conds = append(f.conds, c)
		if p.done() {
			return f, nil
		}
		if t := p.take(); !strings.EqualFold(t, "and") {
			return nil, fmt.Errorf(`%q where "and" or the end is expected; comparisons are joined by "and"`, t)
		}
	}
}

// SQL is the condition for Postgres, with quoted names and without parameters.
func (f *Filter) SQL() string {
	parts := make([]string, len(f.conds))
	for i, c := range f.conds {
		parts[i] = c.sql
	}
	return strings.Join(parts, " and ")
}

// Keep clears keep[i] for each row of rec that does not meet the condition. rec is a record of the schema.
func (f *Filter) Keep(rec arrow.Record, keep []bool) {
	for _, c := range f.conds {
		c.keep(rec.Column(c.col), keep)
	}
}

func (c *condition) keep(col arrow.Array, keep []bool) {
	at := cellsOf(col)
	nulls := col.NullN() > 0
	for i := range keep {
		if !keep[i] {
			continue
		}
		null := nulls && col.IsNull(i)
		switch {
		case c.op == "is null":
			keep[i] = null
		case c.op == "is not null":
			keep[i] = !null
		case null:
			keep[i] = false
		default:
			keep[i] = c.meets(at(i))
		}
	}
}

func (c *condition) meets(v cell) bool {
	switch c.op {
	case "in", "not in":
		found := slices.ContainsFunc(c.values, func(w cell) bool { return c.field.compare(v, w) == 0 })
		return found == (c.op == "in")
	}
	n := c.field.compare(v, c.values[0])
	switch c.op {
	case "=":
		return n == 0
	case "<>":
		return n != 0
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// cellsOf gives the values of a column; what it returns for a null means nothing.
func cellsOf(col arrow.Array) func(i int) cell {
	switch col := col.(type) {
	case *array.Int64:
		v := col.Int64Values()
		return func(i int) cell { return cell{i: v[i]} }
	case *array.Timestamp:
		v := col.TimestampValues()
		return func(i int) cell { return cell{i: int64(v[i])} }
	case *array.Float64:
		v := col.Float64Values()
		return func(i int) cell { return cell{f: v[i]} }
	case *array.Decimal128:
		v := col.Values()
		return func(i int) cell { return cell{i: int64(v[i].LowBits()), hi: v[i].HighBits()} }
	case *array.Boolean:
		return func(i int) cell {
			if col.Value(i) {
				return cell{i: 1}
			}
			return cell{}
		}
	case *array.String:
		return func(i int) cell { return cell{text: []byte(col.Value(i))} }
	}
	panic("event: a column of " + col.DataType().String() + " is of no schema")
}
