package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// leaseTTL is how long a run counts as alive after its process last said so. Renewed each quarter of it and looked for as
// often, the run of a process that died is noticed by another one within leaseTTL*5/4.
const leaseTTL = 10 * time.Second

// errLease is the cause of the end of runs whose leases could not be renewed: by now another process may have taken
// them over.
var errLease = errors.New("the leases of runs could not be renewed in time")

// keepHistory tells the store that this process is alive, forgets old runs, and takes over the runs of processes that
// died, until ctx ends. When the store is out of reach for longer than a lease, the batch runs in hand are ended: another
// process must be able to trust that a lapsed run does nothing more.
func (r *Runner) keepHistory(ctx context.Context, full bool) {
	renew, prune := time.NewTicker(leaseTTL/4), time.NewTicker(time.Hour)
	defer renew.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			if err := r.cfg.Store.Prune(ctx, r.cfg.Now().Add(-r.cfg.Keep)); err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("cannot forget old runs", "error", err)
			}
		case <-renew.C:
			r.renew(ctx)
			if !full {
				continue
			}
			if err := r.takeOver(ctx, ""); err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("cannot look for the runs of processes that died", "error", err)
			}
		}
	}
}

func (r *Runner) renew(ctx context.Context) {
	asked := time.Now()
	tctx, cancel := context.WithTimeout(ctx, leaseTTL/2)
	defer cancel()
	err := r.cfg.Store.Extend(tctx, r.cfg.Instance, leaseTTL)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.extended = asked
		return
	}
	r.cfg.Log.Warn("cannot renew the leases of runs", "error", err)
	if time.Since(r.extended) < leaseTTL {
		return
	}
	for _, n := range r.nodes {
		if n.stop != nil && !n.Job.Kind.Stream { // a stream is fenced by its ledger
			n.stop(errLease)
		}
	}
}

// takeOver closes the runs of processes that died and goes on with those of batch jobs: in a new attempt, over the same
// input. instance is ours at a start, when nothing of it can be alive, and "" later.
func (r *Runner) takeOver(ctx context.Context, instance string) error {
	closed, err := r.cfg.Store.Recover(ctx, instance)
	if err != nil {
		return fmt.Errorf("close the runs of processes that died: %w", err)
	}
	if len(closed) == 0 {
		return nil
	}
	r.cfg.Log.Info("closed runs whose process had ended", "runs", len(closed))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range closed {
		n := r.byName[rec.Job]
		if n == nil || n.Job.Kind.Stream || rec.Backfill != "" || n.inHand != nil || n.resume != nil {
			continue // a stream goes on from its ledger, and a backfill when it is asked for again
		}
		r.goOn(n, rec)
	}
	return nil
}

// goOn lets an interrupted run begin again. History keeps no marks; the end of its input tells which they were. The caller
// holds mu.
func (r *Runner) goOn(n *node, rec run.Run) {
	if rec.Marks == nil {
		rec.Marks = gate.MarksAt(n.Job.When, rec.AsOf, n.Job.Location)
	}
	n.resume = &rec
	r.changed(n)
}

// remember takes over what history knows of a job.
func (r *Runner) remember(ctx context.Context, n *node) error {
	last, ok, err := r.cfg.Store.Last(ctx, n.Name)
	if err != nil {
		return fmt.Errorf("read the last run of %s: %w", n.Name, err)
	}
	if n.Job.Kind.Stream {
		r.mu.Lock()
		defer r.mu.Unlock()
		n.last = last
		return nil
	}
	good := last
	if ok && !last.State.OK() {
		good = run.Run{}
		for _, s := range []run.State{run.Succeeded, run.Warned} {
			runs, err := r.cfg.Store.History(ctx, run.Filter{Job: n.Name, State: s, Own: true, Limit: 1})
			if err != nil {
				return fmt.Errorf("read the last success of %s: %w", n.Name, err)
			}
			if len(runs) > 0 && runs[0].Ended.After(good.Ended) {
				good = runs[0]
			}
		}
	}
	cursors, err := r.cfg.Store.Cursors(ctx, n.Name)
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", n.Name, err)
	}
	marks, err := r.cfg.Store.Marks(ctx, n.Name)
	if err != nil {
		return fmt.Errorf("read the cursors of %s: %w", n.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok {
		n.last = last
	}
	if ok && n.resume == nil && interrupted(last) && last.Instance == r.cfg.Instance {
		r.goOn(n, last) // the process that was to go on with it died before it could
	}
	n.succeeded, n.cursors, n.marks = good.Ended, cursors, marks
	n.handled = answered(n.Node, n.last, r.pasts) // what it needs comes before it in the plan
	return nil
}
