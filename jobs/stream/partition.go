package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tillflow/lib/ledger"
	"tillflow/lib/window"
)

// partition is the worker of one partition this process owns.
type partition struct {
	job    *stream
	lease  ledger.Lease // Next and MaxEvent move with each commit
	stopAt int64        // once mode: the end of the work
	log    *slog.Logger

	next, logEnd atomic.Int64 // for others to read
	keepFor      atomic.Int64 // batches whose messages are kept as they came

	replay chan struct{} // dead letters were marked to be tried again; holds one

	scattered atomic.Bool // keys come in no order

	reads atomic.Bool // the log has given an answer to where the partition stands
}

// place names the partition among the others of the stream.
func (p *partition) place() string { return strconv.Itoa(p.lease.Partition) }

// buffers is how many batches a partition has in memory: one fills while the other is written. Reading is several
// times faster than writing, so a third would only wait.
const buffers = 2

// keepMessages is how many batches keep their messages after a row had to wait for its dimension; more are likely to
// come, and reading a batch twice costs more than copying its messages.
const keepMessages = 100

// firstShare is which part of a full batch the first one is.
const firstShare = 8

// run works until ctx ends (a clean stop: nil), stopAt is reached (nil), the lease is lost (ledger.ErrFenced), or
// something fails for good. hard bounds what is still written after ctx has ended.
func (p *partition) run(ctx, hard context.Context) error {
	for {
		err := p.session(ctx, hard)
		if !errors.Is(err, errNotKept) {
			return err
		}
		p.keepFor.Store(keepMessages)
	}
}

// session reads and writes from where the lease stands, until an error.
func (p *partition) session(ctx, hard context.Context) error {
	w, err := newWriter(p.job.sinks, p.job.mem, p.lease, p.job.logID)
	if err != nil {
		return err
	}
	defer w.close(hard)
	rctx, cancel := context.WithCancel(ctx)
	g := new(errgroup.Group)
	free, full := make(chan *batch, buffers), make(chan *batch, 1)
	for range buffers {
		free <- new(batch)
	}
	g.Go(func() error {
		defer close(full)
		return p.read(rctx, free, full)
	})
	werr := p.write(ctx, hard, w, free, full)
	cancel()
	for b := range full { // what the reader had ready is read again by the next owner
		b.reset(0)
	}
	rerr := g.Wait()
	switch {
	case werr != nil:
		return werr
	case ctx.Err() != nil, errors.Is(rerr, errEnd):
		return nil
	}
	return rerr
}

