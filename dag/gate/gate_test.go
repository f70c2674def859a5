package gate_test

import (
	"fmt"
	"testing"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/spec"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func lag(n int64) *int64 { return &n }

func TestEval(t *testing.T) {
	facts := gate.Facts{
		Now: now, Since: now.Add(-time.Hour), LastStart: now.Add(-90 * time.Second), LastEnd: now.Add(-80 * time.Second), Location: time.UTC,
		Streams: map[string]gate.Stream{"s": {Rows: 1204, Lag: 3, Watermark: now.Add(-2 * time.Minute)}, "new": {Lag: -1}},
		Cursors: map[string]int64{"s": 204},
	}
	cases := map[string]struct {
		when spec.When
		due  bool
		why  string
	}{
		"interval_passed":        {spec.When{Every: time.Minute}, true, "every 1m, last began 1m30s ago"},
		"interval_not_passed":    {spec.When{Every: 2 * time.Minute}, false, "every 2m, last began 1m30s ago"},
		"rows_reached":           {spec.When{Rows: 1000, Of: "s"}, true, "1000 of 1000 rows of s"},
		"one_row_short":          {spec.When{Rows: 1001, Of: "s"}, false, "1000 of 1001 rows of s"},
		"unknown_stream_is_shut": {spec.When{Rows: 1, Of: "x"}, false, "0 of 1 rows of x"},
		"lag_low":                {spec.When{LagBelow: lag(4), Of: "s"}, true, "lag 3 of s, wanted below 4"},
		"lag_not_known_is_shut":  {spec.When{LagBelow: lag(4), Of: "new"}, false, "lag -1 of new, wanted below 4"},
		"fresh":                  {spec.When{FreshWithin: 2 * time.Minute, Of: "s"}, true, "watermark of s at 2026-03-01 11:58:00, wanted within 2m"},
		"stale":                  {spec.When{FreshWithin: time.Minute, Of: "s"}, false, "watermark of s at 2026-03-01 11:58:00, wanted within 1m"},
		"cron_line_passed":       {spec.When{Cron: "59 11 * * *"}, true, `cron "59 11 * * *", next 2026-03-01 11:59:00`},
		"cron_line_ahead":        {spec.When{Cron: "5 12 * * *"}, false, `cron "5 12 * * *", next 2026-03-01 12:05:00`},
		"any_of_two":             {spec.When{Any: []spec.When{{Every: time.Hour}, {Rows: 10, Of: "s"}}}, true, "1000 of 10 rows of s"},
		"all_of_two":             {spec.When{All: []spec.When{{Every: time.Hour}, {Rows: 10, Of: "s"}}}, false, ""},
		"beside_means_both":      {spec.When{Every: time.Hour, Rows: 10, Of: "s"}, false, ""},
		"not":                    {spec.When{Not: &spec.When{Every: time.Hour}}, true, "not: every 1h, last began 1m30s ago"},
		"gap_not_passed":         {spec.When{Rows: 10, Of: "s", MinGap: 90 * time.Second}, false, ""},
		"gap_passed":             {spec.When{Rows: 10, Of: "s", MinGap: time.Minute}, true, "1000 of 10 rows of s, min_gap 1m, last ended 1m20s ago"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := gate.Eval(&c.when, facts)
			if got.Due != c.due {
				t.Errorf("due = %v, want %v: %+v", got.Due, c.due, got)
			}
			if c.why != "" && got.Reason() != c.why {
				t.Errorf("reason %q, want %q", got.Reason(), c.why)
			}
		})
	}
}

func TestFirstRunWaitsForNoInterval(t *testing.T) {
	if a := gate.Eval(&spec.When{Every: time.Hour}, gate.Facts{Now: now}); !a.Due {
		t.Errorf("a job that never ran is not due: %+v", a)
	}
}

// In a zone with summer time a cron line keeps its wall-clock hour, runs once on the long day, and a time that the
// short day lacks is not made up at another hour.
func TestCronKeepsWallClockOverSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 28, 12, 0, 0, 0, berlin) // clocks go forward on 29 March at 02:00
	var got []string
	for range 3 {
		if at, err = gate.Next("30 6 * * *", at, berlin); err != nil {
			t.Fatal(err)
		}
		got = append(got, at.Format("01-02 15:04 -07"))
	}
	if want := "[03-29 06:30 +02 03-30 06:30 +02 03-31 06:30 +02]"; fmt.Sprint(got) != want {
		t.Errorf("runs at %v, want %s", got, want)
	}
	if at, _ = gate.Next("30 2 * * *", time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), berlin); at.Format("01-02 15:04") != "03-30 02:30" {
		t.Errorf("02:30 does not exist on 29 March; next = %s", at)
	}
}

func ExampleEval() {
	when := spec.When{Any: []spec.When{{Rows: 1000, Of: "sales"}, {Every: time.Minute}}}
	a := gate.Eval(&when, gate.Facts{
		Now: now, LastStart: now.Add(-20 * time.Second),
		Streams: map[string]gate.Stream{"sales": {Rows: 5321}}, Cursors: map[string]int64{"sales": 5000},
	})
	fmt.Println(a.Due)
	for _, s := range a.Sub {
		fmt.Println(s.Due, s.Text)
	}
	// Output:
	// false
	// false 321 of 1000 rows of sales
	// false every 1m, last began 20s ago
}
