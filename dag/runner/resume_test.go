package runner_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// A run that a process left behind goes on under its name, over the same input, and has all its attempts left.
func TestInterruptedRunGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var tries atomic.Int64
	var got run.Input
	f := setup(t, `
  orders: { uses: stream }
  ml: { uses: batch, retries: { max: 1, backoff: 1ms }, when: { every: 1h } }
`, map[string]runner.Job{"orders": job(live), "ml": job(func(_ context.Context, in run.Input) (run.Result, error) {
		got = in
		if tries.Add(1) == 1 {
			return run.Result{}, errors.New("the first try fails")
		}
		return run.Result{}, nil
	})})
	f.facts.set("orders", 900)
	asOf := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	left := run.Run{ID: run.NewID(asOf), Job: "ml", State: run.Running, Trigger: "500 of 500 rows of orders", AsOf: asOf,
		Ledger: map[string]int64{"orders": 500}, Params: map[string]string{"k": "v"}, Instance: "test", Started: asOf}
	if err := f.store.Begin(ctx, left); err != nil {
		t.Fatal(err)
	}
	stop := f.full(t)
	until(t, "the run ends well", func() bool { r, _, _ := f.store.Get(ctx, left.ID); return r.State == run.Succeeded })
	stop()
	_, attempts, _ := f.store.Get(ctx, left.ID)
	var states []string
	for _, a := range attempts {
		states = append(states, string(a.State))
	}
	if s := strings.Join(states, " "); s != "canceled failed succeeded" {
		t.Errorf("attempts %s; the interruption used one up", s)
	}
	if got.ID != left.ID || !got.AsOf.Equal(asOf) || got.Params["k"] != "v" {
		t.Errorf("the run went on as %+v", got)
	}
	if c, _ := f.store.Cursors(ctx, "ml"); c["orders"] != 500 {
		t.Errorf("the cursor is at %d; the run had seen 500 of 900 rows", c["orders"])
	}
	if runs, _ := f.store.History(ctx, run.Filter{Job: "ml"}); len(runs) != 1 {
		t.Errorf("%d runs, want the one that was interrupted", len(runs))
	}
}

// A process that lives takes over what another one left, without being started again.
func TestLapsedRunOfAnotherProcessGoesOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var ran atomic.Int64
	f := setup(t, `
  ml: { uses: batch, when: { rows: 1, of: orders } }
  orders: { uses: stream }
`, map[string]runner.Job{"orders": job(live), "ml": counter(&ran)})
	f.full(t)
	until(t, "the stream is live", func() bool { return f.state("orders") == string(run.Live) })
	left := run.Run{ID: run.NewID(time.Now()), Job: "ml", State: run.Running, Trigger: "dag run", Instance: "elsewhere", Started: time.Now()}
	if err := f.store.Begin(ctx, left); err != nil {
		t.Fatal(err)
	}
	if err := f.store.Extend(ctx, "elsewhere", -time.Second); err != nil {
		t.Fatal(err)
	}
	until(t, "the run is gone on with", func() bool { r, _, _ := f.store.Get(ctx, left.ID); return r.State == run.Succeeded })
	if ran.Load() != 1 {
		t.Errorf("%d runs", ran.Load())
	}
}

func TestPauseClosesTheGateAndStopsAStream(t *testing.T) {
	ctx := context.Background()
	var ticks, starts atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  tick: { uses: batch, when: { every: 2ms } }
`, map[string]runner.Job{"tick": counter(&ticks), "orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
		starts.Add(1)
		return live(ctx, in)
	})})
	f.full(t)
	until(t, "both run", func() bool { return ticks.Load() > 2 && f.state("orders") == string(run.Live) })
	for _, name := range []string{"tick", "orders"} {
		if err := f.store.Pause(ctx, name, "the till is being moved"); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "both are paused", func() bool {
		return f.state("orders") == runner.Held && f.state("tick") == runner.Held
	})
	if s := f.status("tick"); s.Last.State != run.Succeeded || s.Why.Due || !strings.Contains(s.Why.Sub[len(s.Why.Sub)-1].Text, "the till is being moved") {
		t.Errorf("why: %+v", s.Why)
	}
	before := ticks.Load()
	if err := f.store.Resume(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	until(t, "the stream is live again", func() bool { return f.state("orders") == string(run.Live) && starts.Load() == 2 })
	if ticks.Load() != before {
		t.Error("a paused job ran")
	}
	if err := f.store.Resume(ctx, "tick"); err != nil {
		t.Fatal(err)
	}
	until(t, "the job runs again", func() bool { return ticks.Load() > before })
	if s := f.status("orders"); s.Restarts != 0 {
		t.Errorf("a pause counts as %d restarts", s.Restarts)
	}
}

// A stream that fails again and again is crash-looped, is no failure of its dependents, and comes back by itself.
func TestCrashLoopAndDependentsThatWait(t *testing.T) {
	t.Parallel()
	var starts, ran atomic.Int64
	ready := make(chan struct{})
	f := setup(t, `
  orders: { uses: stream, restarts: { max: 1, within: 5s } }
  ml: { uses: batch, needs: [orders] }
  ever: { uses: batch, needs: [{ job: orders, is: caught-up }] }
`, map[string]runner.Job{"ml": counter(&ran), "ever": counter(new(atomic.Int64)), "orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
		starts.Add(1)
		select {
		case <-ready:
			return live(ctx, in)
		default:
			return run.Result{}, errors.New("no broker")
		}
	})})
	stop := f.full(t)
	until(t, "the stream is crash-looped", func() bool { return f.state("orders") == string(run.CrashLooped) })
	if s := f.status("ml"); ran.Load() != 0 || s.Why.Due || s.Why.Sub[0].Sub[0].Text != "orders is crash-looped, wanted live" {
		t.Errorf("ran %d times, why %+v", ran.Load(), s.Why)
	}
	close(ready)
	until(t, "the dependents run", func() bool { return ran.Load() == 1 && f.state("ever") == string(run.Succeeded) })
	stop()
	if s := f.status("orders"); s.Restarts != int(starts.Load())-1 || s.Restarts < 2 {
		t.Errorf("%d restarts, the stream was started %d times", s.Restarts, starts.Load())
	}
	for _, want := range []string{"stream-restart orders backing-off", "stream-restart orders crash-looped", "health orders live"} {
		if !strings.Contains(f.events(), want) {
			t.Errorf("no event %q in:\n%s", want, f.events())
		}
	}
}
