package window

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Deltas adds up rows into what each window must be raised by.
//
// It is used by one goroutine at a time. Cost: one or two map look-ups a row, none for the window when a row falls in
// the window of the row before it; memory grows with the windows touched, and Seal gives it back for reuse.
type Deltas struct {
	spec   Spec
	schema *arrow.Schema
	mem    memory.Allocator
	size   int64
	ts     int // column of event time in the input
	by     []*codes
	totals []*total

	groups map[group]int32 // window and code -> row of the deltas
	starts []int64         // by row of the deltas
	code   []uint32        // by row of the deltas
	pairs  []map[[2]uint32]uint32
	parts  [][][2]uint32 // reverse of pairs: code -> the codes it joins

	window  int64   // start of the window that slots belongs to
	slots   []int32 // code -> row of the deltas + 1 within window; 0 = look in groups
	touched []uint32
}

// group names one row of the deltas: a window and the joined code of its By values.
type group struct {
	start int64
	code  uint32
}

// NewDeltas returns an empty accumulator for records of schema in. Errors are those of Spec.Schema.
func NewDeltas(spec Spec, in *arrow.Schema, mem memory.Allocator) (*Deltas, error) {
	schema, err := spec.Schema(in)
	if err != nil {
		return nil, err
	}
	d := &Deltas{
		spec: spec, schema: schema, mem: mem, size: spec.Size.Microseconds(),
		ts: in.FieldIndices(spec.Time)[0], groups: map[group]int32{},
	}
	for _, name := range spec.By {
		d.by = append(d.by, newCodes(in.FieldIndices(name)[0]))
	}
	for range max(0, len(d.by)-1) {
		d.pairs = append(d.pairs, map[[2]uint32]uint32{})
		d.parts = append(d.parts, nil)
	}
	for i, t := range spec.Totals {
		col := -1
		if t.Op != Count {
			col = in.FieldIndices(t.Column)[0]
		}
		d.totals = append(d.totals, newTotal(t.Op, col, schema.Field(2+len(spec.By)+i).Type))
	}
	return d, nil
}

// Schema returns the schema of the records Seal makes.
func (d *Deltas) Schema() *arrow.Schema { return d.schema }

// Add counts the rows of rec for which keep is true; keep nil means all of them. rec stays the caller's.
func (d *Deltas) Add(rec arrow.Record, keep []bool) {
	ts := rec.Column(d.ts).(*array.Timestamp).TimestampValues()
	for _, c := range d.by {
		c.bind(rec)
	}
	for _, t := range d.totals {
		t.bind(rec)
	}
	for i, at := range ts {
		if keep != nil && !keep[i] {
			continue
		}
		row := d.row(int64(at), d.joined(i))
		for _, t := range d.totals {
			t.add(row, i)
		}
	}
}

// joined returns one number for the By values of row i; equal numbers mean equal values.
func (d *Deltas) joined(i int) uint32 {
	if len(d.by) == 0 {
		return 0
	}
	code := d.by[0].of(i)
	for k, c := range d.by[1:] {
		pair := [2]uint32{code, c.of(i)}
		joined, ok := d.pairs[k][pair]
		if !ok {
			joined = uint32(len(d.parts[k]))
			d.pairs[k][pair] = joined
			d.parts[k] = append(d.parts[k], pair)
		}
		code = joined
	}
	return code
}

// row returns the row of the deltas for an event at time ts, a new one if need be. Events mostly come in the order of
// time, so the rows of one window are kept at hand by code.
func (d *Deltas) row(ts int64, code uint32) int32 {
	if ts < d.window || ts >= d.window+d.size || len(d.starts) == 0 {
		for _, c := range d.touched {
			d.slots[c] = 0
		}
		d.touched = d.touched[:0]
		d.window = Start(ts, d.size)
	}
	for int(code) >= len(d.slots) {
		d.slots = append(d.slots, 0)
	}
	if r := d.slots[code]; r > 0 {
		return r - 1
	}
	g := group{d.window, code}
	r, ok := d.groups[g]
	if !ok {
		r = int32(len(d.starts))
		d.groups[g] = r
		d.starts = append(d.starts, g.start)
		d.code = append(d.code, code)
		for _, t := range d.totals {
			t.grow()
		}
	}
	d.slots[code] = r + 1
	d.touched = append(d.touched, code)
	return r
}

// Len returns how many rows Seal would return.
func (d *Deltas) Len() int { return len(d.starts) }

// Seal returns what was added up, sorted by window_start and the By values in their order, and begins anew. Sorted
// rows let two workers raise the same windows without a deadlock. The caller releases the record.
func (d *Deltas) Seal() arrow.Record {
	order := make([]int32, len(d.starts))
	for i := range order {
		order[i] = int32(i)
	}
	keys := make([][]uint32, len(order)) // codes of the By values by row
	flat := make([]uint32, len(order)*len(d.by))
	for r := range order {
		keys[r] = flat[r*len(d.by) : (r+1)*len(d.by)]
		d.split(d.code[r], keys[r])
	}
	slices.SortFunc(order, func(a, b int32) int {
		if d.starts[a] != d.starts[b] {
			if d.starts[a] < d.starts[b] {
				return -1
			}
			return 1
		}
		for k, c := range d.by {
			if n := c.compare(keys[a][k], keys[b][k]); n != 0 {
				return n
			}
		}
		return 0
	})
	out := array.NewRecordBuilder(d.mem, d.schema)
	defer out.Release()
	out.Reserve(len(order))
	start, end := out.Field(0).(*array.TimestampBuilder), out.Field(1).(*array.TimestampBuilder)
	for _, r := range order {
		start.Append(arrow.Timestamp(d.starts[r]))
		end.Append(arrow.Timestamp(d.starts[r] + d.size))
	}
	for k, c := range d.by {
		for _, r := range order {
			c.append(out.Field(2+k), keys[r][k])
		}
	}
	for k, t := range d.totals {
		t.appendTo(out.Field(2+len(d.by)+k), order)
	}
	rec := out.NewRecord()
	d.reset()
	return rec
}

// split undoes joined: it writes the code of each By value into into.
func (d *Deltas) split(code uint32, into []uint32) {
	for k := len(d.pairs) - 1; k >= 0; k-- {
		pair := d.parts[k][code]
		into[k+1] = pair[1]
		code = pair[0]
	}
	if len(into) > 0 {
		into[0] = code
	}
}

func (d *Deltas) reset() {
	clear(d.groups)
	clear(d.slots)
	d.starts, d.code, d.touched = d.starts[:0], d.code[:0], d.touched[:0]
	for k := range d.pairs {
		clear(d.pairs[k])
		d.parts[k] = d.parts[k][:0]
	}
	for _, c := range d.by {
		c.reset()
	}
	for _, t := range d.totals {
		t.reset()
	}
}
