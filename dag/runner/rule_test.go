package runner_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// fails is a job that fails.
func fails(context.Context, run.Input) (run.Result, error) {
	return run.Result{}, errors.New("bad file")
}

func TestRulesOfARunThatEnds(t *testing.T) {
	check := func(context.Context, run.Input) (run.Result, error) {
		return run.Result{}, errors.Join(run.ErrCheck, errors.New("3 rows"))
	}
	slow := func(ctx context.Context, _ run.Input) (run.Result, error) {
		<-ctx.Done()
		return run.Result{}, ctx.Err()
	}
	warn := func(context.Context, run.Input) (run.Result, error) {
		return run.Result{Warning: "7 rows look odd"}, nil
	}
	good := counter(new(atomic.Int64))
	cases := map[string]struct {
		dagfile string
		jobs    map[string]job
		want    map[string]run.State
		failed  *runner.FailedError
	}{
		"all_done_runs_after_a_failure": {`
  a: { uses: batch }
  b: { uses: batch, needs: [a], rule: all-done }
  c: { uses: batch, needs: [b] }
`, map[string]job{"a": fails}, map[string]run.State{"a": run.Failed, "b": run.Succeeded, "c": run.Succeeded}, &runner.FailedError{Failed: []string{"a"}}},
		"finally_hides_no_failure": {`
  a: { uses: batch }
  b: { uses: batch, needs: [a], rule: finally }
  c: { uses: batch, needs: [b] }
`, map[string]job{"a": fails}, map[string]run.State{"a": run.Failed, "b": run.Succeeded, "c": run.Skipped}, &runner.FailedError{Failed: []string{"a"}}},
		"finally_runs_after_a_skip": {`
  a: { uses: batch }
  b: { uses: batch, needs: [a] }
  c: { uses: batch, needs: [b], rule: finally }
`, map[string]job{"a": fails}, map[string]run.State{"b": run.Skipped, "c": run.Succeeded}, &runner.FailedError{Failed: []string{"a"}}},
		"one_failed_runs_after_a_failure": {`
  a: { uses: batch }
  b: { uses: batch }
  c: { uses: batch, needs: [a, b], rule: one-failed }
`, map[string]job{"a": fails}, map[string]run.State{"c": run.Succeeded}, &runner.FailedError{Failed: []string{"a"}}},
		"one_failed_is_skipped_when_all_is_well": {`
  a: { uses: batch }
  c: { uses: batch, needs: [a], rule: one-failed }
  d: { uses: batch, needs: [c] }
`, nil, map[string]run.State{"a": run.Succeeded, "c": run.Skipped, "d": run.Skipped}, nil},
		"a_warning_is_a_success": {`
  a: { uses: batch }
  b: { uses: batch, needs: [a] }
`, map[string]job{"a": warn}, map[string]run.State{"a": run.Warned, "b": run.Succeeded}, nil},
		"kinds_of_failure_are_told_apart": {`
  a: { uses: batch, timeout: 5ms }
  b: { uses: batch }
`, map[string]job{"a": slow, "b": check}, map[string]run.State{"a": run.TimedOut, "b": run.Failed},
			&runner.FailedError{TimedOut: []string{"a"}, Checks: []string{"b"}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			jobs := map[string]runner.Job{"a": good, "b": good, "c": good, "d": good}
			for name, j := range c.jobs {
				jobs[name] = j
			}
			f := setup(t, c.dagfile, jobs)
			err := f.Once(t.Context(), f.plan.Once(), runner.Request{Trigger: "test"})
			var failed *runner.FailedError
			if c.failed == nil {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, runner.ErrFailed) || !errors.As(err, &failed) || !slices.Equal(failed.Failed, c.failed.Failed) ||
				!slices.Equal(failed.TimedOut, c.failed.TimedOut) || !slices.Equal(failed.Checks, c.failed.Checks) {
				t.Errorf("error %v, want %v", err, c.failed)
			}
			for job, want := range c.want {
				if last, _, _ := f.store.Last(t.Context(), job); last.State != want {
					t.Errorf("%s is %s, want %s", job, last.State, want)
				}
			}
		})
	}
}

