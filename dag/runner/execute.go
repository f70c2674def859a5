package runner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"tillflow/dag/run"
)

// errTimeout is the cause of an attempt that ran longer than its job's timeout.
var errTimeout = errors.New("timed out")

// execute runs a batch job to its end, with its retries, and records it. The returned run has ended; its record may
// not have been written when err is not nil.
func (r *Runner) execute(ctx context.Context, n *node, trigger string, asOf time.Time, once bool) (run.Run, error) {
	now := r.cfg.Now()
	rec := run.Run{ID: run.NewID(now), Job: n.Name, State: run.Running, Trigger: trigger, AsOf: asOf, Instance: r.cfg.Instance, Started: now}
	var err error
	if rec.Ledger, err = r.cfg.Facts.Rows(ctx); err != nil {
		return rec, fmt.Errorf("read the progress of streams: %w", err)
	}
	if err := r.cfg.Store.Begin(ctx, rec); err != nil {
		return rec, fmt.Errorf("record the start of %s: %w", n.Name, err)
	}
	n.begin(trigger, now)
	for attempt := 1; ; attempt++ {
		a := run.Attempt{Number: attempt, Started: r.cfg.Now()}
		rec.Result, err = r.attempt(ctx, n, rec, once)
		a.State, a.Ended, a.Error = outcome(ctx, err), r.cfg.Now(), text(err)
		if serr := r.cfg.Store.Attempt(context.WithoutCancel(ctx), rec.ID, a); serr != nil {
			r.cfg.Log.Warn("cannot record an attempt", "job", n.Name, "run", rec.ID, "error", serr)
		}
		rec.State, rec.Error = a.State, a.Error
		if a.State == run.Succeeded || a.State == run.Canceled || attempt > n.Job.Retries.Max {
			break
		}
		pause := backoff(n.Job.Retries.Backoff, time.Second, 5*time.Minute, attempt)
		r.cfg.Log.Warn("attempt failed, trying again", "job", n.Name, "run", rec.ID, "attempt", attempt, "in", pause.Round(time.Millisecond), "error", err)
		select {
		case <-time.After(pause):
			continue
		case <-ctx.Done():
			rec.State, rec.Error = run.Canceled, text(context.Cause(ctx))
		}
		break
	}
	rec.Ended = r.cfg.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain)
	defer cancel()
	err = r.cfg.Store.Finish(ctx, rec)
	n.end(rec)
	if err != nil {
		return rec, fmt.Errorf("record the end of %s: %w", n.Name, err)
	}
	return rec, nil
}

// attempt calls the job once. A panic in a job is that job's failure, not the end of the others.
func (r *Runner) attempt(ctx context.Context, n *node, rec run.Run, once bool) (res run.Result, err error) {
	if n.Job.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, n.Job.Timeout, errTimeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	res, err = n.job.Run(ctx, run.Input{ID: rec.ID, Job: n.Name, AsOf: rec.AsOf, Once: once, Drain: r.cfg.Drain, Progress: n.report})
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		err = fmt.Errorf("%w after %s", errTimeout, n.Job.Timeout)
	}
	return res, err
}

// outcome names how an attempt ended.
func outcome(ctx context.Context, err error) run.State {
	switch {
	case err == nil:
		return run.Succeeded
	case errors.Is(err, errTimeout):
		return run.TimedOut
	case errors.Is(err, run.ErrStop), ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return run.Canceled
	default:
		return run.Failed
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// backoff is exponential from base (or def) to limit with full jitter, never under a tenth of the step: after many
// failures at once, not everyone should come back at the same moment.
func backoff(base, def, limit time.Duration, attempt int) time.Duration {
	if base <= 0 {
		base = def
	}
	d := base << min(attempt-1, 20)
	if d <= 0 || d > limit {
		d = limit
	}
	return d/10 + rand.N(d*9/10+1)
}
