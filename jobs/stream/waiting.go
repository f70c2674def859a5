package stream

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/ledger"
)

// waiting is what the held rows of one partition wait for, known in memory because the partition has one writer. Nothing
// is asked of Postgres while no row waits.
//
// A held row goes in before any batch that could hold a repeat of it: the batch finds the keys the row waits for, and
// stops with errSettleFirst. So the first of two equal messages is always the one that counts, as if the dimension
// row had been there from the start.
type waiting struct {
	known   bool
	unclear bool                  // a row whose needs are not recorded
	byFirst map[string][][]string // combinations of needs, by the first of each
	replay  bool                  // dead letters are to be tried again

	timer *time.Timer
	pace  time.Duration
}

// The pace of looking whether a dimension has what rows wait for: every second, or slower when very many keys are
// missing, so that it takes no more than a fiftieth of the time, but at least every minute.
const (
	lookEvery  = time.Second
	lookShare  = 50
	lookAtLast = time.Minute
)

// tick fires when it is time to look again; never when no row waits.
func (w *waiting) tick() <-chan time.Time {
	if w.known && !w.any() {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(min(max(lookEvery, w.pace), lookAtLast))
	}
	return w.timer.C
}

// looked notes that one look took so long; the next one is due after a pause.
func (w *waiting) looked(took time.Duration) {
	w.pace = took * lookShare
	w.close()
}

func (w *waiting) close() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// any says whether a row waits.
func (w *waiting) any() bool { return w.unclear || len(w.byFirst) > 0 }

// add notes new held rows.
func (w *waiting) add(held []ledger.Letter) {
	for _, h := range held {
		w.addNeeds(h.Needs)
	}
}

func (w *waiting) addNeeds(needs []string) {
	if len(needs) == 0 {
		w.unclear = true
		return
	}
	have := w.byFirst[needs[0]]
	if slices.ContainsFunc(have, func(n []string) bool { return slices.Equal(n, needs) }) {
		return
	}
	if w.byFirst == nil {
		w.byFirst = map[string][][]string{}
	}
	first := strings.Clone(needs[0])
	w.byFirst[first] = append(have, append([]string{first}, needs[1:]...))
}

// metBy says whether a batch has found all that some row waits for.
func (w *writer) metBy(c *keyCheck) bool {
	if len(w.waiting.byFirst) == 0 {
		return false
	}
	found := map[string]bool{}
	for i, ref := range w.refs {
		for _, k := range c.found[i].texts {
			found[ref.need(k)] = true
		}
		for _, k := range c.found[i].ints {
			found[ref.need(k)] = true
		}
	}
	for n := range found {
		for _, needs := range w.waiting.byFirst[n] {
			if !slices.ContainsFunc(needs, func(n string) bool { return !found[n] }) {
				return true
			}
		}
	}
	return false
}

// look returns which needs of held rows are met now.
func (w *writer) look(ctx context.Context, db *pgxpool.Pool) (ready []string, err error) {
	began := time.Now()
	defer func() { w.waiting.looked(time.Since(began)) }()
	if !w.waiting.known {
		if err := w.load(ctx, db); err != nil {
			return nil, err
		}
	}
	if !w.waiting.any() {
		return nil, nil
	}
	return w.ready(ctx, db)
}

// load reads what rows wait for.
func (w *writer) load(ctx context.Context, db *pgxpool.Pool) error {
	needs, err := w.lease.Needs(ctx, db)
	if err != nil {
		return err
	}
	w.waiting.byFirst, w.waiting.unclear, w.waiting.known = nil, false, true
	for _, n := range needs {
		w.waiting.addNeeds(n)
	}
	return nil
}

// ready returns the needs that are met now. What a reference needed that is no longer declared counts as met.
func (w *writer) ready(ctx context.Context, db *pgxpool.Pool) ([]string, error) {
	var ready []string
	asked := make([]keys, len(w.refs))
	seen := map[string]bool{}
	for _, list := range w.waiting.byFirst {
		for _, needs := range list {
			for _, n := range needs {
				if seen[n] {
					continue
				}
				seen[n] = true
				if !w.ask(asked, n) {
					ready = append(ready, n)
				}
			}
		}
	}
	q := &pgx.Batch{}
	for i, ref := range w.refs {
		if asked[i].len() > 0 {
			q.Queue(ref.exist, asked[i].param()).Query(func(rows pgx.Rows) error {
				found, err := pgx.CollectRows(rows, pgx.RowTo[string])
				for _, k := range found {
					ready = append(ready, ref.need(k))
				}
				return err
			})
		}
	}
	if q.Len() == 0 {
		return ready, nil
	}
	return ready, db.SendBatch(ctx, q).Close()
}

// ask adds the key of a need to those of its reference; false when no reference has it.
func (w *writer) ask(asked []keys, need string) bool {
	for i, ref := range w.refs {
		key, ok := strings.CutPrefix(need, ref.need(""))
		if !ok {
			continue
		}
		if w.schema.Arrow().Field(ref.col).Type.ID() != arrow.INT64 {
			asked[i].texts = append(asked[i].texts, key)
			return true
		}
		n, err := strconv.ParseInt(key, 10, 64)
		if err == nil {
			asked[i].ints = append(asked[i].ints, n)
		}
		return err == nil
	}
	return false
}

// keyOf is what the raw table knows row i by: texts that Postgres casts to the key's columns.
func (w *writer) keyOf(rec arrow.Record, i int) []string {
	out := make([]string, len(w.raw.key))
	for k, name := range w.raw.key {
		col := rec.Column(rec.Schema().FieldIndices(name)[0])
		switch col := col.(type) {
		case *array.Timestamp:
			out[k] = time.UnixMicro(int64(col.Value(i))).UTC().Format("2006-01-02 15:04:05.999999")
		case *array.Decimal128:
			out[k] = col.Value(i).ToString(col.DataType().(*arrow.Decimal128Type).Scale)
		default:
			out[k] = col.ValueStr(i)
		}
	}
	return out
}