// Jobs that do not need each other run at the same time; a chain is in order.
func TestOnceRunsInParallelWhatMay(t *testing.T) {
	var mu sync.Mutex
	var order []string
	both := make(chan struct{}, 2)
	meet := func(ctx context.Context, _ run.Input) (run.Result, error) {
		both <- struct{}{}
		for len(both) < 2 {
			select {
			case <-ctx.Done():
				return run.Result{}, ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
		return run.Result{}, nil
	}
	note := func(_ context.Context, in run.Input) (run.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, in.Job)
		return run.Result{}, nil
	}
	f := setupWith(t, `
  a: { uses: batch, timeout: 30s }
  b: { uses: batch, timeout: 30s }
  c: { uses: batch, needs: [a, b] }
  d: { uses: batch, needs: [c] }
`, map[string]runner.Job{"a": job(meet), "b": job(meet), "c": job(note), "d": job(note)}, func(c *runner.Config) { c.Slots = 2 })
	if err := f.Once(t.Context(), f.plan.Once(), runner.Request{Trigger: "test"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "c d" {
		t.Errorf("order %q", got)
	}
}

// In a pipeline that goes on, one-failed makes one run for each failure.
func TestOneFailedRunsOncePerFailure(t *testing.T) {
	t.Parallel()
	var tries, alarms atomic.Int64
	f := setup(t, `
  a: { uses: batch, when: { every: 2ms } }
  alarm: { uses: batch, needs: [a], rule: one-failed }
`, map[string]runner.Job{"alarm": counter(&alarms), "a": job(func(context.Context, run.Input) (run.Result, error) {
		if n := tries.Add(1); n == 3 || n == 4 {
			return run.Result{}, errors.New("no route to host")
		}
		return run.Result{}, nil
	})})
	stop := f.full(t)
	until(t, "the job goes on after its failures", func() bool { return tries.Load() > 10 })
	stop()
	if n := alarms.Load(); n != 2 {
		t.Errorf("%d alarms for 2 failures", n)
	}
	last, _, _ := f.store.Last(context.Background(), "alarm")
	if last.Trigger != "a failed" {
		t.Errorf("trigger %q", last.Trigger)
	}
}

// What a job with a gate did before a restart counts after it: nobody waits for tomorrow's tick, and a failure that nobody
// was told of is told once.
func TestNeedsOutliveARestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var daily, page, alarms atomic.Int64
	f := setup(t, `
  daily: { uses: batch, when: { cron: "0 6 1 1 *", catch_up: none } }
  bad: { uses: batch, when: { cron: "0 6 1 1 *", catch_up: none } }
  page: { uses: batch, needs: [daily], when: { every: 1h } }
  alarm: { uses: batch, needs: [bad], rule: one-failed }
`, map[string]runner.Job{"daily": counter(&daily), "bad": counter(&daily), "page": counter(&page), "alarm": counter(&alarms)})
	for job, state := range map[string]run.State{"daily": run.Succeeded, "bad": run.Failed} {
		r := run.Run{ID: run.ID(job), Job: job, State: run.Running, Instance: "test", Started: time.Now().Add(-time.Hour)}
		if err := f.store.Begin(ctx, r); err != nil {
			t.Fatal(err)
		}
		r.State, r.Ended = state, time.Now().Add(-time.Hour)
		if err := f.store.Finish(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	stop := f.full(t)
	until(t, "the page and the alarm run", func() bool { return page.Load() == 1 && alarms.Load() == 1 })
	stop()
	again := setupWith(t, `
  bad: { uses: batch, when: { cron: "0 6 1 1 *", catch_up: none } }
  page: { uses: batch, when: { every: 1ms } }
  alarm: { uses: batch, needs: [bad], rule: one-failed }
`, map[string]runner.Job{"bad": counter(&daily), "page": counter(&page), "alarm": counter(&alarms)}, func(c *runner.Config) { c.Store = f.store })
	stop = again.full(t)
	until(t, "the scheduler has looked often", func() bool { return page.Load() > 10 })
	stop()
	if alarms.Load() != 1 || daily.Load() != 0 {
		t.Errorf("%d alarms for one failure, %d runs out of their time", alarms.Load(), daily.Load())
	}
}

// A job that is named runs, whatever its rule waits for: a person asked for it. Beside the jobs it needs, its rule holds.
func TestNamedJobRunsWhateverItsRule(t *testing.T) {
	var alarms, cleanups atomic.Int64
	f := setup(t, `
  a: { uses: batch }
  alarm: { uses: batch, needs: [a], rule: one-failed }
  cleanup: { uses: batch, needs: [a], rule: finally }
`, map[string]runner.Job{"a": counter(new(atomic.Int64)), "alarm": counter(&alarms), "cleanup": counter(&cleanups)})
	nodes := map[string]*plan.Node{}
	for _, n := range f.plan.Once() {
		nodes[n.Name] = n
	}
	once := func(names ...string) {
		t.Helper()
		var pass []*plan.Node
		for _, name := range names {
			pass = append(pass, nodes[name])
		}
		if err := f.Once(t.Context(), pass, runner.Request{Trigger: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	once("alarm")
	once("cleanup")
	if alarms.Load() != 1 || cleanups.Load() != 1 {
		t.Errorf("%d alarms and %d cleanups, one of each was asked for", alarms.Load(), cleanups.Load())
	}
	once("a", "alarm")
	if last, _, _ := f.store.Last(t.Context(), "alarm"); last.State != run.Skipped || alarms.Load() != 1 {
		t.Errorf("beside a success the alarm is %s", last.State)
	}
}

// A job that does not heed the first Ctrl-C keeps nobody waiting after the second.
func TestSecondCtrlCEndsAPass(t *testing.T) {
	t.Parallel()
	deaf, began, hurry := make(chan struct{}), make(chan struct{}), make(chan struct{})
	defer close(deaf)
	f := setupWith(t, "  a: { uses: batch }\n", map[string]runner.Job{"a": job(func(context.Context, run.Input) (run.Result, error) {
		close(began)
		<-deaf
		return run.Result{}, nil
	})}, func(c *runner.Config) { c.Hurry = hurry })
	ctx, stop := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Once(ctx, f.plan.Once(), runner.Request{Trigger: "test"}) }()
	<-began
	stop(run.ErrStop)
	close(hurry)
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a pass that was cut off ended well")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the pass waits for a job that does not end")
	}
}
