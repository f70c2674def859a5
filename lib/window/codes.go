package window

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"tillflow/lib/dict"
)

// codes numbers the distinct values of one By column, in the order they are first seen.
type codes struct {
	col     int
	offsets []int32 // of a bound column of strings: value i is bytes[offsets[i]:offsets[i+1]]
	bytes   []byte
	ints    []int64
	bools   *array.Boolean
	texts   dict.Texts // outlives the record, whose memory goes back to its pool
	byInt   map[int64]uint32
	numbers []int64
}

func newCodes(col int) *codes {
	return &codes{col: col, byInt: map[int64]uint32{}}
}

func (c *codes) bind(rec arrow.Record) {
	c.offsets, c.bytes, c.ints, c.bools = nil, nil, nil, nil
	switch a := rec.Column(c.col).(type) {
	case *array.String:
		c.offsets = a.ValueOffsets()
		if b := a.Data().Buffers()[2]; b != nil {
			c.bytes = b.Bytes()
		}
	case *array.Int64:
		c.ints = a.Int64Values()
	case *array.Boolean:
		c.bools = a
	default:
		panic(fmt.Sprintf("window: a By column of %v passed the check of the schema", a.DataType()))
	}
}

func (c *codes) of(i int) uint32 {
	if c.offsets != nil {
		return c.texts.Code(c.bytes[c.offsets[i]:c.offsets[i+1]])
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
	if values := c.texts.Values(); len(values) > 0 {
		return strings.Compare(values[a], values[b])
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
		b.Append(c.texts.Values()[code])
	case *array.Int64Builder:
		b.Append(c.numbers[code])
	case *array.BooleanBuilder:
		b.Append(c.numbers[code] != 0)
	}
}

func (c *codes) reset() {
	c.texts.Reset()
	clear(c.byInt)
	c.numbers = c.numbers[:0]
}
