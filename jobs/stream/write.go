package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/dict"
	"tillflow/lib/ledger"
	"tillflow/lib/window"
)

// writer puts batches of one partition into Postgres, each in one transaction. One goroutine uses it.
type writer struct {
	*sinks
	mem    memory.Allocator
	conn   *pgx.Conn
	lease  ledger.Lease
	log    logID // of the log that is read
	deltas []*window.Deltas

	revisions []*window.Revisions // by window; none when late rows are left out

	until  map[string]int64 // by rollup: the event time up to which it has all rows, while a transaction is open
	before [][]int32        // by rollup: rows of the batch in hand that come before that

	repeats   bool // the batch before had repeated keys
	scattered bool // the last large batch had its keys in no order
	waiting   waiting

	// Room that is used again for each batch.
	verdicts, fresh []verdict
	known           dict.Texts
	order           order
}

// logID tells one log from another of the same name.
type logID struct{ cluster, topic string }

func newWriter(s *sinks, mem memory.Allocator, lease ledger.Lease, log logID) (*writer, error) {
	w := &writer{sinks: s, mem: mem, lease: lease, log: log, until: map[string]int64{}, before: make([][]int32, len(s.rollups))}
	for _, win := range s.windows {
		d, err := window.NewDeltas(win.spec, s.schema.Arrow(), mem)
		if err != nil {
			return nil, err
		}
		w.deltas = append(w.deltas, d)
		if !s.late {
			continue
		}
		r, err := window.NewRevisions(win.spec, s.schema.Arrow(), mem)
		if err != nil {
			return nil, err
		}
		w.revisions = append(w.revisions, r)
	}
	return w, nil
}

// errNotKept says that rows have to wait for a dimension, but their messages were not kept. The batch must be read again
// with keep set. Normally no row waits, so nothing is copied for it.
var errNotKept = errors.New("rows must wait and their messages were not kept")

// write commits a batch, or returns an error and has committed nothing, unless the connection broke: then
// ledger.Outcome knows.
func (w *writer) write(ctx context.Context, b *batch) (*ledger.Batch, error) {
	out, err := w.transact(ctx, b)
	w.tidy(ctx, err)
	return out, err
}

// tidy rolls back what a transaction that failed has left.
func (w *writer) tidy(ctx context.Context, err error) {
	w.forget() // an error left something
	if err != nil && !w.conn.IsClosed() && w.conn.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		if _, rerr := w.conn.Exec(ctx, "rollback"); rerr != nil {
			_ = w.conn.Close(ctx)
		}
	}
}

// rollbackTime is how long a rollback may take before the connection is given up instead.
const rollbackTime = 5 * time.Second

func (w *writer) transact(ctx context.Context, b *batch) (*ledger.Batch, error) {
	out := &ledger.Batch{
		First: b.first, Next: b.next, LogEnd: b.logEnd, Dead: slices.Clip(b.dead), MinTime: b.minTime, MaxTime: b.maxTime,
		MaxEvent: b.maxEvent, HasMax: b.hasMax, ClusterID: w.log.cluster, TopicID: w.log.topic,
	}
	missing, err := w.begin(ctx, b)
	if err != nil {
		return nil, err
	}
	r := &rows{rec: b.rec, offsets: b.offsets, marks: b.marks, future: b.future, kept: b.kept}
	if missing != nil {
		if len(b.kept) < len(b.offsets) {
			return nil, errNotKept
		}
		r = w.withhold(b, missing, out)
		defer r.rec.Release()
	}
	if err := w.insertAndJudge(ctx, r, out); err != nil {
		return nil, err
	}
	q := &pgx.Batch{}
	release, err := w.raise(ctx, q)
	defer release()
	if err != nil {
		return nil, err
	}
	defer w.raiseRollups(q, r)()
	w.lease.QueueSeen(q, w.problems(b.unknown, b.first, out.Dead, out.Held, out.Conflicts))
	w.lease.Queue(q, out)
	q.Queue("commit")
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return nil, fmt.Errorf("commit batch: %w", err)
	}
	w.waiting.add(out.Held)
	return out, nil
}

// rows are the rows of a batch that are to be inserted.
type rows struct {
	rec            arrow.Record
	offsets, marks []int64         // by row
	future         []future        // of these rows and perhaps others
	kept           []ledger.Letter // by row; empty when the messages were not kept
}

// begin opens the transaction: guard, dimension keys, savepoint, in one round trip. missing says for each reference which
// keys no dimension row has; nil when all are there. errSettleFirst: held rows can go now, and must before this batch.
func (w *writer) begin(ctx context.Context, b *batch) (missing []map[any]bool, err error) {
	q := &pgx.Batch{}
	w.queueBegin(q, b.first)
	check := w.queueKeys(q, b.rec)
	q.Queue("savepoint " + savepoint)
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return nil, fmt.Errorf("begin batch: %w", err)
	}
	if w.metBy(check) {
		return nil, errSettleFirst
	}
	return check.missing(), nil
}

// queueBegin queues the beginning of a transaction that writes rows: rollups stand still, and the partition is ours and at
// offset first.
func (w *writer) queueBegin(q *pgx.Batch, first int64) {
	q.Queue("begin isolation level read committed") // until is read after the wait for a rollup, not as of before it
	w.lease.QueueRollups(q, w.until, w.sameRollup)  // without rollups too: another process may have been given some
	w.lease.QueueGuard(q, first)
}

