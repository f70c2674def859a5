package window

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"tillflow/lib/hll"
)

// total accumulates one part of a total, a value per row of the deltas. Exactly one of the value slices is in use.
type total struct {
	op  Op
	col int
	out arrow.DataType

	nums     []decimal128.Num // sums, and extremes of decimals
	ints     []int64          // counts, and extremes of int64 and timestamps
	floats   []float64
	sketches []hll.Sketch
	set      []bool // extremes: a value was seen
	of       *total // an estimate has no values but those of this sketch

	// the bound record's column; nil ones are not of that type
	inNull  arrow.Array // nil when the column has no nulls
	inNums  []decimal128.Num
	inInts  []int64
	inTimes []arrow.Timestamp
	inFlts  []float64
	inTexts *array.String
	inBools *array.Boolean
}

func newTotal(op Op, col int, out arrow.DataType) *total { return &total{op: op, col: col, out: out} }

func (t *total) bind(rec arrow.Record) {
	t.inNull, t.inNums, t.inInts, t.inTimes, t.inFlts, t.inTexts, t.inBools = nil, nil, nil, nil, nil, nil, nil
	if t.op == Count || t.op == Distinct {
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
	case *array.String:
		t.inTexts = a
	case *array.Boolean:
		t.inBools = a
	}
}

// addAll counts each value of the bound column in the row that places says, and in none where that is -1. The totals that
// nearly every window keeps have loops of their own.
func (t *total) addAll(places []int32) {
	switch {
	case t.op == Distinct:
	case t.op == Count, t.op == Values && t.inNull == nil:
		for _, r := range places {
			if r >= 0 {
				t.ints[r]++
			}
		}
	case t.op == Sum && t.inNums != nil && t.inNull == nil:
		for i, r := range places {
			if r >= 0 {
				t.nums[r] = t.nums[r].Add(t.inNums[i])
			}
		}
	default:
		for i, r := range places {
			if r >= 0 {
				t.add(r, i)
			}
		}
	}
}

// add counts value i of the bound column in row r. Nulls add nothing, as in SQL.
func (t *total) add(r int32, i int) {
	switch {
	case t.inNull != nil && t.inNull.IsNull(i):
		return
	case t.op == Values:
		t.ints[r]++
		return
	case t.op == Sketch:
		t.sketches[r].Add(t.hash(i))
		return
	case t.op == Sum:
		if t.inNums != nil {
			t.nums[r] = t.nums[r].Add(t.inNums[i])
		} else {
			t.nums[r] = t.nums[r].Add(decimal128.FromI64(t.inInts[i]))
		}
		return
	}
	switch {
	case t.inNums != nil:
		t.chooseNum(r, t.inNums[i])
	case t.inInts != nil:
		t.chooseInt(r, t.inInts[i])
	case t.inTimes != nil:
		t.chooseInt(r, int64(t.inTimes[i]))
	default:
		t.chooseFloat(r, t.inFlts[i])
	}
}

// hash is the hash of value i. Values that Postgres holds to be equal have equal hashes.
func (t *total) hash(i int) uint64 {
	switch {
	case t.inTexts != nil:
		return hll.Text(t.inTexts.Value(i))
	case t.inInts != nil:
		return hll.Int64(t.inInts[i])
	case t.inTimes != nil:
		return hll.Int64(int64(t.inTimes[i]))
	case t.inNums != nil:
		n := t.inNums[i]
		return hll.Int64(int64(n.LowBits() ^ hll.Int64(n.HighBits())))
	case t.inFlts != nil:
		return hll.Int64(int64(math.Float64bits(t.inFlts[i] + 0))) // -0 + 0 is 0
	case t.inBools.Value(i):
		return hll.Int64(1)
	}
	return hll.Int64(0)
}

// The choose functions put the smaller or the greater of a value and row r's there.

func (t *total) chooseNum(r int32, v decimal128.Num) {
	if !t.set[r] || v.Less(t.nums[r]) == (t.op == Min) && v != t.nums[r] {
		t.nums[r], t.set[r] = v, true
	}
}

func (t *total) chooseInt(r int32, v int64) {
	if !t.set[r] || (v < t.ints[r]) == (t.op == Min) && v != t.ints[r] {
		t.ints[r], t.set[r] = v, true
	}
}

func (t *total) chooseFloat(r int32, v float64) {
	if !t.set[r] || (v < t.floats[r]) == (t.op == Min) && v != t.floats[r] {
		t.floats[r], t.set[r] = v, true
	}
}

// merge adds row fr of from, a total of the same kind, to row r.
func (t *total) merge(r int32, from *total, fr int32) {
	switch {
	case t.op == Distinct || !from.set[fr]:
	case t.op == Count || t.op == Values:
		t.ints[r] += from.ints[fr]
	case t.op == Sketch:
		t.sketches[r].Merge(&from.sketches[fr])
	case t.op == Sum:
		t.nums[r] = t.nums[r].Add(from.nums[fr])
	case t.out.ID() == arrow.DECIMAL128:
		t.chooseNum(r, from.nums[fr])
	case t.out.ID() == arrow.FLOAT64:
		t.chooseFloat(r, from.floats[fr])
	default:
		t.chooseInt(r, from.ints[fr])
	}
}

// grow makes room for one more row.
func (t *total) grow() {
	switch t.out.ID() {
	case arrow.DECIMAL128:
		t.nums = append(t.nums, decimal128.Num{})
	case arrow.FLOAT64:
		t.floats = append(t.floats, 0)
	case arrow.BINARY:
		t.sketches = append(t.sketches, hll.Sketch{})
	default:
		t.ints = append(t.ints, 0)
	}
	t.set = append(t.set, t.op != Min && t.op != Max)
}

func (t *total) appendTo(b array.Builder, order []int32) {
	var sketch []byte
	for _, r := range order {
		if !t.set[r] {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.Decimal128Builder:
			b.Append(t.nums[r])
		case *array.Int64Builder:
			if t.op == Distinct {
				b.Append(t.of.sketches[r].Estimate())
			} else {
				b.Append(t.ints[r])
			}
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(t.ints[r]))
		case *array.Float64Builder:
			b.Append(t.floats[r])
		case *array.BinaryBuilder:
			sketch, _ = t.sketches[r].AppendBinary(sketch[:0]) // never an error
			b.Append(sketch)
		}
	}
}

func (t *total) reset() {
	clear(t.sketches) // they are large, and the next window's sets are mostly other ones
	t.nums, t.ints, t.floats, t.sketches, t.set = t.nums[:0], t.ints[:0], t.floats[:0], t.sketches[:0], t.set[:0]
}
