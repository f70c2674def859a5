package runner

import (
	"context"
	"errors"
	"time"

	"tillflow/dag/run"
)

// healthy is how long a stream must have run for its restarts to be forgotten.
const healthy = time.Minute

// supervise keeps a stream running until ctx ends.
func (r *Runner) supervise(ctx context.Context, n *node) {
	defer n.setHealth(run.Stopped)
	n.setHealth(run.Waiting)
	for !r.ready(n) {
		if !wait(ctx, r.cfg.Tick) {
			return
		}
	}
	for restarts := 0; ; restarts++ {
		n.setHealth(run.Starting)
		began := time.Now()
		stop := context.AfterFunc(ctx, func() { n.setHealth(run.Draining) })
		watch, done := context.WithCancel(ctx)
		finished := make(chan struct{})
		go func() { defer close(finished); r.watch(watch, n) }()
		rec := run.Run{ID: run.NewID(r.cfg.Now()), Job: n.Name, State: run.Running, Trigger: "start", AsOf: r.cfg.Now(), Instance: r.cfg.Instance, Started: r.cfg.Now()}
		if restarts > 0 {
			rec.Trigger = "restart after a failure"
		}
		err := r.cfg.Store.Begin(ctx, rec)
		if err == nil {
			n.begin(rec.Trigger, rec.Started)
			rec.Result, err = r.attempt(ctx, n, rec, false)
			rec.State, rec.Error, rec.Ended = outcome(ctx, err), text(err), r.cfg.Now()
			fctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain)
			if ferr := r.cfg.Store.Finish(fctx, rec); ferr != nil {
				r.cfg.Log.Warn("cannot record the end of a stream", "job", n.Name, "error", ferr)
			}
			cancel()
			n.end(rec)
		}
		stop()
		done()
		<-finished
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		if time.Since(began) > healthy {
			restarts = 0
		}
		n.restarted()
		pause := backoff(0, time.Second, time.Minute, restarts+1)
		r.cfg.Log.Error("stream failed, starting it again", "job", n.Name, "in", pause.Round(time.Millisecond), "error", err)
		n.mu.Lock()
		n.lastErr = err.Error()
		n.mu.Unlock()
		if !wait(ctx, pause) {
			return
		}
	}
}

// watch derives a running stream's health from its progress, once a second, until ctx ends.
func (r *Runner) watch(ctx context.Context, n *node) {
	for wait(ctx, r.cfg.Tick) {
		n.mu.Lock()
		if n.health != run.Draining && n.health != run.BackingOff && !n.moved.IsZero() {
			n.health = n.judge(r.cfg, time.Now())
			n.wasLive = n.wasLive || n.health == run.Live
		}
		n.mu.Unlock()
	}
}

// judge names a stream's health by its last reported progress. A stream is live once it has had little lag for a while:
// at a start an empty log may only mean that its writer starts too. The caller holds mu.
func (n *node) judge(cfg Config, now time.Time) run.Health {
	if n.progress.Lag >= cfg.LiveLag {
		n.calm = time.Time{}
	} else if n.calm.IsZero() {
		n.calm = now
	}
	switch {
	case !n.calm.IsZero() && (n.wasLive || now.Sub(n.calm) >= cfg.Settle):
		return run.Live
	case n.calm.IsZero() && now.Sub(n.moved) > cfg.Stall:
		return run.Stalled
	case n.wasLive:
		return run.Lagging
	default:
		return run.CatchingUp
	}
}

// wait pauses for d and tells whether ctx is still alive.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