// keyCheck is which dimension keys rows refer to, by reference, and which of them exist.
type keyCheck struct{ wanted, found []keys }

// queueKeys queues the reading and locking of the dimension keys that the rows of rec refer to.
func (w *writer) queueKeys(q *pgx.Batch, rec arrow.Record) *keyCheck {
	c := &keyCheck{make([]keys, len(w.refs)), make([]keys, len(w.refs))}
	for i, ref := range w.refs {
		c.wanted[i] = distinct(rec.Column(ref.col), &w.known)
		if c.wanted[i].len() == 0 {
			continue
		}
		q.Queue(ref.sql, c.wanted[i].param()).Query(func(rows pgx.Rows) (err error) {
			if c.wanted[i].ints != nil {
				c.found[i].ints, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			} else {
				c.found[i].texts, err = pgx.CollectRows(rows, pgx.RowTo[string])
			}
			return err
		})
	}
	return c
}

// missing says for each reference which keys no dimension row has; nil when all are there.
func (c *keyCheck) missing() (missing []map[any]bool) {
	for i := range c.wanted {
		if c.wanted[i].len() == c.found[i].len() {
			continue
		}
		if missing == nil {
			missing = make([]map[any]bool, len(c.wanted))
		}
		missing[i] = map[any]bool{}
		for _, k := range c.wanted[i].texts {
			missing[i][k] = true
		}
		for _, k := range c.wanted[i].ints {
			missing[i][k] = true
		}
		for _, k := range c.found[i].texts {
			delete(missing[i], k)
		}
		for _, k := range c.found[i].ints {
			delete(missing[i], k)
		}
	}
	return missing
}

// withhold moves the rows whose dimension keys are missing to out.Held and returns the others. The caller releases the
// record.
func (w *writer) withhold(b *batch, missing []map[any]bool, out *ledger.Batch) *rows {
	r := &rows{future: b.future}
	var stay []int32
	for i := range b.offsets {
		var needs []string
		for k, ref := range w.refs {
			col := b.rec.Column(ref.col)
			if missing == nil || missing[k] == nil || col.IsNull(i) {
				continue
			}
			if v := value(col, i); missing[k][v] {
				needs = append(needs, ref.need(v))
			}
		}
		if len(needs) > 0 {
			l := b.kept[i]
			l.Reason, l.Needs = strings.Join(needs, ", "), needs
			out.Held = append(out.Held, l)
			continue
		}
		stay = append(stay, int32(i))
		r.offsets = append(r.offsets, b.offsets[i])
		r.marks = append(r.marks, b.marks[i])
		r.kept = append(r.kept, b.kept[i])
	}
	r.rec = take(w.mem, b.rec, stay)
	return r
}

func value(col arrow.Array, i int) any {
	switch col := col.(type) {
	case *array.String:
		return col.Value(i)
	case *array.Int64:
		return col.Value(i)
	}
	panic("stream: a reference from a column of " + col.DataType().String() + " passed the check of the schema")
}

// judge counts what became of the rows, lists the late ones and adds the others to their windows. A row is late for the
// ledger when any window it belongs to has closed before it; each window leaves out only the rows that are late for itself.
func (w *writer) judge(r *rows, verdicts []verdict, out *ledger.Batch) {
	times := r.rec.Column(w.schema.EventTime()).(*array.Timestamp).TimestampValues()
	count := make([][]bool, len(w.windows))
	for k := range w.windows {
		count[k] = w.belong(w.windows[k], r.rec, verdicts)
	}
	for i, v := range verdicts {
		switch {
		case v.refused:
			l := r.kept[i]
			l.Reason = v.why
			out.Dead = append(out.Dead, l)
		case !v.inserted:
			out.Duplicates++
			if v.differs {
				out.Conflicts = append(out.Conflicts, ledger.Conflict{Offset: r.offsets[i], How: v.why})
			}
		default:
			out.Inserted++
			at, late := int64(times[i]), false
			for k, win := range w.windows {
				late = late || count[k][i] && window.Late(at, win.step, r.marks[i])
			}
			if len(w.windows) == 0 {
				late = window.Late(at, 1, r.marks[i]) // behind the watermark itself
			}
			if late {
				out.Late = append(out.Late, ledger.Late{Offset: r.offsets[i], EventTime: at, Watermark: r.marks[i], Key: w.keyOf(r.rec, i), Included: w.late})
			}
		}
	}
	for k := range w.windows {
		if w.late {
			w.deltas[k].Add(r.rec, count[k])
		} else {
			w.deltas[k].AddOnTime(r.rec, count[k], r.marks)
		}
	}
	if len(out.Late) > 0 {
		w.revised(r, count)
	}
	if len(r.future) > 0 {
		w.ahead(r, verdicts, times, out)
	}
	w.lateForRollups(r, verdicts)
}

// belong says which rows are a window sink's: those that are new and meet its condition.
func (w *writer) belong(win *windowSink, rec arrow.Record, verdicts []verdict) []bool {
	out := make([]bool, len(verdicts))
	for i, v := range verdicts {
		out[i] = v.inserted
	}
	if win.filter != nil {
		win.filter.Keep(rec, out)
	}
	return out
}
