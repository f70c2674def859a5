package stream

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/event"
	"tillflow/lib/ledger"
	"tillflow/lib/window"
)

// Held rows whose dimension has come, and dead letters that a person wants tried again, are settled by the partition's
// owner, between its batches and under the same guard: decoded, checked, inserted and added to their windows as any
// message, judged by the watermark of their own place in the log, in one transaction with the correction of their
// batch's entry. So the tables end as if they had fitted at once.

// errSettleFirst says that a batch found the keys that held rows wait for: they go before it.
var errSettleFirst = errors.New("held rows can go now")

// Bounds of one transaction that settles messages.
const (
	settleRows  = 5000
	settleBytes = 16 << 20
)

// settle tries what waits, as often as it takes. It returns nil after a stop.
func (p *partition) settle(ctx, hard context.Context, w *writer) error {
	again := p.job.retrying(p.log, "try held rows again", p.place(), postgresSide)
	defer again.end()
	for ctx.Err() == nil {
		err := p.trySettle(ctx, hard, w)
		switch {
		case err == nil:
			again.ok()
			return nil
		case ctx.Err() != nil, hard.Err() != nil:
			return nil
		case !passes(err):
			return err
		}
		w.waiting.known = false // a commit may have gone through all the same
		again.wait(ctx, err)
	}
	return nil
}

func (p *partition) trySettle(ctx, hard context.Context, w *writer) error {
	select {
	case <-p.replay:
		w.waiting.replay = true
	default:
	}
	ready, err := w.look(ctx, p.job.db)
	if err != nil {
		return fmt.Errorf("look for dimension rows: %w", err)
	}
	if len(ready) > 0 || w.waiting.unclear {
		if err := p.settleAll(ctx, hard, w, ledger.FromHeld, ready); err != nil {
			return err
		}
		if err := w.load(ctx, p.job.db); err != nil {
			return err
		}
	}
	if w.waiting.replay {
		if err := p.settleAll(ctx, hard, w, ledger.FromDead, nil); err != nil {
			return err
		}
		w.waiting.replay = false
	}
	return nil
}

// settleAll settles messages of one kind until all have been tried once or ctx ends.
func (p *partition) settleAll(ctx, hard context.Context, w *writer, from ledger.Source, ready []string) error {
	if ready == nil {
		ready = []string{}
	}
	for after := int64(math.MinInt64); ctx.Err() == nil; { // what an old log has left stands below zero
		last, any, err := p.settleSome(ctx, hard, w, from, ready, after)
		if err != nil || !any {
			return err
		}
		after = last
	}
	return nil
}

// settleSome settles as many messages after an offset as go in one transaction. It returns the last one's offset, if
// there was any.
func (p *partition) settleSome(ctx, hard context.Context, w *writer, from ledger.Source, ready []string, after int64) (last int64, any bool, err error) {
	select {
	case p.job.writers <- struct{}{}:
		defer func() { <-p.job.writers }()
	case <-ctx.Done():
		return 0, false, nil
	}
	if err := p.connect(hard, w); err != nil {
		return 0, false, err
	}
	out, tried, err := w.settle(hard, from, ready, after)
	w.tidy(hard, err)
	if err != nil || len(tried) == 0 {
		return 0, false, err
	}
	n := counts{int64(len(out.Inserted)), int64(len(out.Duplicates)), int64(len(out.Late)), int64(len(out.Dead)), int64(len(out.Held)), int64(len(out.Future))}
	if from == ledger.FromHeld {
		n.held -= int64(len(tried))
	} else {
		n.dead -= int64(len(tried))
	}
	p.job.count(p.lease.Partition, n)
	p.log.Info("messages that waited were tried again", "tried", len(tried), "inserted", len(out.Inserted),
		"duplicates", len(out.Duplicates), "dead", len(out.Dead), "held", len(out.Held))
	return tried[len(tried)-1].Offset, true, nil
}

