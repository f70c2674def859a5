package chart

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // zones with summer time, also where the system has none

	"github.com/google/go-cmp/cmp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// Buckets lose nothing: sums add up to the same total, in the windows a plain map finds, in any zone and any order.
func TestBucketsOfSumsLoseNothing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"UTC", "Asia/Riyadh", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"} {
		loc := zone(t, name)
		for _, step := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour} {
			at := minutes(1500, step)
			values := noise(len(at), 100, 3)
			values[7] = nan
			rng.Shuffle(len(at), func(i, j int) {
				at[i], at[j] = at[j], at[i]
				values[i], values[j] = values[j], values[i]
			})
			tl := newTimeline(at, nil, []layer{{name: "x", values: values}}, false, loc, 200)
			if n := len(tl.windows); n > 200 || n < 40 {
				t.Errorf("%s, %v: %d windows", name, step, n)
			}
			want := map[time.Time]float64{}
			for i, v := range values {
				for _, w := range tl.windows {
					if !math.IsNaN(v) && !at[i].Before(w.start) && at[i].Before(w.end) {
						want[w.start] += v
					}
				}
			}
			got := map[time.Time]float64{}
			for i, w := range tl.windows {
				got[w.start] = tl.layers[0].values[i]
				if i > 0 && w.start.Before(tl.windows[i-1].end) {
					t.Errorf("%s, %v: window %d starts at %v, before the end of the one before it", name, step, i, w.start)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %v: sums differ (-want +got):\n%s", name, step, diff)
			}
		}
	}
}

// The line of a bucket goes through its extremes, its end and what is flagged.
func TestBucketsOfLinesKeepPeaksAndFlags(t *testing.T) {
	t.Parallel()
	at := minutes(5000, time.Minute)
	values := noise(len(at), 100, 3)
	values[1234], values[3210] = 9999, -9999
	flags := flagAt(len(at), 17, 1234)
	tl := newTimeline(at, flags, []layer{{values: values}}, true, time.UTC, 200)
	var points int
	lo, hi, marked := math.Inf(1), math.Inf(-1), 0
	for _, p := range tl.traces[0] {
		points++
		lo, hi = min(lo, p.y), max(hi, p.y)
		if p.flagged {
			marked++
		}
	}
	if lo != -9999 || hi != 9999 || marked != 2 {
		t.Errorf("line spans %g to %g with %d marks, want -9999 to 9999 with 2", lo, hi, marked)
	}
	if points > 4*len(tl.windows) || len(tl.windows) > 200 {
		t.Errorf("%d points in %d windows", points, len(tl.windows))
	}
	last := tl.layers[0].values
	if got, want := last[len(last)-1], values[len(values)-1]; got != want {
		t.Errorf("last value %g, want %g", got, want)
	}
}

func TestWindowsOfOneStartAreOne(t *testing.T) {
	t.Parallel()
	at := minutes(2, time.Minute)
	at = append(at, at[1])
	tl := newTimeline(at, nil, []layer{{values: []float64{1, 2, 3}}}, false, time.UTC, 200)
	if diff := cmp.Diff([]float64{1, 5}, tl.layers[0].values); diff != "" {
		t.Error(diff)
	}
}

// The order of rows does not show.
func TestOrderOfWindowsDoesNotShow(t *testing.T) {
	t.Parallel()
	for _, k := range []Kind{Area, Line, TimeBars} {
		s := Spec{Kind: k, Times: minutes(60, time.Minute), Series: productSeries(60)[:2], Flags: flagAt(60, 9)}
		want, err := SVG(s)
		if err != nil {
			t.Fatal(err)
		}
		rand.New(rand.NewPCG(1, 1)).Shuffle(60, func(i, j int) {
			s.Times[i], s.Times[j] = s.Times[j], s.Times[i]
			s.Flags[i], s.Flags[j] = s.Flags[j], s.Flags[i]
			for _, one := range s.Series {
				one.Values[i], one.Values[j] = one.Values[j], one.Values[i]
			}
		})
		got, err := SVG(s)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: shuffled rows draw another chart", k)
		}
	}
}

func TestTooltipNamesWindows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		n     int
		step  time.Duration
		limit int
		want  string
	}{
		{"minutes_of_a_day", 30, time.Minute, 200, "18:39"},
		{"seconds", 30, time.Second, 200, "18:34:05"},
		{"hours_over_days", 48, time.Hour, 200, "22 Nov 23:34"},
		{"days", 9, 24 * time.Hour, 200, "27 Nov 2026"},
		{"buckets", 120, time.Minute, 30, "18:55–19:00"},
		{"buckets_of_days", 90, 24 * time.Hour, 30, "21 Dec 2026–27 Dec 2026"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tl := newTimeline(minutes(c.n, c.step), nil, []layer{{values: make([]float64, c.n)}}, false, riyadh, c.limit)
			if got := tl.name(5); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
