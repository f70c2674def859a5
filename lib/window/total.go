package window

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// total accumulates one total, a value per row of the deltas. Exactly one of the value slices is in use.
type total struct {
	op  Op
	col int
	out arrow.DataType

	nums   []decimal128.Num // sums, and extremes of decimals
	ints   []int64          // counts, and extremes of int64 and timestamps
	floats []float64
	set    []bool // extremes: a value was seen

	// the bound record's column; nil ones are not of that type
	inNull  arrow.Array // nil when the column has no nulls
	inNums  []decimal128.Num
	inInts  []int64
	inTimes []arrow.Timestamp
	inFlts  []float64
}

func newTotal(op Op, col int, out arrow.DataType) *total { return &total{op: op, col: col, out: out} }

func (t *total) bind(rec arrow.Record) {
	t.inNull, t.inNums, t.inInts, t.inTimes, t.inFlts = nil, nil, nil, nil, nil
	if t.op == Count {
		return
	}
	a := rec.Column(t.col)
	if a.NullN() > 0 {
		t.inNull = a
	}
	switch a := a.(type) {
	case *array.Decimal128:
		t.inNums = a.Values()
	case *array.Int64:
		t.inInts = a.Int64Values()
	case *array.Timestamp:
		t.inTimes = a.TimestampValues()
	case *array.Float64:
		t.inFlts = a.Float64Values()
	}
}

// add counts value i of the bound column in row r. Nulls add nothing, as in SQL.
func (t *total) add(r int32, i int) {
	if t.op == Count {
		t.ints[r]++
		return
	}
	if t.inNull != nil && t.inNull.IsNull(i) {
		return
	}
	if t.op == Sum {
		if t.inNums != nil {
			t.nums[r] = t.nums[r].Add(t.inNums[i])
		} else {
			t.nums[r] = t.nums[r].Add(decimal128.FromI64(t.inInts[i]))
		}
		return
	}
	first := !t.set[r]
	t.set[r] = true
	less := t.op == Min
	switch {
	case t.inNums != nil:
		if v := t.inNums[i]; first || v.Less(t.nums[r]) == less && v != t.nums[r] {
			t.nums[r] = v
		}
	case t.inInts != nil:
		if v := t.inInts[i]; first || (v < t.ints[r]) == less && v != t.ints[r] {
			t.ints[r] = v
		}
	case t.inTimes != nil:
		if v := int64(t.inTimes[i]); first || (v < t.ints[r]) == less && v != t.ints[r] {
			t.ints[r] = v
		}
	default:
		if v := t.inFlts[i]; first || (v < t.floats[r]) == less && v != t.floats[r] {
			t.floats[r] = v
		}
	}
}

// grow makes room for one more row.
func (t *total) grow() {
	switch t.out.ID() {
	case arrow.DECIMAL128:
		t.nums = append(t.nums, decimal128.Num{})
	case arrow.FLOAT64:
		t.floats = append(t.floats, 0)
	default:
		t.ints = append(t.ints, 0)
	}
	t.set = append(t.set, t.op == Count || t.op == Sum)
}

func (t *total) appendTo(b array.Builder, order []int32) {
	for _, r := range order {
		if !t.set[r] {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.Decimal128Builder:
			b.Append(t.nums[r])
		case *array.Int64Builder:
			b.Append(t.ints[r])
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(t.ints[r]))
		case *array.Float64Builder:
			b.Append(t.floats[r])
		}
	}
}

func (t *total) reset() {
	t.nums, t.ints, t.floats, t.set = t.nums[:0], t.ints[:0], t.floats[:0], t.set[:0]
}
