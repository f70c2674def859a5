package window

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Revisions counts, by window and By values, the rows that came when the window had ended: what a window that includes
// late rows was revised by. Like deltas, the counts of two batches add up to those of both together.
//
// It is used by one goroutine at a time. Cost: a map look-up and a short allocation for each late row and window it is
// late for, and nothing for the others.
type Revisions struct {
	schema     *arrow.Schema
	mem        memory.Allocator
	size, step int64
	ts         int   // column of event time in the input
	by         []int // columns of the By values
	counts     map[string]*revision
	key        []byte
}

type revision struct {
	start, rows int64
	by          []any // string, int64 or bool
}

// NewRevisions returns an empty counter for records of schema in. Errors are those of Spec.Schema.
func NewRevisions(spec Spec, in *arrow.Schema, mem memory.Allocator) (*Revisions, error) {
	schema, err := spec.Schema(in)
	if err != nil {
		return nil, err
	}
	r := &Revisions{
		mem: mem, size: spec.Size.Microseconds(), step: spec.Step().Microseconds(),
		ts: in.FieldIndices(spec.Time)[0], counts: map[string]*revision{},
	}
	fields := []arrow.Field{schema.Field(0)}
	for i, name := range spec.By {
		r.by = append(r.by, in.FieldIndices(name)[0])
		fields = append(fields, schema.Field(2+i))
	}
	r.schema = arrow.NewSchema(append(fields, arrow.Field{Name: "rows", Type: arrow.PrimitiveTypes.Int64}), nil)
	return r, nil
}

// Add counts the rows of rec for which keep is true in those of their windows that they are late for. marks are the
// watermarks that judge the rows. rec stays the caller's.
func (r *Revisions) Add(rec arrow.Record, keep []bool, marks []int64) {
	for i, at := range rec.Column(r.ts).(*array.Timestamp).TimestampValues() {
		if !keep[i] {
			continue
		}
		// The earliest windows that hold the row are the ones it is late for; the first of them ends with the row's pane.
		first := Start(int64(at), r.step) + r.step - r.size
		for k := range int64(Closed(int64(at), r.size, r.step, marks[i])) {
			r.count(rec, i, first+k*r.step)
		}
	}
}

// count adds row i of rec to the window that begins at start.
func (r *Revisions) count(rec arrow.Record, i int, start int64) {
	r.key = binary.BigEndian.AppendUint64(r.key[:0], uint64(start))
	for _, c := range r.by {
		switch col := rec.Column(c).(type) {
		case *array.String:
			v := col.Value(i)
			r.key = append(binary.AppendUvarint(r.key, uint64(len(v))), v...)
		case *array.Int64:
			r.key = binary.BigEndian.AppendUint64(r.key, uint64(col.Value(i)))
		case *array.Boolean:
			r.key = append(r.key, 0)
			if col.Value(i) {
				r.key[len(r.key)-1] = 1
			}
		}
	}
	at := r.counts[string(r.key)]
	if at == nil {
		at = &revision{start: start}
		for _, c := range r.by {
			switch col := rec.Column(c).(type) {
			case *array.String:
				at.by = append(at.by, string([]byte(col.Value(i)))) // rec will be released
			case *array.Int64:
				at.by = append(at.by, col.Value(i))
			case *array.Boolean:
				at.by = append(at.by, col.Value(i))
			}
		}
		r.counts[string(r.key)] = at
	}
	at.rows++
}

// Len is how many rows Seal would return.
func (r *Revisions) Len() int { return len(r.counts) }

// Reset forgets what was counted.
func (r *Revisions) Reset() { clear(r.counts) }

// Seal returns what was counted, sorted by window, and begins anew: window_start, the By values and rows (int64). The
// caller releases the record.
func (r *Revisions) Seal() arrow.Record {
	all := make([]*revision, 0, len(r.counts))
	for _, v := range r.counts {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b *revision) int {
		n := cmp.Compare(a.start, b.start)
		for k := 0; n == 0 && k < len(a.by); k++ {
			switch v := a.by[k].(type) {
			case string:
				n = cmp.Compare(v, b.by[k].(string))
			case int64:
				n = cmp.Compare(v, b.by[k].(int64))
			case bool:
				if w := b.by[k].(bool); v != w {
					n = 1
					if w {
						n = -1
					}
				}
			}
		}
		return n
	})
	out := array.NewRecordBuilder(r.mem, r.schema)
	defer out.Release()
	for _, v := range all {
		out.Field(0).(*array.TimestampBuilder).Append(arrow.Timestamp(v.start))
		for k, by := range v.by {
			switch by := by.(type) {
			case string:
				out.Field(1 + k).(*array.StringBuilder).Append(by)
			case int64:
				out.Field(1 + k).(*array.Int64Builder).Append(by)
			case bool:
				out.Field(1 + k).(*array.BooleanBuilder).Append(by)
			}
		}
		out.Field(1 + len(v.by)).(*array.Int64Builder).Append(v.rows)
	}
	r.Reset()
	return out.NewRecord()
}
