package runner

import (
	"context"
	"strings"
	"sync"

	"tillflow/dag/run"
)

// Backfill makes a run of a job for each of the intervals, in their order, parallel at a time and no more than the job's
// pool has room for. A run reads events before the end of its interval. Its record says which interval it did, moves no
// cursor, and is never the job's last, so that the schedule goes on as if nothing had been.
//
// each is called with every run that ended, one at a time. An interval that fails does not stop the others; the error is
// then a FailedError. The caller holds the lock of the backfill.
func (r *Runner) Backfill(ctx context.Context, b run.Backfill, intervals []run.Interval, parallel int, each func(run.Interval, run.Run)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var failed FailedError
	next := make(chan run.Interval)
	var workers sync.WaitGroup
	for range max(parallel, 1) {
		workers.Go(func() {
			for v := range next {
				rec, err := r.Execute(ctx, b.Job, Request{
					Trigger: "dag backfill", AsOf: v.To, From: v.From, To: v.To, Params: b.Params, Backfill: b.ID, Once: true,
				})
				if err != nil {
					cancel(err) // it could not be recorded: the others could not be either
					return
				}
				mu.Lock()
				failed.add(b.Job+" of "+v.From.Format("2006-01-02T15:04"), rec)
				each(v, rec)
				mu.Unlock()
			}
		})
	}
feed:
	for _, v := range intervals {
		select {
		case next <- v:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failed.orNil()
}

// add notes a run that did not do its work.
func (e *FailedError) add(name string, rec run.Run) {
	switch {
	case rec.State.OK():
	case rec.State == run.TimedOut:
		e.TimedOut = append(e.TimedOut, name)
	case strings.Contains(rec.Error, run.ErrCheck.Error()):
		e.Checks = append(e.Checks, name)
	default:
		e.Failed = append(e.Failed, name)
	}
}

// orNil is no error when nothing failed.
func (e *FailedError) orNil() error {
	if len(e.Failed)+len(e.TimedOut)+len(e.Checks) == 0 {
		return nil
	}
	return e
}
