package notebook_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

const fieldsPage = `---
title: Kinds
currency: SAR
timezone: Asia/Riyadh
---
~~~sql hours
select 1
~~~
~~~sql runs
select 1
~~~
~~~sql amounts
select 1
~~~
~~~sql moves
select 1
~~~
~~~sql jobs
select 1
~~~
~~~chart by_hour heatmap
data: hours
x: hour
y: day
value: revenue
format: { value: sar }
~~~
~~~chart grid heatmap
data: runs
x: at
y: job
state: state
note: took
states: { slow: warn }
~~~
~~~chart spread histogram
data: amounts
x: amount
y: n
bins: 10
format: { x: sar }
~~~
~~~chart moved flow
data: moves
from: before
to: now
value: n
palette: moves.now
~~~
~~~chart pipeline graph
data: jobs
from: upstream
to: job
state: state
note: took
value: rows
~~~
~~~chart far scatter
data: amounts
x: amount
y: n
scale: log
scale_x: log
~~~
`

func fields(t testing.TB, names []string) *notebook.Data {
	t.Helper()
	rep, problems := notebook.Parse("kinds.md", []byte(fieldsPage))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text := func(name string, v ...string) frame.Column { return frame.Column{Name: name, Strings: v} }
	number := func(name string, v ...float64) frame.Column {
		return frame.Column{Name: name, Kind: frame.Float, Floats: v}
	}
	of := func(c ...frame.Column) notebook.Result {
		return notebook.Result{At: at, Frame: &frame.Frame{Columns: c}}
	}
	first := frame.Column{Name: "upstream", Strings: []string{"", names[0], names[0]}, Null: []bool{true, false, false}}
	return &notebook.Data{Report: rep, AsOf: at, Built: at, Results: map[string]notebook.Result{
		// Hours come out of order, and one field has no row.
		"hours":   of(frame.Column{Name: "hour", Kind: frame.Int, Ints: []int64{9, 10, 8, 9}}, text("day", names[0], names[0], names[1], names[1]), number("revenue", 10, 20, math.NaN(), 40)),
		"runs":    of(frame.Column{Name: "at", Kind: frame.Time, Times: []time.Time{at.Add(time.Hour), at, at}}, text("job", names[0], names[0], names[1]), text("state", "succeeded", "slow", names[2]), text("took", "1 s", "", names[2])),
		"amounts": of(number("amount", 1, 10, 100, 0), number("n", 5, 50, 7, 1)),
		"moves":   of(text("before", names...), text("now", names[1], names[2], names[0]), number("n", 5, 3, 0)),
		"jobs":    of(first, text("job", names...), text("state", "succeeded", "failed", "running"), text("took", "1 s", names[1], ""), number("rows", math.NaN(), 12_000, math.NaN())),
	}}
}

func TestChartsOfFields(t *testing.T) {
	page, drawn := draw(t, fields(t, []string{"Sunday", "Monday", "Tuesday"}))
	if len(drawn.Failed) > 0 {
		t.Fatal(drawn.Failed)
	}
	for _, want := range []string{
		"Sunday · 10\nSAR\u00a020", "Monday · 9\nSAR\u00a040", // no tip for the field without a row
		"Sunday · 22 Nov 21:14\nsucceeded\n1 s", // the report's zone
		"Sunday · 22 Nov 20:14\nslow", "twarn field",
		"Sunday → Monday\n5 (62.5%)",
		"Monday\nfailed · Monday", "tbad node",
		"1 value of zero or less is not shown",
		"By hour: highest SAR\u00a040 at Monday, 9; lowest SAR\u00a010 at Sunday, 9; 2 rows by 3 columns.",
		"Pipeline: 1 succeeded, 1 failed, 1 running, of 3 boxes in 2 layers; Monday failed.",
		"Moved: 8 in total, 3 to 3 names, most of it Sunday to Monday with 5.",
	} {
		if !strings.Contains(page, strings.ReplaceAll(want, "\n", "&#10;")) && !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if i, j, k := strings.Index(page, "Monday · 8"), strings.Index(page, "Monday · 9"), strings.Index(page, "pipeline graph"); i >= 0 || j < 0 || k > 0 {
		t.Errorf("fields at %d, %d, %d", i, j, k)
	}
}

// Names that are code, in every kind of this file.
func TestChartsOfFieldsEscape(t *testing.T) {
	page, drawn := draw(t, fields(t, []string{hostileNames[0], hostileNames[1], "</svg><script>alert(1)</script>"}))
	if len(drawn.Failed) > 0 {
		t.Fatal(drawn.Failed)
	}
	if strings.Count(page, "<script") != 1 || strings.Contains(page, "<img") {
		t.Error("a name became code")
	}
}

// A column of words in place of numbers is told of, with the line that names it.
func TestChartWantsNumbers(t *testing.T) {
	d := fields(t, []string{"a", "b", "c"})
	r := d.Results["hours"].Frame.Columns
	r[2] = frame.Column{Name: "revenue", Strings: []string{"x", "y", "z", "q"}}
	_, drawn := draw(t, d)
	if len(drawn.Failed) != 1 || drawn.Failed[0].Msg != "revenue is a column of string, value wants numbers" || drawn.Failed[0].Line != 25 {
		t.Errorf("failed: %v", drawn.Failed)
	}
}
