package runner

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

var (
	// errTimeout is the cause of an attempt that ran longer than its job's timeout.
	errTimeout = errors.New("timed out")
	// errReplaced is the cause of a run that ends for a newer one (overlap: replace).
	errReplaced = errors.New("replaced by a newer run")
)

// prepare makes the record of a run that a request asks for, not stored yet.
func (r *Runner) prepare(ctx context.Context, n *node, q Request) (run.Run, error) {
	if q.again != nil {
		rec := *q.again
		rec.State, rec.Instance, rec.Ended, rec.Error = run.Running, r.cfg.Instance, time.Time{}, ""
		return rec, nil
	}
	var rows map[string]int64
	if r.streams && q.Ledger == nil && q.AsOf.IsZero() {
		ledger, err := r.position(ctx, n)
		if err != nil {
			return run.Run{Job: n.Name}, fmt.Errorf("read the progress of streams: %w", err)
		}
		rows = make(map[string]int64, len(ledger))
		for stream, l := range ledger {
			rows[stream] = l.Rows
		}
	}
	return q.record(n.Name, r.cfg.Instance, r.cfg.Now(), rows), nil
}

// position is how far the streams are when a run of a job begins. A job whose gate counts no rows takes what was read
// last, which is a second old at most: it need not wait for the database just when its time has come.
func (r *Runner) position(ctx context.Context, n *node) (map[string]Ledger, error) {
	if len(gate.Streams(n.Job.When)) == 0 {
		r.mu.Lock()
		ledger, age := r.ledger, time.Since(r.readAt)
		r.mu.Unlock()
		if ledger != nil && age < 8*r.cfg.Tick { // twice as long as from one reading to the next
			return ledger, nil // which is replaced as a whole, never changed
		}
	}
	return r.cfg.Facts.Streams(ctx)
}

// execute runs a batch job, or once a stream, to its end, with its retries, and records it. ctx ends the work; stop says
// that no further attempt should begin. The returned run has ended; its record may not have been written when err is
// not nil.
func (r *Runner) execute(ctx, stop context.Context, n *node, rec run.Run, q Request) (run.Run, error) {
	number, failed := 1, 0
	if q.again != nil {
		_, before, err := r.cfg.Store.Get(ctx, rec.ID)
		if err != nil {
			return rec, fmt.Errorf("read the attempts of %s: %w", rec.ID, err)
		}
		for _, a := range before {
			number = max(number, a.Number+1)
			if a.State.Bad() {
				failed++
			}
		}
	}
	if len(rec.Params) > 0 {
		r.cfg.Secret(rec.Params)
	}
	if err := r.cfg.Store.Begin(ctx, rec); err != nil {
		return rec, fmt.Errorf("record the start of %s: %w", n.Name, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.begin(n, &rec, q.tick, cancel)
	r.emit(Event{Event: RunStarted, Job: n.Name, Run: rec.ID, State: string(run.Running), Trigger: rec.Trigger})
	for ; ; number++ {
		a := run.Attempt{Number: number, Started: r.cfg.Now()}
		var err error
		rec.Result, err = r.attempt(ctx, n, rec, number, q.Once)
		a.State, a.Ended, a.Error = outcome(ctx, rec.Result, err), r.cfg.Now(), r.text(err)
		if a.State == run.Canceled && ctx.Err() != nil {
			a.Error = r.text(context.Cause(ctx))
		}
		rec.State, rec.Error = a.State, a.Error
		if a.State.Bad() {
			failed++
		}
		if !a.State.Bad() || failed > n.Job.Retries.Max {
			rec.Try = a // recorded with the end of the run: a kill between the two would cost an attempt
			r.emit(Event{Event: AttemptEnded, Job: n.Name, Run: rec.ID, Attempt: number, State: string(a.State), Error: a.Error})
			break
		}
		if serr := r.cfg.Store.Attempt(context.WithoutCancel(ctx), rec.ID, a); serr != nil {
			r.cfg.Log.Warn("cannot record an attempt", "job", n.Name, "run", rec.ID, "error", serr)
		}
		pause := r.backoff(n.Job.Retries.Backoff, n.Job.Retries.MaxBackoff, failed)
		r.emit(Event{Event: AttemptEnded, Job: n.Name, Run: rec.ID, Attempt: number, State: string(a.State), Error: a.Error, In: pause.Seconds()})
		r.cfg.Log.Warn("attempt failed, trying again", "job", n.Name, "run", rec.ID, "attempt", number, "in", pause.Round(time.Millisecond), "error", err)
		if cause := rest(ctx, stop, pause); cause != nil {
			rec.State, rec.Error = run.Canceled, r.text(cause)
			break
		}
	}
	rec.Ended = r.cfg.Now()
	fctx, fcancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain)
	defer fcancel()
	if err := r.cfg.Store.Finish(fctx, rec); err != nil {
		return rec, fmt.Errorf("record the end of %s: %w", n.Name, err)
	}
	return rec, nil
}

// rest waits for a pause between attempts; what ended it before its time is the result.
func rest(ctx, stop context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-stop.Done():
		return context.Cause(stop)
	}
}

// attempt calls the job once. A panic in a job is that job's failure, not the end of the others.
func (r *Runner) attempt(ctx context.Context, n *node, rec run.Run, number int, once bool) (res run.Result, err error) {
	out := &output{hide: r.cfg.Hide, keep: func(text string) {
		if err := r.cfg.Store.AppendLog(context.WithoutCancel(ctx), rec.ID, number, text); err != nil {
			r.cfg.Log.Warn("cannot keep the log of a run", "job", n.Name, "run", rec.ID, "error", err)
		}
	}}
	defer func() {
		if err != nil && !errors.Is(err, run.ErrStop) {
			fmt.Fprintln(out, "error:", err)
		}
		_ = out.Close() // it has warned of what it could not keep
	}()
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
	res, err = n.job.Run(ctx, run.Input{ID: rec.ID, Job: n.Name, AsOf: rec.AsOf, Once: once, Drain: r.cfg.Drain,
		Progress: func(p run.Progress) { r.report(n, p) }, Output: out, Params: rec.Params, From: rec.From, To: rec.To})
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		err = fmt.Errorf("%w after %s", errTimeout, n.Job.Timeout)
	}
	res.Note, res.Warning = r.cfg.Hide(res.Note), r.cfg.Hide(res.Warning)
	return res, err
}

// outcome names how an attempt ended.
func outcome(ctx context.Context, res run.Result, err error) run.State {
	switch {
	case err == nil && res.Warning != "":
		return run.Warned
	case err == nil:
		return run.Succeeded
	case errors.Is(err, errTimeout):
		return run.TimedOut
	case errors.Is(err, run.ErrStop), ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))):
		return run.Canceled
	default:
		return run.Failed
	}
}

// text is what history and people are told of an error.
func (r *Runner) text(err error) string {
	if err == nil {
		return ""
	}
	return r.cfg.Hide(err.Error())
}
