package stream

import (
	"context"
	"slices"
	"sync"

	"tillflow/lib/ledger"
)

// insertAndJudge inserts the rows, adds to out what became of them, and adds those that count to their windows.
//
// Of nearly every batch all rows are new, and while COPY runs this process has little to do. So the rows are judged
// beside it as if all were new. When that turns out wrong, it is undone and they are judged again.
func (w *writer) insertAndJudge(ctx context.Context, r *rows, out *ledger.Batch) error {
	presumed, likely := *out, !w.repeats
	var beside sync.WaitGroup
	if likely {
		beside.Go(func() { w.judge(r, w.allNew(len(r.offsets)), &presumed) })
	}
	verdicts, err := w.insert(ctx, r)
	beside.Wait()
	switch {
	case err != nil:
		return err // tidy forgets
	case likely && !slices.ContainsFunc(verdicts, func(v verdict) bool { return !v.inserted }):
		*out = presumed
		return nil
	}
	w.forget()
	w.judge(r, verdicts, out)
	return nil
}

// allNew are n verdicts that say so, to be read only.
func (w *writer) allNew(n int) []verdict {
	for len(w.fresh) < n {
		w.fresh = append(w.fresh, verdict{inserted: true})
	}
	return w.fresh[:n]
}

// forget empties the deltas, the counts of revisions and what was noted for rollups.
func (w *writer) forget() {
	for _, d := range w.deltas {
		if d.Len() > 0 {
			d.Seal().Release()
		}
	}
	for _, r := range w.revisions {
		r.Reset()
	}
	clear(w.before)
}
