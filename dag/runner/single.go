package runner

import (
	"context"
	"fmt"
	"sync"

	"tillflow/dag/run"
)

// Execute makes one run of a job to its end, whatever its gate and the jobs it needs say: an interval of a backfill, or a
// run made again. The returned run has ended; err says that it could not be made or recorded.
func (r *Runner) Execute(ctx context.Context, job string, q Request) (run.Run, error) {
	n := r.byName[job]
	if n == nil {
		return run.Run{Job: job}, fmt.Errorf("no job is called %q", job)
	}
	keep, done := context.WithCancel(context.WithoutCancel(ctx)) // the lease lasts while the job winds up
	var keeper sync.WaitGroup
	keeper.Go(func() { r.keepHistory(keep, false) })
	defer keeper.Wait()
	defer done()
	rec, err := r.make(ctx, ctx, n, q)
	r.ended(n, rec, err, ctx.Err() != nil)
	return rec, err
}
