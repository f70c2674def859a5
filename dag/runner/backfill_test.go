package runner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

var (
	filledFrom = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	days       = run.Steps(filledFrom, filledFrom.AddDate(0, 0, 6), 24*time.Hour)
)

// states asks the store for the states of a backfill's intervals.
func (f *fixture) states(t *testing.T, b run.Backfill) string {
	t.Helper()
	known, err := f.store.Intervals(context.Background(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	var out []run.State
	for _, v := range known {
		out = append(out, v.State)
	}
	return fmt.Sprint(out)
}

// Every interval is run as of its end, in the order given, and keeps its state; a failure does not stop the others, and
// the next pass does what is left.
func TestBackfillRunsEachInterval(t *testing.T) {
	var mu sync.Mutex
	var inputs []string
	broken := true
	f := setup(t, `
  a: { uses: batch, when: { every: 1h } }
`, map[string]runner.Job{"a": job(func(_ context.Context, in run.Input) (run.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		if !in.AsOf.Equal(in.To) || in.Params["k"] != "v" {
			t.Errorf("input %+v", in)
		}
		inputs = append(inputs, in.From.Format("02")+"-"+in.To.Format("02"))
		if broken && in.From.Day() == 3 {
			return run.Result{}, errors.New("no luck")
		}
		return run.Result{RowsWritten: 1}, nil
	})})
	f.facts.set("s", 100)
	b := run.NewBackfill("a", "1d", map[string]string{"k": "v"})
	if err := f.store.OpenBackfill(context.Background(), b, days); err != nil {
		t.Fatal(err)
	}
	newest := slices.Clone(days)
	slices.Reverse(newest)
	ended := 0
	err := f.Backfill(context.Background(), b, newest, 1, func(run.Interval, run.Run) { ended++ })
	var failed *runner.FailedError
	if !errors.As(err, &failed) || len(failed.Failed) != 1 || ended != 6 {
		t.Errorf("%d ended, error %v", ended, err)
	}
	if diff := cmp.Diff([]string{"06-07", "05-06", "04-05", "03-04", "02-03", "01-02"}, inputs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if got := f.states(t, b); got != "[succeeded succeeded failed succeeded succeeded succeeded]" {
		t.Error(got)
	}
	broken, inputs = false, nil
	if err := f.Backfill(context.Background(), b, days[2:3], 1, func(run.Interval, run.Run) {}); err != nil {
		t.Error(err)
	}
	if got := f.states(t, b); got != "[succeeded succeeded succeeded succeeded succeeded succeeded]" {
		t.Error(got)
	}
	if _, ok, _ := f.store.Last(context.Background(), "a"); ok {
		t.Error("the backfill is the job's last run")
	}
	if c, _ := f.store.Cursors(context.Background(), "a"); len(c) != 0 {
		t.Errorf("the backfill moved the cursors: %v", c)
	}
}

// Several intervals run at a time, never more than asked for, and never more than the pool holds.
func TestBackfillRunsInParallelWithinItsPool(t *testing.T) {
	for name, c := range map[string]struct {
		pool string
		want int64
	}{"as_asked": {"", 3}, "as_the_pool_holds": {", pool: db", 2}} {
		t.Run(name, func(t *testing.T) {
			var now, most, all atomic.Int64
			full := make(chan struct{})
			f := setupWith(t, `
  a: { uses: batch`+c.pool+` }
pools: { db: 2 }
`, map[string]runner.Job{"a": job(func(ctx context.Context, _ run.Input) (run.Result, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				if all.Add(1) == c.want {
					close(full)
				}
				select { // the first ones wait for each other, so that they are seen side by side
				case <-full:
					return run.Result{}, nil
				case <-time.After(30 * time.Second):
					return run.Result{}, errors.New("the others do not come")
				}
			})}, func(cfg *runner.Config) { cfg.Slots = 3 })
			b := run.NewBackfill("a", "1d", nil)
			if err := f.store.OpenBackfill(context.Background(), b, days); err != nil {
				t.Fatal(err)
			}
			if err := f.Backfill(context.Background(), b, days, 3, func(run.Interval, run.Run) {}); err != nil {
				t.Error(err)
			}
			if most.Load() != c.want || all.Load() != 6 {
				t.Errorf("%d at a time, want %d; %d in all", most.Load(), c.want, all.Load())
			}
		})
	}
}

// A stop in the middle cancels the interval in hand, which stays to be done, and begins no other.
func TestBackfillStops(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var n atomic.Int64
	f := setup(t, `
  a: { uses: batch }
`, map[string]runner.Job{"a": job(func(ctx context.Context, _ run.Input) (run.Result, error) {
		if n.Add(1) < 3 {
			return run.Result{}, nil
		}
		cancel(run.ErrStop)
		<-ctx.Done()
		return run.Result{}, context.Cause(ctx)
	})})
	b := run.NewBackfill("a", "1d", nil)
	if err := f.store.OpenBackfill(ctx, b, days); err != nil {
		t.Fatal(err)
	}
	if err := f.Backfill(ctx, b, days, 1, func(run.Interval, run.Run) {}); !errors.Is(err, run.ErrStop) {
		t.Errorf("the stopped backfill says %v", err)
	}
	if got := f.states(t, b); got != "[succeeded succeeded canceled missing missing missing]" || n.Load() != 3 {
		t.Error(got, n.Load())
	}
}