// settle is the transaction of settleSome.
func (w *writer) settle(ctx context.Context, from ledger.Source, ready []string, after int64) (out *ledger.Settled, tried []ledger.Letter, err error) {
	var letters []ledger.Letter
	q := &pgx.Batch{}
	w.queueBegin(q, w.lease.Next)
	w.lease.QueueWaiting(q, from, ready, after, settleRows, settleBytes, &letters)
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return nil, nil, fmt.Errorf("read waiting messages: %w", err)
	}
	b, n, err := w.redecode(letters)
	defer b.reset(0)
	if err != nil {
		return nil, nil, err
	}
	q = &pgx.Batch{}
	check := w.queueKeys(q, b.rec)
	q.Queue("savepoint " + savepoint)
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return nil, nil, fmt.Errorf("check waiting messages: %w", err)
	}
	acc := &ledger.Batch{Dead: b.dead}
	r := w.withhold(b, check.missing(), acc)
	defer r.rec.Release()
	verdicts, err := w.insert(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	w.judge(r, verdicts, acc)
	out = settled(from, r, verdicts, w.schema.EventTime(), acc)
	q = &pgx.Batch{}
	release, err := w.raise(ctx, q)
	defer release()
	if err != nil {
		return nil, nil, err
	}
	defer w.raiseRollups(q, r)()
	dead, held := worsened(from, letters, acc)
	w.lease.QueueSeen(q, w.problems(nil, 0, dead, held, acc.Conflicts))
	w.lease.QueueSettle(q, out)
	q.Queue("commit")
	if err := w.conn.SendBatch(ctx, q).Close(); err != nil {
		return nil, nil, fmt.Errorf("commit waiting messages: %w", err)
	}
	return out, letters[:n], nil
}

// redecode makes a batch of messages that waited, as far as they fit in one; tried is how many. The caller resets the
// batch, also after an error.
func (w *writer) redecode(letters []ledger.Letter) (b *batch, tried int, err error) {
	dec := w.schema.NewDecoder(w.mem)
	defer dec.Release()
	b = new(batch)
	b.reset(w.lease.Next)
	for _, l := range letters {
		if err := dec.Append(l.Value); err != nil {
			if errors.Is(err, event.ErrFull) && tried > 0 {
				break
			}
			var reject *event.Reject
			if !errors.As(err, &reject) {
				return b, 0, fmt.Errorf("decode message %d: %w", l.Offset, err)
			}
			l.Reason = reject.Error()
			b.dead = append(b.dead, l)
			tried++
			continue
		}
		l.EventTime = dec.EventTime()
		if window.FarFuture(l.EventTime, l.LogTime, w.skew) {
			b.future = append(b.future, future{l.Offset, l.LogTime})
		}
		b.offsets, b.marks, b.kept = append(b.offsets, l.Offset), append(b.marks, l.Watermark), append(b.kept, l)
		tried++
	}
	b.rec = dec.Seal()
	return b, tried, nil
}

// settled turns what a batch says into what became of each message.
func settled(from ledger.Source, r *rows, verdicts []verdict, eventTime int, acc *ledger.Batch) *ledger.Settled {
	out := &ledger.Settled{
		From: from, Late: acc.Late, Future: acc.Future, Conflicts: acc.Conflicts, Dead: acc.Dead, Held: acc.Held, Inserted: map[int64]int64{}, Duplicates: map[int64]int64{},
	}
	times := r.rec.Column(eventTime).(*array.Timestamp).TimestampValues()
	for i, v := range verdicts {
		switch {
		case v.refused:
		case v.inserted:
			out.Inserted[r.offsets[i]] = int64(times[i])
		default:
			out.Duplicates[r.offsets[i]] = int64(times[i])
		}
	}
	return out
}

// askReplay tells the writer that dead letters were marked to be tried again.
func (p *partition) askReplay() {
	select {
	case p.replay <- struct{}{}:
	default:
	}
}
