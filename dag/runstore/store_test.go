package runstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func begin(t *testing.T, s runner.Store, job string, ledger map[string]int64) run.Run {
	t.Helper()
	r := run.Run{ID: run.NewID(at), Job: job, State: run.Running, Trigger: "test", AsOf: at, Ledger: ledger, Instance: "here", Started: at}
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

var suite = map[string]func(t *testing.T, s runner.Store){
	"last_is_the_last_that_ended": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		if _, ok, err := s.Last(ctx, "a"); ok || err != nil {
			t.Fatalf("an unknown job has a last run: %v %v", ok, err)
		}
		finish(t, s, begin(t, s, "a", nil), run.Failed, at.Add(time.Second))
		r := begin(t, s, "a", map[string]int64{"s": 7})
		r.Result = run.Result{RowsRead: 3, RowsWritten: 2, Note: "done"}
		want := finish(t, s, r, run.Succeeded, at.Add(2*time.Second))
		begin(t, s, "a", nil)
		begin(t, s, "b", nil)
		got, ok, err := s.Last(ctx, "a")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("last run (-want +got):\n%s", diff)
		}
	},
	"only_a_success_moves_the_cursors": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 5, "u": 1}), run.Succeeded, at)
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 9}), run.Failed, at)
		finish(t, s, begin(t, s, "b", map[string]int64{"s": 2}), run.Succeeded, at)
		got, err := s.Cursors(ctx, "a")
		if diff := cmp.Diff(map[string]int64{"s": 5, "u": 1}, got); diff != "" || err != nil {
			t.Errorf("cursors (-want +got):\n%s%v", diff, err)
		}
		finish(t, s, begin(t, s, "a", map[string]int64{"s": 12}), run.Succeeded, at)
		got, err = s.Cursors(ctx, "a")
		if diff := cmp.Diff(map[string]int64{"s": 12, "u": 1}, got); diff != "" || err != nil {
			t.Errorf("cursors (-want +got):\n%s%v", diff, err)
		}
	},
	"recover_closes_what_its_process_left": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		left := begin(t, s, "a", map[string]int64{"s": 5})
		if n, err := s.Recover(ctx, "elsewhere"); n != 0 || err != nil {
			t.Fatalf("a run with a lease was closed by another instance: %d %v", n, err)
		}
		if n, err := s.Recover(ctx, "here"); n != 1 || err != nil {
			t.Fatalf("closed %d runs (%v), want 1", n, err)
		}
		last, ok, err := s.Last(ctx, "a")
		if err != nil || !ok || last.State != run.Canceled {
			t.Errorf("left run = %+v %v", last, err)
		}
		left.State, left.Ended = run.Succeeded, at
		if err := s.Finish(ctx, left); !errors.Is(err, runstore.ErrClosed) {
			t.Errorf("a closed run was finished again: %v", err)
		}
		if c, _ := s.Cursors(ctx, "a"); len(c) != 0 {
			t.Errorf("a closed run moved the cursors: %v", c)
		}
	},
	"a_lapsed_lease_is_closed_by_anyone": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		begin(t, s, "a", nil)
		if err := s.Extend(ctx, "here", -time.Second); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Recover(ctx, "elsewhere"); n != 1 || err != nil {
			t.Errorf("closed %d runs (%v), want 1", n, err)
		}
	},
	"prune_keeps_the_last_run_of_a_job": func(t *testing.T, s runner.Store) {
		ctx := context.Background()
		for i := range 3 {
			r := begin(t, s, "a", nil)
			if err := s.Attempt(ctx, r.ID, run.Attempt{Number: 1, State: run.Succeeded, Started: at, Ended: at}); err != nil {
				t.Fatal(err)
			}
			finish(t, s, r, run.Succeeded, at.Add(time.Duration(i)*time.Second))
		}
		if err := s.Prune(ctx, at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		last, ok, err := s.Last(ctx, "a")
		if err != nil || !ok || !last.Ended.Equal(at.Add(2*time.Second)) {
			t.Errorf("last run after pruning: %+v %v %v", last, ok, err)
		}
	},
}
