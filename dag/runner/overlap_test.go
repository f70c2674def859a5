package runner_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// The gate opens again, by rows, while a run is in hand.
func TestOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		states []run.State // of the runs, in order, when the second opening has been dealt with
	}{
		"skip_waits_for_the_end":     {"skip", []run.State{run.Succeeded, run.Succeeded}},
		"queue_follows_at_once":      {"queue", []run.State{run.Succeeded, run.Succeeded}},
		"replace_ends_the_first_run": {"replace", []run.State{run.Canceled, run.Succeeded}},
	} {
		t.Run(name, func(t *testing.T) {
			var begun atomic.Int64
			release := make(chan struct{})
			f := setup(t, `
  orders: { uses: stream }
  ml: { uses: batch, overlap: `+c.policy+`, when: { rows: 10, of: orders } }
`, map[string]runner.Job{"orders": job(live), "ml": job(func(ctx context.Context, _ run.Input) (run.Result, error) {
				if begun.Add(1) > 1 {
					return run.Result{}, nil
				}
				select {
				case <-release:
					return run.Result{}, nil
				case <-ctx.Done():
					return run.Result{}, ctx.Err()
				}
			})})
			f.facts.set("orders", 10)
			stop := f.full(t)
			until(t, "the first run", func() bool { return begun.Load() == 1 })
			f.facts.set("orders", 25)
			until(t, "the second opening is seen", func() bool { return f.status("ml").Gate.Due || begun.Load() == 2 })
			if c.policy != "replace" {
				if n := begun.Load(); n != 1 {
					t.Errorf("%d runs at a time", n)
				}
				close(release)
			}
			until(t, "the second run ends", func() bool {
				c, _ := f.store.Cursors(context.Background(), "ml")
				return c["orders"] == 25
			})
			stop()
			runs, err := f.store.History(context.Background(), run.Filter{Job: "ml"})
			if err != nil {
				t.Fatal(err)
			}
			var states []run.State
			for _, r := range slices.Backward(runs) {
				states = append(states, r.State)
			}
			if fmt.Sprint(states) != fmt.Sprint(c.states) {
				t.Errorf("runs %v, want %v", states, c.states)
			}
			if c.policy == "replace" && runs[len(runs)-1].Error != "replaced by a newer run" {
				t.Errorf("the first run ended with %q", runs[len(runs)-1].Error)
			}
		})
	}
}

// Another process runs the job by hand; the rows it has seen open no gate here.
func TestRowsOfAnotherProcessAreNotCountedAgain(t *testing.T) {
	ctx := context.Background()
	var ran atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  ml: { uses: batch, when: { rows: 10, of: orders } }
`, map[string]runner.Job{"orders": job(live), "ml": counter(&ran)})
	f.full(t)
	until(t, "the gate is judged", func() bool { return f.status("ml").Gate.Text == "0 of 10 rows of orders" })
	other := run.Run{ID: run.NewID(time.Now()), Job: "ml", State: run.Running, Ledger: map[string]int64{"orders": 95}, Instance: "other", Started: time.Now()}
	if err := f.store.Begin(ctx, other); err != nil {
		t.Fatal(err)
	}
	other.State, other.Ended = run.Succeeded, time.Now()
	if err := f.store.Finish(ctx, other); err != nil {
		t.Fatal(err)
	}
	f.facts.set("orders", 100)
	until(t, "the rows of the other run are known", func() bool { return f.status("ml").Gate.Text == "5 of 10 rows of orders" })
	if ran.Load() != 0 {
		t.Error("rows that another process has seen were counted again")
	}
	f.facts.set("orders", 105)
	until(t, "the next rows are counted", func() bool { return ran.Load() == 1 })
}

func TestPoolHoldsNoMoreThanItsSize(t *testing.T) {
	var mu sync.Mutex
	var used, most int
	work := func(cost int) job {
		return func(context.Context, run.Input) (run.Result, error) {
			mu.Lock()
			used += cost
			most = max(most, used)
			mu.Unlock()
			for range 100 {
				mu.Lock()
				_ = used
				mu.Unlock()
			}
			mu.Lock()
			used -= cost
			mu.Unlock()
			return run.Result{}, nil
		}
	}
	dagfile, jobs := "", map[string]runner.Job{}
	for i := range 12 {
		name, cost := fmt.Sprintf("j%d", i), 1+i%2
		dagfile += fmt.Sprintf("  %s: { uses: batch, pool: db, cost: %d }\n", name, cost)
		jobs[name] = work(cost)
	}
	f := setup(t, dagfile+"pools: { db: 3 }\n", jobs)
	if err := f.Once(t.Context(), f.plan.Once(), runner.Request{Trigger: "test"}); err != nil {
		t.Fatal(err)
	}
	if most > 3 {
		t.Errorf("%d places of 3 were in use", most)
	}
}
