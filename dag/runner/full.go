package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"tillflow/dag/run"
)

// Run executes the whole plan until ctx ends, then drains it in reverse order of the graph. The cause of ctx should be
// run.ErrStop; Run then returns nil.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.recall(ctx); err != nil {
		if errors.Is(context.Cause(ctx), run.ErrStop) {
			return nil // stopped before anything began
		}
		return err
	}
	r.readPauses(ctx) // before the first round: a pause outlives the process that was told of it
	r.look()
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx)) // goes on while the drain lasts
	defer cut(nil)
	var runs, keepers sync.WaitGroup
	keepers.Go(func() { r.keepHistory(work, true) })
	keepers.Go(func() { r.observe(work) })
	for _, n := range r.nodes {
		if n.Job.Kind.Stream {
			idle := make(chan struct{})
			n.idle = idle
			runs.Go(func() { defer close(idle); r.supervise(ctx, work, n) })
		}
	}
	r.schedule(ctx, work, runs.Go)
	cause := context.Cause(ctx)
	if !errors.Is(cause, run.ErrStop) {
		cut(cause)
	}
	r.drain(cut)
	r.wait(&runs)
	cut(nil)
	keepers.Wait()
	if !errors.Is(cause, run.ErrStop) {
		return cause
	}
	return nil
}

// recall takes over what earlier processes left: runs in hand, and history.
func (r *Runner) recall(ctx context.Context) error {
	if err := r.takeOver(ctx, r.cfg.Instance); err != nil {
		return err
	}
	for _, n := range r.nodes {
		if err := r.remember(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// schedule starts batch runs as their gates open, until ctx ends.
func (r *Runner) schedule(ctx, work context.Context, spawn func(func())) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next := r.round(ctx, work, spawn)
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(next.Sub(r.cfg.Now()), 0))
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-timer.C:
		}
	}
}

// observe reads what the ledger and people say, until ctx ends.
func (r *Runner) observe(ctx context.Context) {
	t := time.NewTicker(4 * r.cfg.Tick)
	defer t.Stop()
	for {
		if r.streams {
			r.readLedger(ctx)
		}
		r.readPauses(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (r *Runner) readLedger(ctx context.Context) {
	asked := time.Now()
	ledger, err := r.cfg.Facts.Streams(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.Warn("cannot read the progress of streams", "error", err)
		}
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.Now()
	for name, l := range ledger {
		n := r.byName[name]
		if n == nil {
			continue
		}
		if was, ok := r.ledger[name]; ok && was.Rows != l.Rows {
			n.rowsAt = now
		}
		for _, w := range n.watchers { // lag and watermark come with the stream's reports, so they may have changed too
			w.dirty = true
		}
	}
	r.ledger, r.readAt = ledger, asked
	r.look()
}

func (r *Runner) readPauses(ctx context.Context) {
	pauses, err := r.cfg.Store.Pauses(ctx)
	if err != nil {
		if ctx.Err() == nil {
			r.cfg.Log.Warn("cannot read which jobs are paused", "error", err)
		}
		return
	}
	var events []Event
	r.mu.Lock()
	for _, n := range r.nodes {
		p, paused := pauses[n.Name]
		switch {
		case paused && (n.pause == nil || n.pause.Reason != p.Reason):
			n.pause = &p
			events = append(events, Event{Event: Paused, Job: n.Name, Why: p.Reason})
			if n.Job.Kind.Stream && n.stop != nil {
				n.stop(errPaused)
			}
		case !paused && n.pause != nil:
			n.pause = nil
			events = append(events, Event{Event: Resumed, Job: n.Name})
		default:
			continue
		}
		r.changed(n)
		select {
		case n.poke <- struct{}{}:
		default:
		}
	}
	r.mu.Unlock()
	for _, e := range events {
		r.cfg.Log.Info(e.Event, "job", e.Job, "reason", e.Why)
		r.emit(e)
	}
}
