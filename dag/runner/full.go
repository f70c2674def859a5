package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// Run executes the whole plan until ctx ends, then drains it: no new runs, streams finish the batch in hand. The
// cause of ctx should be run.ErrStop; Run then returns nil.
func (r *Runner) Run(ctx context.Context) error {
	if n, err := r.cfg.Store.Recover(ctx, r.cfg.Instance); err != nil {
		return fmt.Errorf("close the runs of processes that died: %w", err)
	} else if n > 0 {
		r.cfg.Log.Info("closed runs whose process had ended", "runs", n)
	}
	for _, n := range r.nodes {
		if err := r.remember(ctx, n); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { r.keepHistory(ctx) })
	for _, n := range r.nodes {
		if n.Job.Kind.Stream {
			wg.Go(func() { r.supervise(ctx, n) })
		}
	}
	r.schedule(ctx, &wg)
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, run.ErrStop) {
		return cause
	}
	return nil
}

// remember takes over what history knows of a job.
func (r *Runner) remember(ctx context.Context, n *node) error {
	last, ok, err := r.cfg.Store.Last(ctx, n.Name)
	if err != nil {
		return fmt.Errorf("read the last run of %s: %w", n.Name, err)
	}
	cursors, err := r.cfg.Store.Cursors(ctx, n.Name)
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", n.Name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if ok {
		n.last = last
	}
	n.cursors = cursors
	return nil
}

// schedule starts batch runs as their gates open, until ctx ends. wg counts the runs.
func (r *Runner) schedule(ctx context.Context, wg *sync.WaitGroup) {
	since := r.cfg.Now()
	watched := slices.ContainsFunc(r.nodes, func(n *node) bool { return len(gate.Streams(n.Job.When)) > 0 })
	var facts map[string]gate.Stream
	var read time.Time
	tick := time.NewTicker(r.cfg.Tick)
	defer tick.Stop()
	for {
		if watched && time.Since(read) >= time.Second {
			rows, err := r.cfg.Facts.Rows(ctx)
			if err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("cannot read the progress of streams", "error", err)
			}
			facts, read = r.streams(rows), time.Now()
		}
		for _, n := range r.nodes {
			if n.Job.Kind.Stream || !r.due(n, since, facts) {
				continue
			}
			wg.Go(func() { r.fire(ctx, n) })
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// streams joins the rows that each stream has committed with the lag and the watermark it last reported.
func (r *Runner) streams(rows map[string]int64) map[string]gate.Stream {
	out := map[string]gate.Stream{}
	for name, n := range rows {
		out[name] = gate.Stream{Rows: n, Lag: -1}
		if u := r.node(name); u != nil {
			u.mu.Lock()
			out[name] = gate.Stream{Rows: n, Lag: u.progress.Lag, Watermark: u.progress.Watermark}
			u.mu.Unlock()
		}
	}
	return out
}

// due judges a batch job's gate and marks the job as queued when it is to run.
func (r *Runner) due(n *node, since time.Time, facts map[string]gate.Stream) bool {
	ready := r.ready(n)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running || n.queued {
		return false
	}
	now := r.cfg.Now()
	if n.Job.When == nil {
		// Without a gate a job runs once in the life of this process, and again only after a failure.
		done := !n.began.IsZero() && n.fails == 0
		n.answer = gate.Answer{Due: !done, Text: "start"}
	} else {
		n.answer = gate.Eval(n.Job.When, gate.Facts{
			Now: now, Since: since, LastStart: n.last.Started, LastEnd: n.last.Ended,
			Location: r.cfg.Plan.Spec.Location, Streams: facts, Cursors: n.cursors,
		})
	}
	if !n.answer.Due || !ready {
		return false
	}
	if n.fails > 0 && now.Sub(n.last.Ended) < min(time.Second<<min(n.fails, 6), time.Minute) {
		return false
	}
	n.queued, n.trigger = true, n.answer.Reason()
	return true
}

// ready tells whether the jobs that n needs are in order: streams live, batch jobs' latest run succeeded.
func (r *Runner) ready(n *node) bool {
	for _, up := range n.Needs {
		u := r.node(up.Name)
		u.mu.Lock()
		ok := u.last.State == run.Succeeded && !u.began.IsZero()
		if u.Job.Kind.Stream {
			ok = u.health == run.Live
		}
		u.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

// fire runs a queued batch job when a slot is free.
func (r *Runner) fire(ctx context.Context, n *node) {
	defer func() {
		n.mu.Lock()
		n.queued = false
		n.mu.Unlock()
	}()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return
	}
	rec, err := r.execute(ctx, n, n.trigger, r.cfg.Now(), false)
	if err != nil && ctx.Err() == nil {
		n.fail(rec, err, r.cfg.Now())
		r.cfg.Log.Error("run could not be recorded", "job", n.Name, "error", err)
	}
	if rec.State == run.Failed || rec.State == run.TimedOut {
		n.complain(r.cfg.Log, rec.Error)
	}
	if rec.State == run.Succeeded {
		n.recovered(r.cfg.Log)
		n.mu.Lock()
		n.cursors = rec.Ledger
		n.mu.Unlock()
	}
}
