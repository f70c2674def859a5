package runner

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
)

// stretch makes a window of one sample a second up to now: what was done and what waited.
func stretch(now time.Time, samples ...[2]int64) window {
	var w window
	for i, s := range samples {
		w.add(sample{now.Add(time.Duration(i+1-len(samples)) * time.Second), s[0], s[1]}, 30*time.Second)
	}
	return w
}

func TestHealthIsJudgedOverAWindow(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := limits{lag: 2000, settle: 2 * time.Second, stall: 5 * time.Second}
	still := func(done, lag int64, n int) (out [][2]int64) {
		for range n {
			out = append(out, [2]int64{done, lag})
		}
		return out
	}
	cases := map[string]struct {
		w       window
		was     run.Health
		wasLive bool
		want    run.Health
		why     string
	}{
		"nothing_told":                   {window{}, run.Starting, false, run.Starting, "has not told"},
		"no_lag_for_a_moment":            {stretch(now, [2]int64{0, 0}), run.Starting, false, run.CatchingUp, "wanted below 2000 for 2s"},
		"no_lag_for_a_while":             {stretch(now, still(0, 0, 4)...), run.CatchingUp, false, run.Live, "lag 0, below 2000"},
		"far_behind":                     {stretch(now, [2]int64{0, 90_000}, [2]int64{1000, 89_000}, [2]int64{2000, 88_000}), run.CatchingUp, false, run.CatchingUp, "there in about 1m26s"},
		"a_burst_is_no_change":           {stretch(now, [2]int64{0, 10}, [2]int64{10, 10}, [2]int64{20, 9000}), run.Live, true, run.Live, "for a moment only"},
		"behind_for_a_while":             {stretch(now, [2]int64{0, 10}, [2]int64{10, 8000}, [2]int64{20, 9000}, [2]int64{30, 9000}), run.Live, true, run.Lagging, "not below 2000 for 2s"},
		"caught_up_again":                {stretch(now, [2]int64{0, 8000}, [2]int64{9000, 100}), run.Lagging, true, run.Live, "lag 100"},
		"much_waits_and_nothing_moves":   {stretch(now, still(7, 90_000, 7)...), run.Lagging, true, run.Stalled, "90000 messages wait and none was dealt with for 6s"},
		"little_waits_and_nothing_moves": {stretch(now, still(7, 3, 7)...), run.Live, true, run.Stalled, "3 messages wait"},
		"one_slow_read_is_no_stall":      {stretch(now, append(still(7, 3, 3), [2]int64{9, 1}, [2]int64{9, 2}, [2]int64{9, 4})...), run.Live, true, run.Live, ""},
		"an_idle_log_is_no_stall":        {stretch(now, still(7, 0, 20)...), run.Live, true, run.Live, ""},
		"a_slow_topic_is_no_stall":       {stretch(now, append(still(7, 0, 20), [2]int64{7, 1})...), run.Live, true, run.Live, ""},
		"no_log_to_read":                 {stretch(now, still(7, -1, 20)...), run.Starting, false, run.Live, "reads no log"},
		"moves_again_after_a_stall":      {stretch(now, append(still(7, 9000, 9), [2]int64{900, 8100})...), run.Stalled, true, run.Lagging, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, v := judge(c.w, c.was, c.wasLive, l, now)
			if got != c.want || !strings.Contains(v.Why, c.why) {
				t.Errorf("%s (%s), want %s (%s)", got, v.Why, c.want, c.why)
			}
		})
	}
}

func TestWindowKeepsItsStretchAndStaysSmall(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var w window
	for i := range int64(100_000) {
		w.add(sample{at.Add(time.Duration(i) * 10 * time.Millisecond), i, 0}, 30*time.Second)
	}
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	if span := last.at.Sub(first.at); len(w.samples) > 70 || span < 30*time.Second || span > 31*time.Second || last.done != 99_999 {
		t.Errorf("%d samples over %s, the newest %d", len(w.samples), span, last.done)
	}
}

func TestBudgetOfRestarts(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var restarts []time.Time
	var ok bool
	for i := range 4 {
		if restarts, ok = budget(restarts, at.Add(time.Duration(i)*time.Minute), 3, 10*time.Minute); ok != (i < 3) {
			t.Errorf("restart %d within the budget: %v", i+1, ok)
		}
	}
	if restarts, ok = budget(restarts, at.Add(30*time.Minute), 3, 10*time.Minute); !ok || len(restarts) != 1 {
		t.Errorf("restarts of long ago still count: %v", restarts)
	}
	for range 1000 {
		if restarts, ok = budget(restarts, at.Add(30*time.Minute), -1, 10*time.Minute); !ok {
			t.Fatal("-1 is not without a limit")
		}
	}
}

// The pauses grow, are spread, keep to their limits, and are the same again for the same seed.
func TestBackoff(t *testing.T) {
	draw := func(seed uint64) []time.Duration {
		r := newWorld(t, 1)
		defer r.cancel()
		r.Runner.rng = rand.New(rand.NewPCG(seed, seed))
		var out []time.Duration
		for attempt := 1; attempt <= 30; attempt++ {
			d := r.backoff(time.Second, time.Minute, attempt)
			step := min(time.Second<<min(attempt-1, 6), time.Minute)
			if d < step/10 || d > step {
				t.Errorf("attempt %d waits %s of %s", attempt, d, step)
			}
			out = append(out, d)
		}
		return out
	}
	if a, b, c := draw(7), draw(7), draw(8); a[5] != b[5] || a[29] != b[29] || a[29] == c[29] {
		t.Errorf("seed 7 gives %s and %s, seed 8 %s", a[29], b[29], c[29])
	}
}
