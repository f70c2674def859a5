package runner

import (
	"context"
	"errors"
	"time"

	"tillflow/dag/run"
)

// healthy is how long a stream must have run for its restarts to be forgotten.
const healthy = time.Minute

// supervise keeps a stream running until stop ends. Its attempts run under work, so that what is downstream can end
// before it does.
func (r *Runner) supervise(stop, work context.Context, n *node) {
	defer r.setHealth(n, run.Stopped, "")
	for tries := 0; ; {
		if !r.await(stop, n) {
			return
		}
		began := time.Now()
		err := r.attend(stop, work, n, tries)
		if stop.Err() != nil || work.Err() != nil {
			return
		}
		if errors.Is(err, errPaused) {
			tries = 0
			continue
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		if tries++; time.Since(began) > healthy {
			tries = 1
		}
		health, pause := r.again(n, tries, err)
		r.setHealth(n, health, r.text(err))
		r.emit(Event{Event: Restart, Job: n.Name, State: string(health), Error: r.text(err), In: pause.Seconds()})
		r.cfg.Log.Error("stream failed, starting it again", "job", n.Name, "in", pause.Round(time.Millisecond), "error", err)
		if rest(work, stop, pause) != nil {
			return
		}
	}
}

// again counts a restart against the budget and says how long to wait. A stream that has used it up is not given up: it
// waits for as long as the budget looks back, so that it comes back by itself when its trouble has gone.
func (r *Runner) again(n *node, tries int, err error) (run.Health, time.Duration) {
	pause := r.backoff(firstPause, longestStreamGap, tries)
	r.mu.Lock()
	defer r.mu.Unlock()
	n.lastErr = r.text(err)
	n.restartCount++
	var ok bool
	n.restarts, ok = budget(n.restarts, time.Now(), n.Job.Restarts.Max, n.Job.Restarts.Within)
	if !ok {
		n.restarts = nil
		return run.CrashLooped, max(n.Job.Restarts.Within, pause)
	}
	return run.BackingOff, pause
}

// await waits until a stream may run: what it needs is in order and nobody has paused it. It is false when stop ended.
func (r *Runner) await(stop context.Context, n *node) bool {
	for {
		r.mu.Lock()
		m := r.moment()
		need := needs(m, n.Node)
		held := holds(m, n.Node)
		n.verdict.why = need
		n.verdict.why.Sub = append(n.verdict.why.Sub, held...)
		paused := n.pause != nil
		r.mu.Unlock()
		if stop.Err() != nil {
			return false
		}
		if need.Due && !paused {
			return true
		}
		if paused {
			r.setHealth(n, run.Stopped, held[0].Text)
		} else {
			r.setHealth(n, run.Waiting, need.Text)
		}
		select {
		case <-n.poke:
		case <-stop.Done():
			return false
		}
	}
}

// errPaused is the cause of a stream that a person has paused.
var errPaused = errors.New("paused")

// attend makes one attempt of a stream and records it as a run.
func (r *Runner) attend(stop, work context.Context, n *node, tries int) error {
	ctx, cancel := context.WithCancelCause(work)
	defer cancel(nil)
	rec := run.Run{ID: r.newID(n), Job: n.Name, State: run.Running, Trigger: "start", AsOf: r.cfg.Now(), Instance: r.cfg.Instance, Started: r.cfg.Now()}
	if tries > 0 {
		rec.Trigger = "restart after a failure"
	}
	r.setHealth(n, run.Starting, "")
	if err := r.cfg.Store.Begin(stop, rec); err != nil {
		return err
	}
	r.begin(n, &rec, time.Time{}, cancel)
	r.emit(Event{Event: RunStarted, Job: n.Name, Run: rec.ID, State: string(run.Running), Trigger: rec.Trigger})
	r.mu.Lock()
	if r.draining { // the drain has looked before there was something to stop
		cancel(run.ErrStop)
	}
	r.mu.Unlock()
	watched := make(chan struct{})
	watch, done := context.WithCancel(ctx)
	go func() { defer close(watched); r.watch(watch, n) }()
	var err error
	rec.Result, err = r.attempt(ctx, n, rec, 1, false)
	done()
	<-watched
	rec.State, rec.Error, rec.Ended = outcome(ctx, rec.Result, err), r.text(err), r.cfg.Now()
	if err != nil && errors.Is(context.Cause(ctx), errPaused) {
		err, rec.State = errPaused, run.Canceled
	}
	fctx, fcancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain)
	defer fcancel()
	if ferr := r.cfg.Store.Finish(fctx, rec); ferr != nil {
		r.cfg.Log.Warn("cannot record the end of a stream", "job", n.Name, "error", ferr)
	}
	r.mu.Lock()
	n.past.end(rec, false)
	n.stop = nil
	r.changed(n)
	r.mu.Unlock()
	r.emit(Event{Event: RunEnded, Job: n.Name, Run: rec.ID, State: string(rec.State), Result: &rec, Error: rec.Error})
	return err
}

// watch derives a running stream's health from its progress until ctx ends.
func (r *Runner) watch(ctx context.Context, n *node) {
	t := time.NewTicker(r.cfg.Tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		r.mu.Lock()
		was := n.health
		if n.reported && was != run.Draining {
			now := time.Now()
			done := n.progress.Rows
			if l, ok := r.ledger[n.Name]; ok {
				done = l.Offset
			}
			n.window.add(sample{now, done, n.progress.Lag}, r.cfg.Stall)
			n.fresh = recent(n.window, now)
			n.health, n.vitals = judge(n.window, was, n.wasLive, limits{r.cfg.LiveLag, r.cfg.Settle, r.cfg.Stall}, now)
			if n.health == run.Live {
				n.caughtUp, n.wasLive, n.lastErr = true, true, ""
			}
			if n.health != was {
				r.changed(n)
			}
		}
		health, why := n.health, n.vitals.Why
		r.mu.Unlock()
		if health != was {
			r.emit(Event{Event: HealthNow, Job: n.Name, State: string(health), Was: string(was), Why: why})
		}
	}
}

// setHealth names a state that progress does not tell.
func (r *Runner) setHealth(n *node, h run.Health, why string) {
	r.mu.Lock()
	was := n.health
	if was == h || h == run.Draining && was == run.Stopped { // the news of the stop may come after the end
		r.mu.Unlock()
		return
	}
	n.health, n.vitals.Why = h, why
	n.fresh = n.fresh && (h == run.BackingOff || h == run.Starting)
	r.changed(n)
	r.mu.Unlock()
	r.emit(Event{Event: HealthNow, Job: n.Name, State: string(h), Was: string(was), Why: why})
}