// read fills batches until ctx ends or the log has no more for us.
func (p *partition) read(ctx context.Context, free <-chan *batch, full chan<- *batch) error {
	dec := p.job.sinks.schema.NewDecoder(p.job.mem)
	defer dec.Release()
	r := &reader{
		fetcher: p.job.kafka.NewFetcher(p.lease.Topic, p.lease.Partition), dec: dec,
		tracker: window.NewTracker(*p.job.with.Watermark, *p.job.with.MaxSkew),
		next:    p.lease.Next, stopAt: p.stopAt, rows: p.job.rows, wide: p.job.wide, first: max(1, p.job.rows/firstShare), linger: *p.job.with.Linger,
		scattered: &p.scattered,
		seen:      func(end int64) { p.logEnd.Store(end); p.reads.Store(true) }, free: free,
	}
	r.tracker.Restore(p.lease.MaxEvent, p.lease.HasMax)
	again := p.job.retrying(p.log, "read", p.place(), kafkaSide)
	defer again.end()
	for {
		b := r.spare
		r.spare = nil
		if b == nil {
			select {
			case b = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if r.spare == nil && r.isWide() {
			select {
			case r.spare = <-free:
			case <-ctx.Done():
				b.reset(0)
				return ctx.Err()
			}
		}
		for {
			r.keep = p.keepFor.Load() > 0
			err := r.fill(ctx, b)
			if err == nil {
				again.ok()
				break
			}
			if errors.Is(err, errEnd) || ctx.Err() != nil || !passes(err) {
				b.reset(0)
				return err
			}
			if !again.wait(ctx, err) {
				b.reset(0)
				return ctx.Err()
			}
		}
		select {
		case full <- b:
			r.handed = time.Now()
		case <-ctx.Done():
			b.reset(0)
			return ctx.Err()
		}
	}
}

// write commits batches in their order until there are no more, ctx ends, or one cannot be committed.
func (p *partition) write(ctx, hard context.Context, w *writer, free chan<- *batch, full <-chan *batch) error {
	if err := p.settle(ctx, hard, w); err != nil {
		return err
	}
	defer w.waiting.close()
	folded := time.Now()
	for {
		var b *batch
		var ok bool
		select {
		case b, ok = <-full:
			if !ok {
				return p.settle(ctx, hard, w) // once mode: dimension rows may have come meanwhile
			}
		case <-w.waiting.tick():
			if err := p.settle(ctx, hard, w); err != nil {
				return err
			}
			continue
		case <-p.replay:
			w.waiting.replay = true
			if err := p.settle(ctx, hard, w); err != nil {
				return err
			}
			continue
		}
		if ctx.Err() != nil {
			b.reset(0)
			return nil
		}
		err := p.commit(ctx, hard, w, b)
		b.reset(0)
		if err != nil {
			return err
		}
		free <- b
		if time.Since(folded) > foldEvery {
			folded = time.Now()
			if err := p.lease.Fold(hard, w.conn); err != nil {
				p.log.Warn("the ledger keeps its old entries for now", "err", err)
			}
		}
	}
}

// foldEvery is how often old entries of the ledger are joined.
const foldEvery = 10 * time.Minute

// commit writes one batch, as often as it takes.
func (p *partition) commit(ctx, hard context.Context, w *writer, b *batch) error {
	again := p.job.retrying(p.log, "write", p.place(), postgresSide)
	defer again.end()
	for {
		if !w.waiting.known && again.tries == 0 {
			if err := p.settle(ctx, hard, w); err != nil || ctx.Err() != nil {
				return err
			}
		}
		err := p.try(ctx, hard, w, b, again.tries > 0)
		switch {
		case err == nil:
			again.ok()
			p.lease.Next, p.lease.MaxEvent, p.lease.HasMax = b.next, b.maxEvent, b.hasMax
			w.lease.Next = b.next
			p.next.Store(b.next)
			p.scattered.Store(w.scattered)
			p.drifted(b.unknown)
			if p.keepFor.Add(-1) < 0 {
				p.keepFor.Store(0)
			}
			return nil
		case errors.Is(err, errNotKept):
			return err
		case errors.Is(err, errSettleFirst):
			if err := p.settle(ctx, hard, w); err != nil || ctx.Err() != nil {
				return err
			}
			continue
		case hard.Err() != nil:
			return nil
		case !passes(err):
			return err
		}
		// After a clean stop there is no waiting: the batch is read again by the next owner.
		if !again.wait(ctx, err) {
			return nil
		}
	}
}

// try makes one attempt at a batch. again: an earlier one has failed and may have been committed all the same.
func (p *partition) try(ctx, hard context.Context, w *writer, b *batch, again bool) error {
	select {
	case p.job.writers <- struct{}{}:
		defer func() { <-p.job.writers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := p.connect(hard, w); err != nil {
		return err
	}
	if again {
		if done, err := p.outcome(hard, w, b); done || err != nil {
			return err
		}
	}
	out, err := w.write(hard, b)
	if errors.Is(err, ledger.ErrFenced) {
		// Lost; or the session whose commit was in doubt has committed while this one waited for its lock.
		if done, oerr := p.outcome(hard, w, b); done || oerr != nil {
			return oerr
		}
	}
	if err != nil {
		return err
	}
	p.job.count(p.lease.Partition, counts{out.Inserted, out.Duplicates, int64(len(out.Late)), int64(len(out.Dead)), int64(len(out.Held)), int64(len(out.Future))})
	return nil
}

// connect opens the writer's session if it is not open.
func (p *partition) connect(ctx context.Context, w *writer) error {
	if w.conn != nil && !w.conn.IsClosed() {
		return nil
	}
	conn, err := w.session(ctx, p.job.db, fmt.Sprintf("tillflow %s/%d", p.lease.Job, p.lease.Partition))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	w.conn = conn
	return nil
}

// outcome asks the ledger whether the batch is in.
func (p *partition) outcome(ctx context.Context, w *writer, b *batch) (done bool, err error) {
	o, err := p.lease.Outcome(ctx, w.conn, b.first, b.next)
	if err != nil || !o.Committed {
		return false, err
	}
	w.waiting.known = w.waiting.known && o.Held == 0 // what they wait for is read again
	p.job.count(p.lease.Partition, counts{o.Inserted, o.Duplicates, o.Late, o.Dead, o.Held, o.Future})
	return true, nil
}

func (w *writer) close(ctx context.Context) {
	if w.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_ = w.conn.Close(ctx) // what was committed is safe, and the rest is to be rolled back
	}
}
