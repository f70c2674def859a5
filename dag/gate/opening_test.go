package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/spec"
)

// at gives a time of the day of now.
func at(clock string) time.Time {
	t, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 3, 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func TestNextPossibleOpening(t *testing.T) {
	facts := gate.Facts{
		Now: now, Since: at("11:00:00"), LastStart: at("11:59:50"), LastEnd: at("11:59:55"), Location: time.UTC,
		Streams: map[string]gate.Stream{
			"s":    {Rows: 1000, Lag: 300, Watermark: at("11:58:00"), Changed: at("11:59:58"), Rate: 50},
			"calm": {Rows: 1000, Lag: 300, Watermark: at("11:58:00")},
		},
		Cursors: map[string]int64{"s": 500, "calm": 500},
		Marks:   map[string]time.Time{"s": at("11:00:00")},
	}
	every := func(d time.Duration) spec.When { return spec.When{Every: d} }
	cases := map[string]struct {
		when  spec.When
		opens string // "" when only new facts can tell
		about bool
	}{
		"interval":                       {every(time.Minute), "12:00:50", false},
		"cron_line":                      {spec.When{Cron: "5 12 * * *"}, "12:05:00", false},
		"gap_beside_what_holds":          {spec.When{Rows: 100, Of: "s", MinGap: 10 * time.Second}, "12:00:05", false},
		"rows_by_the_pace_of_the_stream": {spec.When{Rows: 1000, Of: "s"}, "12:00:10", true},
		"rows_of_a_stream_that_rests":    {spec.When{Rows: 1000, Of: "calm"}, "", false},
		"lag_by_the_pace_of_the_stream":  {spec.When{LagBelow: lag(51), Of: "s"}, "12:00:05", true},
		"watermark_moves_by_the_clock":   {spec.When{Watermark: time.Hour, Of: "s"}, "12:02:00", true},
		"any_opens_with_the_first":       {spec.When{Any: []spec.When{every(time.Minute), {Cron: "5 12 * * *"}}}, "12:00:50", false},
		"all_opens_with_the_last":        {spec.When{All: []spec.When{every(time.Minute), {Cron: "5 12 * * *"}}}, "12:05:00", false},
		"all_with_one_that_cannot_tell":  {spec.When{All: []spec.When{every(time.Minute), {Rows: 1000, Of: "calm"}}}, "", false},
		"not_opens_when_it_goes_stale":   {spec.When{Not: &spec.When{FreshWithin: 3 * time.Minute, Of: "s"}}, "12:01:00", false},
		"quiet_since_the_last_row":       {spec.When{Rows: 100, Of: "s", Debounce: 30 * time.Second}, "12:00:28", false},
		"quiet_begins_with_the_rest":     {spec.When{Rows: 1000, Of: "calm", Debounce: time.Second}, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := gate.Eval(&c.when, facts)
			got := ""
			if !a.Opens.IsZero() {
				got = a.Opens.Round(time.Second).Format(time.TimeOnly)
			}
			if a.Due || got != c.opens || a.About != c.about {
				t.Errorf("due %v, opens %q (about %v), want %q (%v): %+v", a.Due, got, a.About, c.opens, c.about, a)
			}
		})
	}
}

// A gate that time opens must be true at the moment it named, and not a moment before.
func TestOpensExactlyThen(t *testing.T) {
	f := gate.Facts{Now: now, Since: at("11:00:00"), LastStart: at("11:59:50"), LastEnd: at("11:59:55"), Location: time.UTC,
		Streams: map[string]gate.Stream{"s": {Rows: 9, Changed: at("11:59:59"), Watermark: at("11:59:00")}}}
	for _, w := range []spec.When{
		{Every: 17 * time.Second}, {Cron: "30 * * * * *"}, {Rows: 1, Of: "s", MinGap: time.Minute}, {Rows: 1, Of: "s", Debounce: 3 * time.Second},
		{Not: &spec.When{FreshWithin: 2 * time.Minute, Of: "s"}},
		{Any: []spec.When{{Every: time.Minute}, {All: []spec.When{{Every: 20 * time.Second}, {Cron: "* * * * *"}}}}},
	} {
		g := f
		a := gate.Eval(&w, g)
		g.Now = a.Opens
		if a.Due || a.Opens.IsZero() || !gate.Eval(&w, g).Due {
			t.Errorf("%+v is not due at the time it named: %+v", w, a)
		}
		g.Now = a.Opens.Add(-1)
		if gate.Eval(&w, g).Due {
			t.Errorf("%+v is due before the time it named: %+v", w, a)
		}
		if wake := a.Wake(now); wake.IsZero() || wake.After(a.Opens) {
			t.Errorf("%+v is next looked at %s, after it opens", w, wake)
		}
	}
}

