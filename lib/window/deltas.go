package window

import (
	"cmp"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Deltas adds up rows into what each window must be raised by.
//
// Rows are added up by pane, the stretch of time between two windows' starts, and Seal adds the panes up to windows. A
// window that does not slide is one pane.
//
// It is used by one goroutine at a time. Cost: a few comparisons a row for each By value (package dict), a map look-up for
// each pair of By values, none for the window when a row falls in the pane of the row before it, and at Seal one for each
// pane and window it is part of; memory grows with the windows touched, and Seal gives it back for reuse.
type Deltas struct {
	spec   Spec
	schema *arrow.Schema
	mem    memory.Allocator
	size   int64
	step   int64
	ts     int // column of event time in the input
	by     []*codes
	panes  cells
	wide   cells // the windows, when they are not the panes

	pairs []map[[2]uint32]uint32
	parts [][][2]uint32 // reverse of pairs: code -> the codes it joins

	places []int32 // of the rows of the record in hand: the row of panes, or -1

	pane    int64   // start of the pane that slots belongs to
	slots   []int32 // code -> row of panes + 1 within pane; 0 = look in its index
	touched []uint32
}

// cells are the totals by time and By values.
type cells struct {
	totals []*total
	index  map[cell]int32 // -> row
	cells  []cell         // by row
}

// cell names one row: a pane or window, the joined code of its By values, and of a pane how many of its windows, the
// earliest ones, its rows came too late for.
type cell struct {
	start  int64
	code   uint32
	closed int32
}

// NewDeltas returns an empty accumulator for records of schema in. Errors are those of Spec.Schema.
func NewDeltas(spec Spec, in *arrow.Schema, mem memory.Allocator) (*Deltas, error) {
	schema, err := spec.Schema(in)
	if err != nil {
		return nil, err
	}
	d := &Deltas{
		spec: spec, schema: schema, mem: mem, size: spec.Size.Microseconds(), step: spec.Step().Microseconds(),
		ts: in.FieldIndices(spec.Time)[0], panes: newCells(spec, in),
	}
	if d.step < d.size {
		d.wide = newCells(spec, in)
	}
	for _, name := range spec.By {
		d.by = append(d.by, newCodes(in.FieldIndices(name)[0]))
	}
	for range max(0, len(d.by)-1) {
		d.pairs = append(d.pairs, map[[2]uint32]uint32{})
		d.parts = append(d.parts, nil)
	}
	return d, nil
}

func newCells(spec Spec, in *arrow.Schema) cells {
	c := cells{index: map[cell]int32{}}
	for _, t := range spec.Totals {
		for _, p := range t.Parts() {
			col := -1
			if p.Op != Count {
				col = in.FieldIndices(p.Column)[0]
			}
			c.totals = append(c.totals, newTotal(p.Op, col, p.field(in).Type))
		}
		if n := len(c.totals); t.Op == Distinct {
			c.totals[n-2].of = c.totals[n-1]
		}
	}
	return c
}

// row returns the row of a cell, a new one if need be.
func (c *cells) row(at cell) int32 {
	r, ok := c.index[at]
	if !ok {
		r = int32(len(c.cells))
		c.index[at] = r
		c.cells = append(c.cells, at)
		for _, t := range c.totals {
			t.grow()
		}
	}
	return r
}

func (c *cells) reset() {
	clear(c.index)
	c.cells = c.cells[:0]
	for _, t := range c.totals {
		t.reset()
	}
}

// Schema returns the schema of the records Seal makes.
func (d *Deltas) Schema() *arrow.Schema { return d.schema }

// Add counts the rows of rec for which keep is true, in all their windows; keep nil means all rows. rec stays the
// caller's.
func (d *Deltas) Add(rec arrow.Record, keep []bool) { d.add(rec, keep, nil) }

// AddOnTime counts the rows of rec for which keep is true in those of their windows that they are not late for. marks
// are the watermarks that judge the rows. A row can be late for one of its windows and not for a later one.
func (d *Deltas) AddOnTime(rec arrow.Record, keep []bool, marks []int64) { d.add(rec, keep, marks) }

func (d *Deltas) add(rec arrow.Record, keep []bool, marks []int64) {
	ts := rec.Column(d.ts).(*array.Timestamp).TimestampValues()
	for _, c := range d.by {
		c.bind(rec)
	}
	for _, t := range d.panes.totals {
		t.bind(rec)
	}
	all := int32(d.size / d.step)
	d.places = slices.Grow(d.places[:0], len(ts))[:len(ts)]
	for i, at := range ts {
		d.places[i] = -1
		if keep != nil && !keep[i] {
			continue
		}
		closed := int32(0)
		if marks != nil {
			if closed = Closed(int64(at), d.size, d.step, marks[i]); closed == all {
				continue
			}
		}
		d.places[i] = d.row(int64(at), d.joined(i), closed)
	}
	for _, t := range d.panes.totals {
		t.addAll(d.places)
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

// row returns the row of panes for an event at time ts. Events mostly come in the order of time and not late, so the
// rows of one pane are kept at hand by code.
func (d *Deltas) row(ts int64, code uint32, closed int32) int32 {
	if closed > 0 {
		return d.panes.row(cell{Start(ts, d.step), code, closed})
	}
	if ts < d.pane || ts >= d.pane+d.step || len(d.panes.cells) == 0 {
		for _, c := range d.touched {
			d.slots[c] = 0
		}
		d.touched = d.touched[:0]
		d.pane = Start(ts, d.step)
	}
	for int(code) >= len(d.slots) {
		d.slots = append(d.slots, 0)
	}
	if r := d.slots[code]; r > 0 {
		return r - 1
	}
	r := d.panes.row(cell{d.pane, code, 0})
	d.slots[code] = r + 1
	d.touched = append(d.touched, code)
	return r
}

// windows adds the panes up to windows.
func (d *Deltas) windows() *cells {
	if d.step == d.size {
		return &d.panes
	}
	for pr, p := range d.panes.cells {
		// The latest window that holds a pane begins with it, the earliest ends with it.
		for k := range d.size/d.step - int64(p.closed) {
			r := d.wide.row(cell{start: p.start - k*d.step, code: p.code})
			for i, t := range d.wide.totals {
				t.merge(r, d.panes.totals[i], int32(pr))
			}
		}
	}
	return &d.wide
}

// Len is 0 when Seal would return no rows, and else how many panes were touched.
func (d *Deltas) Len() int { return len(d.panes.cells) }

// Seal returns what was added up, sorted by window_start and the By values in their order, and begins anew. Sorted
// rows let two workers raise the same windows without a deadlock. The caller releases the record.
func (d *Deltas) Seal() arrow.Record {
	w := d.windows()
	order := make([]int32, len(w.cells))
	for i := range order {
		order[i] = int32(i)
	}
	keys := make([][]uint32, len(order)) // codes of the By values by row
	flat := make([]uint32, len(order)*len(d.by))
	for r := range order {
		keys[r] = flat[r*len(d.by) : (r+1)*len(d.by)]
		d.split(w.cells[r].code, keys[r])
	}
	slices.SortFunc(order, func(a, b int32) int {
		if n := cmp.Compare(w.cells[a].start, w.cells[b].start); n != 0 {
			return n
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
		start.Append(arrow.Timestamp(w.cells[r].start))
		end.Append(arrow.Timestamp(w.cells[r].start + d.size))
	}
	for k, c := range d.by {
		for _, r := range order {
			c.append(out.Field(2+k), keys[r][k])
		}
	}
	for k, t := range w.totals {
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
	d.panes.reset()
	d.wide.reset()
	clear(d.slots)
	d.touched = d.touched[:0]
	for k := range d.pairs {
		clear(d.pairs[k])
		d.parts[k] = d.parts[k][:0]
	}
	for _, c := range d.by {
		c.reset()
	}
}
