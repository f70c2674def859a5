package stream

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/hll"
)

// raise adds what the judged rows are to the windows: it queues the statements, or, for a window with sketches, which
// must be read to be merged, sends one and queues the other. The returned function, never nil, releases what is queued
// after it was sent.
func (w *writer) raise(ctx context.Context, q *pgx.Batch) (release func(), err error) {
	recs := make([]arrow.Record, 0, len(w.windows))
	release = func() {
		for _, rec := range recs {
			rec.Release()
		}
	}
	for i, win := range w.windows {
		rec := w.deltas[i].Seal()
		recs = append(recs, rec)
		switch {
		case rec.NumRows() == 0:
		case len(win.sketches) > 0:
			if err := w.raiseSketches(ctx, q, win, rec); err != nil {
				return release, fmt.Errorf("raise %s: %w", win.table.name, err)
			}
		default:
			q.Queue(win.sql, params(rec, win.cols)...)
		}
	}
	for i, r := range w.revisions {
		if r.Len() > 0 {
			rec := r.Seal()
			recs = append(recs, rec)
			q.Queue(w.windows[i].revise, params(rec, w.windows[i].revised)...)
		}
	}
	return release, nil
}

// raiseSketches raises the windows and queues the storing of the sketches that changed. The upsert holds the rows' locks,
// so nobody else can have merged into them meanwhile.
func (w *writer) raiseSketches(ctx context.Context, q *pgx.Batch, win *windowSink, rec arrow.Record) error {
	m := merged{estimates: make([][]int64, len(win.sketches)), sketches: make([][][]byte, len(win.sketches))}
	rows, err := w.conn.Query(ctx, win.sql, params(rec, win.cols)...)
	if err != nil {
		return err
	}
	stored := make([][]byte, len(win.sketches))
	var place int64
	into := []any{&place}
	for k := range stored {
		into = append(into, &stored[k])
	}
	if _, err := pgx.ForEachRow(rows, into, func() error { return m.add(win, rec, int32(place-1), stored) }); err != nil {
		return err
	}
	if len(m.rows) == 0 {
		return nil
	}
	keys := columnsOf(rec, win.keys)
	defer keys.Release()
	changed := take(w.mem, keys, m.rows)
	defer changed.Release()
	args := make([]any, 0, len(win.keys)+2*len(win.sketches))
	for i := range win.keys {
		args = append(args, param(changed.Column(i)))
	}
	for k := range win.sketches {
		args = append(args, m.estimates[k], m.sketches[k])
	}
	q.Queue(win.store, args...)
	return nil
}

// merged are rows of a window's deltas whose stored sketches have to change, and by approx_distinct what they become.
type merged struct {
	rows      []int32
	estimates [][]int64
	sketches  [][][]byte
}

// add merges the sketches of one row of the deltas with the stored ones. A window that is new was stored with the
// sketches of the deltas, and there is nothing to change.
func (m *merged) add(win *windowSink, rec arrow.Record, row int32, stored [][]byte) error {
	unions := make([]hll.Sketch, len(stored))
	after := make([][]byte, len(stored))
	changed := false
	for k, s := range win.sketches {
		if err := unions[k].UnmarshalBinary(stored[k]); err != nil {
			return &differsError{fmt.Sprintf("column %s: %v; somebody else has written to it: empty the table's sketches or restore them",
				win.table.columns[s.sketch].name, err)}
		}
		var delta hll.Sketch
		if err := delta.UnmarshalBinary(rec.Column(s.sketch).(*array.Binary).Value(int(row))); err != nil {
			return err
		}
		unions[k].Merge(&delta)
		after[k], _ = unions[k].MarshalBinary() // never an error
		changed = changed || !bytes.Equal(after[k], stored[k])
	}
	if !changed {
		return nil
	}
	m.rows = append(m.rows, row)
	for k := range unions {
		m.estimates[k] = append(m.estimates[k], unions[k].Estimate())
		m.sketches[k] = append(m.sketches[k], after[k])
	}
	return nil
}

// columnsOf is a record of some of rec's columns. The caller releases it.
func columnsOf(rec arrow.Record, cols []int) arrow.Record {
	fields := make([]arrow.Field, len(cols))
	arrays := make([]arrow.Array, len(cols))
	for i, c := range cols {
		fields[i], arrays[i] = rec.Schema().Field(c), rec.Column(c)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, rec.NumRows())
}