func TestWatermarkOpensOncePerStep(t *testing.T) {
	when := spec.When{Watermark: time.Hour, Of: "s"}
	marks, opened := map[string]time.Time{}, []string{}
	for minute := range 180 {
		a := gate.Eval(&when, gate.Facts{Now: now, Marks: marks, Streams: map[string]gate.Stream{"s": {Watermark: at("09:30:00").Add(time.Duration(minute) * time.Minute)}}})
		if a.Due {
			opened = append(opened, a.AsOf.Format("15:04"))
			marks = a.Marks
		}
	}
	if got := fmt.Sprint(opened); got != "[09:00 10:00 11:00 12:00]" {
		t.Errorf("opened for %s", got)
	}
}

// A run that is gone on with after a crash moves the same marks: they follow from where its input ended.
func TestMarksFollowFromTheEndOfTheInput(t *testing.T) {
	w := spec.When{Any: []spec.When{{Cron: "*/15 * * * *", CatchUp: "all"}, {Watermark: time.Hour, Of: "s"}}}
	for clock, want := range map[string]string{"11:00:00": "cron s", "11:15:00": "cron", "11:07:00": "", "11:15:01": ""} {
		var got []string
		for mark := range gate.MarksAt(&w, at(clock), time.UTC) {
			got = append(got, mark)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: marks %q, want %q", clock, got, want)
		}
	}
}

func TestChecksAndAfter(t *testing.T) {
	f := gate.Facts{Now: now, LastStart: at("11:30:00"), Jobs: map[string]gate.Job{
		"good": {OK: true, Ended: at("11:59:00"), Succeeded: at("11:59:00")},
		"bad":  {Ended: at("11:59:00"), Succeeded: at("11:40:00")},
		"old":  {OK: true, Ended: at("11:20:00"), Succeeded: at("11:20:00")},
	}}
	for name, c := range map[string]struct {
		when spec.When
		due  bool
		text string
	}{
		"passed":                     {spec.When{Checks: []string{"good"}}, true, "check good passed 1m ago"},
		"did_not_pass":               {spec.When{Checks: []string{"good", "bad"}}, false, "check bad did not pass 1m ago"},
		"never_ran":                  {spec.When{Checks: []string{"new"}}, false, "check new has not run"},
		"succeeded_since":            {spec.When{After: []string{"good", "bad"}}, true, "after bad, which succeeded 20m ago"},
		"succeeded_before_last_run":  {spec.When{After: []string{"old"}}, false, "after old, whose last success was 40m ago, before this job's last run"},
		"has_not_succeeded":          {spec.When{After: []string{"new"}}, false, "after new, which has not succeeded"},
		"all_of_them_must_have_come": {spec.When{After: []string{"good", "old"}}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := gate.Eval(&c.when, f)
			if a.Due != c.due || !strings.Contains(fmt.Sprintf("%+v", a), c.text) {
				t.Errorf("%+v", a)
			}
		})
	}
	w := spec.When{Any: []spec.When{{After: []string{"a"}}, {Not: &spec.When{Checks: []string{"b", "c"}}}}}
	if got := fmt.Sprint(gate.Jobs(&w)); got != "[a b c]" {
		t.Errorf("looks at %s", got)
	}
}

func TestIntervalsDoNotDriftAndPassOverWhatARunCovered(t *testing.T) {
	f := gate.Facts{Now: at("12:00:10"), LastStart: at("12:00:01"), LastTick: at("12:00:00")}
	w := spec.When{Every: 10 * time.Second}
	if a := gate.Eval(&w, f); !a.Due || !a.Tick.Equal(at("12:00:10")) {
		t.Errorf("the next opening is reckoned from the start, not from the opening before: %+v", a)
	}
	f.SkipTo = at("12:00:25")
	if a := gate.Eval(&w, f); a.Due || !a.Opens.Equal(at("12:00:30")) {
		t.Errorf("openings during a run are not passed over: %+v", a)
	}
	f.SkipTo, f.Now = time.Time{}, at("12:03:07")
	if a := gate.Eval(&w, f); !a.Due || !a.Tick.Equal(at("12:03:00")) {
		t.Errorf("several missed openings are not one: %+v", a)
	}
}

// ticks drives a gate through a stretch of time, as a runner would, and lists the openings that runs were for.
func ticks(w spec.When, loc *time.Location, ran, down, until time.Time) (out []time.Time, left int) {
	f := gate.Facts{Since: down, LastStart: ran, Location: loc, Marks: map[string]time.Time{}}
	for f.Now = down; f.Now.Before(until); {
		a := gate.Eval(&w, f)
		if !a.Due {
			f.Now = a.Opens
			continue
		}
		out, left = append(out, a.Tick), left+a.Missed
		f.LastStart, f.LastTick = f.Now, a.Tick
		if len(a.Marks) > 0 {
			f.Marks = a.Marks
		}
		f.Now = f.Now.Add(time.Second)
	}
	return out, left
}

