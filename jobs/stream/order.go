package stream

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// order puts rows in the order of a key. It keeps its room, so that a batch allocates nothing.
type order struct {
	rows          []int32
	entries, swap []entry
	counts        [digits][1 << digitBits]int32 // of the ids' digits
}

// entry is a row with the first column of its key, whose bits are turned so that they compare without a sign.
type entry struct {
	id  uint64
	row int32
}

// byKey returns the order of rec's rows by the given columns when sorting them first is worth it, and nil when they
// mostly ascend already. Rows that come sorted fill an index's pages one after another; ids at random made COPY two
// to three times slower. The result is valid until the next call.
func (o *order) byKey(rec arrow.Record, key []string) []int32 {
	var by []func(a, b int32) int
	for _, k := range key {
		by = append(by, comparer(rec.Column(rec.Schema().FieldIndices(k)[0])))
	}
	compare := func(a, b int32) int {
		for _, c := range by {
			if n := c(a, b); n != 0 {
				return n
			}
		}
		return 0
	}
	n := int(rec.NumRows())
	ids, isInt := rec.Column(rec.Schema().FieldIndices(key[0])[0]).(*array.Int64)
	if isInt && ascend(ids.Int64Values(), compare) || !isInt && descents(n, compare) <= n/64 {
		return nil
	}
	o.rows = slices.Grow(o.rows[:0], n)[:n]
	if isInt {
		o.byInt(ids.Int64Values(), compare)
		return o.rows
	}
	for i := range o.rows {
		o.rows[i] = int32(i)
	}
	slices.SortFunc(o.rows, compare)
	return o.rows
}

// ascend is descents <= n/64 for rows whose key begins with ids, without a call for each row.
func ascend(ids []int64, compare func(a, b int32) int) bool {
	down := 0
	for i := 1; i < len(ids); i++ {
		if ids[i] < ids[i-1] || ids[i] == ids[i-1] && compare(int32(i-1), int32(i)) > 0 {
			down++
		}
	}
	return down <= len(ids)/64
}

// descents counts the rows that are less than the one before.
func descents(n int, compare func(a, b int32) int) (down int) {
	for i := 1; i < n; i++ {
		if compare(int32(i-1), int32(i)) > 0 {
			down++
		}
	}
	return down
}

// Digits of the radix sort: 11 bits, so that the counters of a digit fit the processor's first cache.
const (
	digitBits = 11
	digits    = (64 + digitBits - 1) / digitBits
)

// byInt sorts by ids, and rows with one id by compare. It is a radix sort from the lowest digit up, which took a quarter of
// the time of sorting by comparison at 50,000 rows. A digit that all ids have in common is left out.
func (o *order) byInt(ids []int64, compare func(a, b int32) int) {
	from, to := slices.Grow(o.entries[:0], len(ids))[:len(ids)], slices.Grow(o.swap[:0], len(ids))[:len(ids)]
	clear(o.counts[:])
	for i, v := range ids {
		id := uint64(v) ^ 1<<63
		from[i] = entry{id, int32(i)}
		for d := range o.counts {
			o.counts[d][id>>(digitBits*d)&(1<<digitBits-1)]++
		}
	}
	for d := range o.counts {
		c := &o.counts[d]
		if c[from[0].id>>(digitBits*d)&(1<<digitBits-1)] == int32(len(ids)) {
			continue
		}
		at := int32(0)
		for i, n := range c {
			c[i] = at
			at += n
		}
		for _, e := range from {
			digit := e.id >> (digitBits * d) & (1<<digitBits - 1)
			to[c[digit]] = e
			c[digit]++
		}
		from, to = to, from
	}
	o.entries, o.swap = from, to
	for i, e := range from {
		o.rows[i] = e.row
	}
	for i := 0; i < len(from); {
		end := i + 1
		for end < len(from) && from[end].id == from[i].id {
			end++
		}
		if end > i+1 {
			slices.SortFunc(o.rows[i:end], compare)
		}
		i = end
	}
}
