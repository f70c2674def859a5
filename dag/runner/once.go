package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// ErrFailed says that at least one job did not succeed; the log and the history say which and why.
var ErrFailed = errors.New("a job failed")

// Once executes each of the nodes once, in the given order, and ends: streams read to the log ends they see at their
// start. A job whose upstream did not succeed is skipped. It returns ErrFailed when not everything succeeded.
func (r *Runner) Once(ctx context.Context, nodes []*plan.Node, trigger string, asOf time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(run.ErrStop)
	wg.Go(func() { r.keepHistory(ctx) })
	failed := map[string]bool{}
	for _, pn := range nodes {
		n := r.node(pn.Name)
		if up := failedUpstream(n, failed); up != "" {
			failed[n.Name] = true
			if err := r.skip(ctx, n, up, trigger); err != nil {
				return err
			}
			continue
		}
		at := asOf
		if at.IsZero() {
			at = r.cfg.Now()
		}
		rec, err := r.execute(ctx, n, trigger, at, true)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case rec.State != run.Succeeded:
			failed[n.Name] = true
			r.cfg.Log.Error("failed", "job", n.Name, "state", rec.State, "error", rec.Error)
		default:
			r.cfg.Log.Info("succeeded", "job", n.Name, "took", rec.Ended.Sub(rec.Started).Round(time.Millisecond), "rows", rec.RowsWritten, "note", rec.Note)
		}
	}
	if len(failed) > 0 {
		return ErrFailed
	}
	return nil
}

func failedUpstream(n *node, failed map[string]bool) string {
	for _, up := range n.Needs {
		if failed[up.Name] {
			return up.Name
		}
	}
	return ""
}

// skip records a run that was not made because a job it needs had failed.
func (r *Runner) skip(ctx context.Context, n *node, up, trigger string) error {
	now := r.cfg.Now()
	rec := run.Run{ID: run.NewID(now), Job: n.Name, State: run.Running, Trigger: trigger, AsOf: now, Instance: r.cfg.Instance, Started: now}
	if err := r.cfg.Store.Begin(ctx, rec); err != nil {
		return fmt.Errorf("record the skip of %s: %w", n.Name, err)
	}
	rec.State, rec.Ended, rec.Error = run.Skipped, now, up+" did not succeed"
	if err := r.cfg.Store.Finish(ctx, rec); err != nil {
		return fmt.Errorf("record the skip of %s: %w", n.Name, err)
	}
	n.end(rec)
	r.cfg.Log.Warn("skipped", "job", n.Name, "because", rec.Error)
	return nil
}
