package runstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
	"tillflow/lib/pgtest"
)

// Both stores pass the same tests, so that the runner may use either.
func TestStores(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) runner.Store{
		"memory":   func(*testing.T) runner.Store { return runstore.NewMemory() },
		"postgres": func(t *testing.T) runner.Store { return runstore.NewPostgres(pgtest.Open(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			for test, f := range suite {
				t.Run(test, func(t *testing.T) { f(t, open(t)) })
			}
		})
	}
}

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func fresh(job string, ledger map[string]int64) run.Run {
	return run.Run{ID: run.NewID(at), Job: job, State: run.Running, Trigger: "test", AsOf: at, Ledger: ledger, Instance: "here", Started: at}
}

func begin(t *testing.T, s runner.Store, job string, ledger map[string]int64) run.Run {
	t.Helper()
	r := fresh(job, ledger)
	if err := s.Begin(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func finish(t *testing.T, s runner.Store, r run.Run, state run.State, ended time.Time) run.Run {
	t.Helper()
	r.State, r.Ended = state, ended
	if err := s.Finish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// same compares what stores give: times as moments, nothing as an empty map.
func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// must gives the value of a call that should not fail.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var suite = map[string]func(t *testing.T, s runner.Store){
	"last_is_the_last_that_ended": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		if _, ok, err := s.Last(ctx, "a"); ok || err != nil {
			t.Fatalf("an unknown job has a last run: %v %v", ok, err)
		}
		finish(t, s, begin(t, s, "a", nil), run.Failed, at.Add(time.Second))
		r := fresh("a", map[string]int64{"s": 7})
		r.Params, r.RetryOf = map[string]string{"k": "v"}, "an earlier one"
		if err := s.Begin(ctx, r); err != nil {
			t.Fatal(err)
		}
		r.Result = run.Result{RowsRead: 3, RowsWritten: 2, Note: "done", Warning: "odd"}
		want := finish(t, s, r, run.Warned, at.Add(2*time.Second))
		begin(t, s, "a", nil)
		begin(t, s, "b", nil)
		got, ok, err := s.Last(ctx, "a")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		same(t, "last run", want, got)
	},
	"the_last_attempt_is_recorded_with_the_end_or_not_at_all": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		r := begin(t, s, "a", nil)
		tried := run.Attempt{Number: 1, State: run.Failed, Started: at, Ended: at.Add(time.Second), Error: "no"}
		if err := s.Attempt(ctx, r.ID, tried); err != nil {
			t.Fatal(err)
		}
		r.Try = run.Attempt{Number: 2, State: run.Succeeded, Started: at.Add(2 * time.Second), Ended: at.Add(3 * time.Second)}
		stranger := r
		stranger.State, stranger.Fence, stranger.Try.Number = run.Succeeded, 7, 3
		if err := s.Finish(ctx, stranger); !errors.Is(err, run.ErrFenced) {
			t.Errorf("a stranger ended the run: %v", err)
		}
		finish(t, s, r, run.Succeeded, at.Add(3*time.Second))
		_, attempts, err := s.Get(ctx, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "attempts", []run.Attempt{tried, r.Try}, attempts)
	},
	"only_a_success_moves_the_cursors": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 5, "u": 1}), run.Succeeded, at)
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 9}), run.Failed, at)
		finish(t, s, begin(t, s, "b", map[string]int64{"s": 2}), run.Succeeded, at)
		same(t, "cursors", map[string]int64{"s": 5, "u": 1}, must[map[string]int64](t)(s.Cursors(ctx, "a")))
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 12}), run.Warned, at)
		same(t, "cursors", map[string]int64{"s": 12, "u": 1}, must[map[string]int64](t)(s.Cursors(ctx, "a")))
	},
	"cursors_and_marks_never_go_back": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		for i, mark := range []time.Time{at, at.Add(2 * time.Hour), at.Add(time.Hour)} {
			r := begin(t, s, "a", map[string]int64{"s": int64([]int{5, 9, 7}[i])})
			r.Marks = map[string]time.Time{"s": mark, "only.marked": mark}
			finish(t, s, r, run.Succeeded, at)
		}
		same(t, "cursors", map[string]int64{"s": 9, "only.marked": 0}, must[map[string]int64](t)(s.Cursors(ctx, "a")))
		latest := at.Add(2 * time.Hour)
		same(t, "marks", map[string]time.Time{"s": latest, "only.marked": latest}, must[map[string]time.Time](t)(s.Marks(ctx, "a")))
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 10}), run.Succeeded, at) // a gate without a watermark leaves the mark
		same(t, "marks", latest, must[map[string]time.Time](t)(s.Marks(ctx, "a"))["s"])
	},
	"a_backfill_moves_nothing_of_the_schedule": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		want := finish(t, s, begin(t, s, "a", map[string]int64{"s": 5}), run.Succeeded, at)
		r := fresh("a", map[string]int64{"s": 50})
		r.Backfill, r.From, r.To = "b1", at, at.Add(time.Hour)
		if err := s.Begin(ctx, r); err != nil {
			t.Fatal(err)
		}
		filled := finish(t, s, r, run.Succeeded, at.Add(time.Hour))
		same(t, "cursors", map[string]int64{"s": 5}, must[map[string]int64](t)(s.Cursors(ctx, "a")))
		last, _, err := s.Last(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "last run", want, last)
		same(t, "runs of the backfill", []run.Run{filled}, must[[]run.Run](t)(s.History(ctx, run.Filter{Backfill: "b1"})))
	},
	"an_interval_is_done_by_one_run_and_keeps_its_state": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		b := run.NewBackfill("a", "1h", map[string]string{"k": "v"})
		steps := run.Steps(at, at.Add(3*time.Hour), time.Hour)
		for range 2 { // asking again changes nothing
			if err := s.OpenBackfill(ctx, b, steps); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "intervals", steps, must[[]run.Interval](t)(s.Intervals(ctx, b.ID)))
		fill := func(v run.Interval) run.Run {
			r := fresh("a", nil)
			r.Backfill, r.From, r.To = b.ID, v.From, v.To
			return r
		}
		done, left := fill(steps[0]), fill(steps[1])
		for _, r := range []run.Run{done, left} {
			if err := s.Begin(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Begin(ctx, fill(steps[1])); err == nil {
			t.Error("two runs do one interval at a time")
		}
		finish(t, s, done, run.Failed, at)
		steps[0].State, steps[0].Run, steps[1].State, steps[1].Run = run.Failed, done.ID, run.Running, left.ID
		same(t, "intervals of a run that failed and one in hand", steps, must[[]run.Interval](t)(s.Intervals(ctx, b.ID)))
		if err := s.Extend(ctx, "here", -time.Second); err != nil {
			t.Fatal(err)
		}
		steps[1].State, steps[1].Run = run.Missing, ""
		same(t, "intervals after the process died", steps, must[[]run.Interval](t)(s.Intervals(ctx, b.ID)))
		must[[]run.Run](t)(s.Recover(ctx, ""))
		again := fill(steps[1])
		if err := s.Begin(ctx, again); err != nil {
			t.Fatal(err)
		}
		finish(t, s, again, run.Succeeded, at)
		steps[1].State, steps[1].Run = run.Succeeded, again.ID
		more := run.Steps(at, at.Add(4*time.Hour), time.Hour) // a longer range goes on with the same backfill
		if err := s.OpenBackfill(ctx, b, more); err != nil {
			t.Fatal(err)
		}
		same(t, "intervals of the longer range", append(steps, more[3]), must[[]run.Interval](t)(s.Intervals(ctx, b.ID)))
		if runs := must[[]run.Run](t)(s.History(ctx, run.Filter{Job: "a", Own: true})); len(runs) != 0 {
			t.Errorf("runs of the job's own schedule: %v", runs)
		}
	},
	"one_process_works_on_a_backfill": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		release, ok, err := s.LockBackfill(ctx, "b")
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, ok, err := s.LockBackfill(ctx, "b"); ok || err != nil {
			t.Errorf("two at a time: %v %v", ok, err)
		}
		if other, ok, err := s.LockBackfill(ctx, "c"); !ok || err != nil {
			t.Errorf("another backfill: %v %v", ok, err)
		} else {
			other()
		}
		release()
		if again, ok, err := s.LockBackfill(ctx, "b"); !ok || err != nil {
			t.Errorf("after the release: %v %v", ok, err)
		} else {
			again()
		}
	},
	"recover_closes_what_its_process_left": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		left := begin(t, s, "a", map[string]int64{"s": 5})
		if closed, err := s.Recover(ctx, "elsewhere"); len(closed) != 0 || err != nil {
			t.Fatalf("a run with a lease was closed by another instance: %v %v", closed, err)
		}
		if closed, err := s.Recover(ctx, ""); len(closed) != 0 || err != nil {
			t.Fatalf("a run with a lease was closed by its own process, which goes on: %v %v", closed, err)
		}
		closed, err := s.Recover(ctx, "here")
		if err != nil || len(closed) != 1 || closed[0].ID != left.ID || closed[0].State != run.Canceled {
			t.Fatalf("closed %+v (%v), want the run that was left", closed, err)
		}
		if again, err := s.Recover(ctx, "here"); len(again) != 0 || err != nil {
			t.Errorf("closed twice: %v %v", again, err)
		}
		last, ok, err := s.Last(ctx, "a")
		if err != nil || !ok || last.State != run.Canceled || last.Error != run.Interrupted {
			t.Errorf("left run = %+v %v", last, err)
		}
		left.State, left.Ended = run.Succeeded, at
		if err := s.Finish(ctx, left); !errors.Is(err, run.ErrFenced) {
			t.Errorf("a closed run was finished again: %v", err)
		}
		if c, _ := s.Cursors(ctx, "a"); len(c) != 0 {
			t.Errorf("a closed run moved the cursors: %v", c)
		}
	},
	"an_interrupted_run_goes_on_in_another_process": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		slept := begin(t, s, "a", map[string]int64{"s": 5})
		if err := s.Attempt(ctx, slept.ID, run.Attempt{Number: 1, State: run.Failed, Started: at, Ended: at.Add(time.Second), Error: "no luck"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Extend(ctx, "here", -time.Second); err != nil {
			t.Fatal(err)
		}
		closed := must[[]run.Run](t)(s.Recover(ctx, ""))
		if len(closed) != 1 {
			t.Fatalf("closed %v", closed)
		}
		taken := closed[0]
		taken.State, taken.Instance, taken.Ended, taken.Error = run.Running, "elsewhere", time.Time{}, ""
		if err := s.Begin(ctx, taken); err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(ctx, taken); err == nil {
			t.Error("a run that is in hand was taken over")
		}
		slept.State, slept.Ended = run.Succeeded, at
		if err := s.Finish(ctx, slept); !errors.Is(err, run.ErrFenced) {
			t.Errorf("the process that slept recorded its end: %v", err)
		}
		_, attempts, err := s.Get(ctx, taken.ID)
		if err != nil || len(attempts) != 2 || attempts[1].State != run.Canceled || attempts[1].Number != 2 {
			t.Errorf("attempts %+v %v, want a failed one and an interrupted one", attempts, err)
		}
		finish(t, s, taken, run.Succeeded, at.Add(time.Minute))
		got, _, err := s.Get(ctx, taken.ID)
		if err != nil || got.State != run.Succeeded || got.Error != "" || got.Instance != "elsewhere" || got.Fence != 1 {
			t.Errorf("the run after its takeover: %+v %v", got, err)
		}
		if err := s.Begin(ctx, taken); err == nil {
			t.Error("a run that ended was begun again")
		}
	},
	"a_lapsed_run_is_shown_as_dead_before_anybody_closed_it": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		r := begin(t, s, "a", nil)
		if runs := must[[]run.Run](t)(s.History(ctx, run.Filter{State: run.Running})); len(runs) != 1 || !runs[0].Ended.IsZero() {
			t.Errorf("running: %+v", runs)
		}
		if err := s.Extend(ctx, "here", -time.Second); err != nil {
			t.Fatal(err)
		}
		runs := must[[]run.Run](t)(s.History(ctx, run.Filter{}))
		got, _, err := s.Get(ctx, r.ID)
		if err != nil || len(runs) != 1 {
			t.Fatal(runs, err)
		}
		for _, r := range []run.Run{got, runs[0]} {
			if r.State != run.Canceled || r.Error != run.Interrupted || r.Ended.IsZero() {
				t.Errorf("a dead run is shown as %+v", r)
			}
		}
		if runs := must[[]run.Run](t)(s.History(ctx, run.Filter{State: run.Running})); len(runs) != 0 {
			t.Errorf("running: %+v", runs)
		}
	},
	"history_filters_newest_first": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		var want []run.Run
		for i := range 6 {
			r := fresh([]string{"a", "b"}[i%2], nil)
			r.Started = at.Add(time.Duration(i) * time.Minute)
			if err := s.Begin(ctx, r); err != nil {
				t.Fatal(err)
			}
			want = append([]run.Run{finish(t, s, r, []run.State{run.Succeeded, run.Failed, run.Failed}[i%3], r.Started.Add(time.Second))}, want...)
		}
		same(t, "all", want, must[[]run.Run](t)(s.History(ctx, run.Filter{})))
		same(t, "limit", want[:2], must[[]run.Run](t)(s.History(ctx, run.Filter{Limit: 2})))
		same(t, "job", []run.Run{want[1], want[3], want[5]}, must[[]run.Run](t)(s.History(ctx, run.Filter{Job: "a"})))
		same(t, "state", []run.Run{want[2], want[5]}, must[[]run.Run](t)(s.History(ctx, run.Filter{State: run.Succeeded})))
		same(t, "since", want[:3], must[[]run.Run](t)(s.History(ctx, run.Filter{Since: at.Add(3 * time.Minute)})))
		same(t, "together", []run.Run{want[1]}, must[[]run.Run](t)(s.History(ctx, run.Filter{Job: "a", State: run.Failed, Limit: 1})))
	},
	"a_run_is_found_by_a_piece_of_its_id": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		a, b := fresh("a", nil), fresh("a", nil)
		a.ID, b.ID = "20260102T030405.000-aaaa0001", "20260102T030406.000-aaaa0002"
		for _, r := range []run.Run{a, b} {
			if err := s.Begin(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		for text, want := range map[string]run.ID{string(a.ID): a.ID, "0001": a.ID, "20260102T030406": b.ID} {
			if got, err := s.Find(ctx, text); got != want || err != nil {
				t.Errorf("%s is %s (%v), want %s", text, got, err, want)
			}
		}
		if _, err := s.Find(ctx, "20260102"); err == nil || !strings.Contains(err.Error(), "is several runs") {
			t.Errorf("a piece that fits both: %v", err)
		}
		if _, err := s.Find(ctx, "%"); !errors.Is(err, run.ErrUnknown) {
			t.Errorf("a piece that fits none: %v", err)
		}
		if _, _, err := s.Get(ctx, "none"); !errors.Is(err, run.ErrUnknown) {
			t.Errorf("get of none: %v", err)
		}
	},
	"prune_keeps_the_last_run_of_a_job": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		for i := range 3 {
			r := begin(t, s, "a", nil)
			if err := s.Attempt(ctx, r.ID, run.Attempt{Number: 1, State: run.Succeeded, Started: at, Ended: at}); err != nil {
				t.Fatal(err)
			}
			if err := s.AppendLog(ctx, r.ID, 1, "done\n"); err != nil {
				t.Fatal(err)
			}
			finish(t, s, r, run.Succeeded, at.Add(time.Duration(i)*time.Second))
		}
		filled := fresh("a", nil)
		filled.Backfill, filled.From = "b", at
		if err := s.Begin(ctx, filled); err != nil {
			t.Fatal(err)
		}
		finish(t, s, filled, run.Succeeded, at.Add(time.Minute))
		if err := s.Prune(ctx, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		left := must[[]run.Run](t)(s.History(ctx, run.Filter{}))
		if len(left) != 1 || !left[0].Ended.Equal(at.Add(2*time.Second)) {
			t.Errorf("left after pruning: %+v", left)
		}
	},
	"pauses_are_kept_with_their_reason": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		for _, reason := range []string{"stock-taking", "stock-taking until Friday"} {
			if err := s.Pause(ctx, "a", reason); err != nil {
				t.Fatal(err)
			}
		}
		got := must[map[string]run.Pause](t)(s.Pauses(ctx))
		if len(got) != 1 || got["a"].Reason != "stock-taking until Friday" || time.Since(got["a"].Since).Abs() > time.Minute {
			t.Errorf("pauses %+v", got)
		}
		for range 2 {
			if err := s.Resume(ctx, "a"); err != nil {
				t.Fatal(err)
			}
		}
		if got := must[map[string]run.Pause](t)(s.Pauses(ctx)); len(got) != 0 {
			t.Errorf("pauses after the end %+v", got)
		}
	},
	"a_pool_holds_its_size": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		acquire := func(id run.ID, cost int, ttl time.Duration) bool {
			t.Helper()
			return must[bool](t)(s.Acquire(ctx, "db", 3, cost, id, ttl))
		}
		if !acquire("a", 2, time.Hour) || acquire("b", 2, time.Hour) || !acquire("c", 1, time.Hour) || acquire("d", 1, time.Hour) {
			t.Error("a pool of 3 holds 2 and 1, and no more")
		}
		if !acquire("a", 2, time.Hour) {
			t.Error("a run that has its share cannot renew it")
		}
		if err := s.Release(ctx, "db", "a"); err != nil {
			t.Fatal(err)
		}
		if !acquire("b", 2, -time.Second) || !acquire("d", 2, time.Hour) {
			t.Error("a share that was given back or has lapsed is not free")
		}
		if ok, err := s.Acquire(ctx, "db", 3, 4, "e", time.Hour); ok || err == nil {
			t.Error("more than the pool is no error")
		}
		if !must[bool](t)(s.Acquire(ctx, "other", 1, 1, "e", time.Hour)) {
			t.Error("pools share their room")
		}
	},
	"the_share_of_a_pool_ends_with_its_run": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		full := func() bool {
			t.Helper()
			ok := must[bool](t)(s.Acquire(ctx, "db", 1, 1, "another", time.Hour))
			if ok {
				if err := s.Release(ctx, "db", "another"); err != nil {
					t.Fatal(err)
				}
			}
			return !ok
		}
		for _, end := range []func(r run.Run){
			func(r run.Run) { finish(t, s, r, run.Failed, at) },
			func(run.Run) { must[[]run.Run](t)(s.Recover(ctx, "here")) },
		} {
			r := fresh("a", nil)
			if !must[bool](t)(s.Acquire(ctx, "db", 1, 1, r.ID, time.Hour)) {
				t.Fatal("the pool is full")
			}
			if err := s.Begin(ctx, r); err != nil {
				t.Fatal(err)
			}
			if err := s.Extend(ctx, "here", time.Hour); err != nil {
				t.Fatal(err)
			}
			if !full() {
				t.Error("the share is free while its run goes on")
			}
			end(r)
			if full() {
				t.Error("the share is not free after its run")
			}
		}
		r := fresh("a", nil)
		if !must[bool](t)(s.Acquire(ctx, "db", 1, 1, r.ID, time.Hour)) || s.Begin(ctx, r) != nil || s.Extend(ctx, "here", -time.Second) != nil {
			t.Fatal("no share")
		}
		if full() {
			t.Error("the share did not lapse with the lease of its run")
		}
	},
	"many_ask_for_a_pool_at_once": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		var got atomic.Int64
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				ok, err := s.Acquire(ctx, "db", 5, 1, run.ID(fmt.Sprint("run ", i)), time.Hour)
				if err != nil {
					t.Error(err)
				}
				if ok {
					got.Add(1)
				}
			})
		}
		wg.Wait()
		if got.Load() != 5 {
			t.Errorf("%d got a share of a pool of 5", got.Load())
		}
	},
	"a_log_is_read_from_any_place_and_capped": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		r := begin(t, s, "a", nil)
		for i, text := range []string{"one\n", "", "two \x00\xff\n"} {
			if err := s.AppendLog(ctx, r.ID, i+1, text); err != nil {
				t.Fatal(err)
			}
		}
		lines := must[[]run.Line](t)(s.Log(ctx, r.ID, 0))
		if len(lines) != 2 || lines[0].Text != "one\n" || lines[1].Text != "two \ufffd\ufffd\n" || lines[1].Attempt != 3 {
			t.Fatalf("log %+v", lines)
		}
		if after := must[[]run.Line](t)(s.Log(ctx, r.ID, lines[0].Seq)); len(after) != 1 || after[0].Seq != lines[1].Seq {
			t.Errorf("log after the first piece %+v", after)
		}
		for range 5 {
			if err := s.AppendLog(ctx, r.ID, 1, strings.Repeat("x", run.LogCap/2)); err != nil {
				t.Fatal(err)
			}
		}
		size, all := 0, ""
		for _, l := range must[[]run.Line](t)(s.Log(ctx, r.ID, 0)) {
			size, all = size+len(l.Text), l.Text
		}
		if size > run.LogCap*3/2 || !strings.HasSuffix(strings.TrimSpace(all), "what is kept of a run]") {
			t.Errorf("%d bytes are kept, which end with %q", size, all[max(0, len(all)-80):])
		}
		if lines := must[[]run.Line](t)(s.Log(ctx, "none", 0)); len(lines) != 0 {
			t.Errorf("the log of no run: %+v", lines)
		}
	},
}
