package window

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// codes numbers the distinct values of one By column, in the order they are first seen.
type codes struct {
	col     int
	strs    *array.String
	ints    []int64
	bools   *array.Boolean
	byStr   map[string]uint32
	byInt   map[int64]uint32
	values  []string
	numbers []int64
}

func newCodes(col int) *codes {
	return &codes{col: col, byStr: map[string]uint32{}, byInt: map[int64]uint32{}}
}

func (c *codes) bind(rec arrow.Record) {
	c.strs, c.ints, c.bools = nil, nil, nil
	switch a := rec.Column(c.col).(type) {
	case *array.String:
		c.strs = a
	case *array.Int64:
		c.ints = a.Int64Values()
	case *array.Boolean:
		c.bools = a
	default:
		panic(fmt.Sprintf("window: a By column of %v passed the check of the schema", a.DataType()))
	}
}

func (c *codes) of(i int) uint32 {
	if c.strs != nil {
		s := c.strs.Value(i)
		code, ok := c.byStr[s]
		if !ok {
			code = uint32(len(c.values))
			s = strings.Clone(s) // the record's memory goes back to its pool; the deltas outlive it
			c.byStr[s] = code
			c.values = append(c.values, s)
		}
		return code
	}
	var n int64
	if c.ints != nil {
		n = c.ints[i]
	} else if c.bools.Value(i) {
		n = 1
	}
	code, ok := c.byInt[n]
	if !ok {
		code = uint32(len(c.numbers))
		c.byInt[n] = code
		c.numbers = append(c.numbers, n)
	}
	return code
}

func (c *codes) compare(a, b uint32) int {
	if len(c.values) > 0 {
		return strings.Compare(c.values[a], c.values[b])
	}
	switch x, y := c.numbers[a], c.numbers[b]; {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (c *codes) append(b array.Builder, code uint32) {
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(c.values[code])
	case *array.Int64Builder:
		b.Append(c.numbers[code])
	case *array.BooleanBuilder:
		b.Append(c.numbers[code] != 0)
	}
}

func (c *codes) reset() {
	clear(c.byStr)
	clear(c.byInt)
	clear(c.values)
	c.values, c.numbers = c.values[:0], c.numbers[:0]
}