func TestCatchUp(t *testing.T) {
	clock := func(ts []time.Time) string {
		var out []string
		for _, t := range ts {
			out = append(out, t.Format("15:04"))
		}
		return strings.Join(out, " ")
	}
	for name, c := range map[string]struct {
		catchUp string
		limit   int
		want    string
		left    int
	}{
		"none":            {"none", 0, "12:15", 0},
		"latest":          {"latest", 0, "12:00 12:15", 0},
		"all":             {"all", 100, "11:00 11:15 11:30 11:45 12:00 12:15", 0},
		"all_with_a_cap":  {"all", 2, "11:45 12:00 12:15", 3},
		"latest_is_usual": {"", 0, "12:00 12:15", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := spec.When{Cron: "*/15 * * * *", CatchUp: c.catchUp, CatchUpMax: c.limit}
			got, left := ticks(w, time.UTC, at("10:50:00"), at("12:05:00"), at("12:20:00"))
			if clock(got) != c.want || left != c.left {
				t.Errorf("runs for %s (%d left out), want %s (%d)", clock(got), left, c.want, c.left)
			}
		})
	}
	w := spec.When{Cron: "* * * * * *", CatchUp: "latest"}
	if a := gate.Eval(&w, gate.Facts{Now: now, LastStart: now.AddDate(-20, 0, 0)}); !a.Due || !a.Tick.Equal(now) {
		t.Errorf("twenty years of seconds are one run: %+v", a)
	}
}

// Zones with summer time: the wall-clock hour holds, an hour that comes twice or not at all makes no run twice and leaves
// none out of a line that runs every hour.
func TestSummerTime(t *testing.T) {
	load := func(name string) *time.Location {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return loc
	}
	berlin, newYork, riyadh := load("Europe/Berlin"), load("America/New_York"), load("Asia/Riyadh")
	for name, c := range map[string]struct {
		cron string
		loc  *time.Location
		day  time.Time
		want int    // runs from noon before to noon after
		last string // wall clock of the last one
	}{
		"daily_on_the_short_day":  {"30 6 * * *", berlin, time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), 1, "29 06:30"},
		"daily_on_the_long_day":   {"30 6 * * *", berlin, time.Date(2026, 10, 24, 12, 0, 0, 0, berlin), 1, "25 06:30"},
		"hourly_on_the_short_day": {"0 * * * *", berlin, time.Date(2026, 3, 28, 12, 30, 0, 0, berlin), 23, "29 12:00"},
		"hourly_on_the_long_day":  {"0 * * * *", berlin, time.Date(2026, 10, 24, 12, 30, 0, 0, berlin), 25, "25 12:00"},
		"new_york_short_day":      {"0 * * * *", newYork, time.Date(2026, 3, 7, 12, 30, 0, 0, newYork), 23, "08 12:00"},
		"no_summer_time":          {"0 * * * *", riyadh, time.Date(2026, 3, 28, 12, 30, 0, 0, riyadh), 24, "29 12:00"},
	} {
		t.Run(name, func(t *testing.T) {
			end := time.Date(c.day.Year(), c.day.Month(), c.day.Day()+1, 12, 30, 0, 0, c.loc)
			w := spec.When{Cron: c.cron, CatchUp: "all", CatchUpMax: 100}
			got, _ := ticks(w, c.loc, c.day, end.Add(-time.Minute), end)
			if len(got) != c.want || got[len(got)-1].In(c.loc).Format("02 15:04") != c.last {
				t.Errorf("%d runs, the last for %v; want %d, %s", len(got), got[len(got)-1].In(c.loc), c.want, c.last)
			}
			for i := 1; i < len(got); i++ {
				if !got[i].After(got[i-1]) {
					t.Errorf("two runs for %s", got[i])
				}
			}
		})
	}
}

// A gate of each kind, 200 jobs: what the engine judges each time something happens.
func BenchmarkEval200(b *testing.B) {
	w := spec.When{Any: []spec.When{{Rows: 5000, Of: "s"}, {Every: time.Minute}, {Cron: "0 6 * * *"}}, MinGap: 10 * time.Second}
	f := gate.Facts{Now: now, LastStart: at("11:59:50"), LastEnd: at("11:59:55"), Location: time.UTC,
		Streams: map[string]gate.Stream{"s": {Rows: 1000, Rate: 50}}}
	b.ReportAllocs()
	for b.Loop() {
		for range 200 {
			gate.Eval(&w, f)
		}
	}
}
