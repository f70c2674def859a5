package run_test

import (
	"testing"
	"time"

	"tillflow/dag/run"
)

// Steps cover the range without gap or overlap; days are days where clocks are changed.
func TestSteps(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		from, to time.Time
		step     time.Duration
		n        int
		last     time.Duration
	}{
		"days":               {time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), day, 30, day},
		"a_piece_at_the_end": {time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 2, 30, 0, 0, time.UTC), time.Hour, 3, 30 * time.Minute},
		"a_day_of_23_hours":  {time.Date(2026, 3, 28, 0, 0, 0, 0, berlin), time.Date(2026, 3, 30, 0, 0, 0, 0, berlin), day, 2, 23 * time.Hour},
		"a_day_of_25_hours":  {time.Date(2026, 10, 24, 0, 0, 0, 0, berlin), time.Date(2026, 10, 26, 0, 0, 0, 0, berlin), day, 2, 25 * time.Hour},
		"hours_are_hours":    {time.Date(2026, 3, 29, 0, 0, 0, 0, berlin), time.Date(2026, 3, 30, 0, 0, 0, 0, berlin), time.Hour, 23, time.Hour},
		"nothing":            {time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), day, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			steps := run.Steps(c.from, c.to, c.step)
			if len(steps) != c.n {
				t.Fatalf("%d steps, want %d: %v", len(steps), c.n, steps)
			}
			at := c.from
			for _, v := range steps {
				if !v.From.Equal(at) || !v.To.After(v.From) || v.State != run.Missing {
					t.Errorf("step %v after %s", v, at)
				}
				at = v.To
			}
			if c.n > 0 && (!at.Equal(c.to) || at.Sub(steps[c.n-1].From) != c.last) {
				t.Errorf("the last step is %v", steps[c.n-1])
			}
		})
	}
}

func TestReprocess(t *testing.T) {
	for state, want := range map[run.State]string{
		run.Missing: "missing failed all", run.Canceled: "missing failed all", run.Skipped: "missing failed all", run.Failed: "failed all",
		run.TimedOut: "failed all", run.Succeeded: "all", run.Warned: "all", run.Running: "",
	} {
		got := ""
		for _, p := range []run.Reprocess{run.ReprocessMissing, run.ReprocessFailed, run.ReprocessAll} {
			if p.Wants(state) {
				got += " " + string(p)
			}
		}
		if got != "" {
			got = got[1:]
		}
		if got != want {
			t.Errorf("%s is wanted by %q, want %q", state, got, want)
		}
	}
}

// The same work has the same name.
func TestBackfillIsNamedByWhatItDoes(t *testing.T) {
	a := run.NewBackfill("ml.segmentation", "1d", map[string]string{"a": "1", "b": "2"})
	if b := run.NewBackfill("ml.segmentation", "1d", map[string]string{"b": "2", "a": "1"}); a.ID != b.ID {
		t.Errorf("%s is not %s", a.ID, b.ID)
	}
	for _, b := range []run.Backfill{run.NewBackfill("ml.segmentation", "1d", nil), run.NewBackfill("ml.segmentation", "1h", a.Params), run.NewBackfill("ml.anomalies", "1d", a.Params)} {
		if a.ID == b.ID {
			t.Errorf("%+v has the name of %+v", b, a)
		}
	}
}
