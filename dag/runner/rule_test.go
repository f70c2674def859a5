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
