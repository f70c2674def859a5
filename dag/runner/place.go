package runner

import (
	"context"
	"time"

	"tillflow/dag/run"
)

// place waits until a run may take a place: in its job's pool, which all processes on one database share, or among the
// places of this process. It gives the function that frees the place, or an error when ctx ended first.
//
// The wait for a pool ends when a run of this process frees a place; for those of other processes it asks from time
// to time. The place of a process that died is free when its lease has lapsed.
func (r *Runner) place(ctx context.Context, n *node, id run.ID) (func(), error) {
	pool := n.Job.Pool
	if pool == "" {
		select {
		case r.slots <- struct{}{}:
			return func() { <-r.slots }, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	for {
		r.mu.Lock()
		freed := r.freed
		r.mu.Unlock()
		ok, err := r.cfg.Store.Acquire(ctx, pool, r.cfg.Plan.Spec.Pools[pool], n.Job.Cost, id, leaseTTL)
		if err != nil {
			return nil, err
		}
		if ok {
			return func() { r.free(ctx, pool, id) }, nil
		}
		t := time.NewTimer(r.backoff(time.Second, time.Second, 1))
		select {
		case <-freed:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, context.Cause(ctx)
		}
		t.Stop()
	}
}

// free gives a place in a pool back, also after a stop, and tells those who wait in this process.
func (r *Runner) free(ctx context.Context, pool string, id run.ID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain)
	defer cancel()
	if err := r.cfg.Store.Release(ctx, pool, id); err != nil {
		r.cfg.Log.Warn("cannot free a place in a pool; it will lapse", "pool", pool, "run", id, "error", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.freed)
	r.freed = make(chan struct{})
}
