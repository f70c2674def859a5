package notebook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

const exportedPage = `---
title: Export
timezone: Asia/Riyadh
---
~~~sql sold
select 1
~~~
~~~table shown
data: sold
columns: { name: Product | text, amount: Amount | num.2 }
~~~
~~~chart bars_of_it bars
data: sold
x: name
y: amount
~~~
`

func exportData(t *testing.T) *notebook.Data {
	t.Helper()
	rep, problems := notebook.Parse("e.md", []byte(exportedPage))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	names := []string{"=HYPERLINK(\"http://evil\")", "+1-2", "-12.5", "-2+3", "@SUM(A1)", "\tx", "  =1+1", "plain, \"quoted\"", "", "+5"}
	rows := frame.Frame{Columns: []frame.Column{
		{Name: "name", Strings: names}, {Name: "amount", Kind: frame.Float}, {Name: "at", Kind: frame.Time},
	}}
	for i := range names {
		rows.Columns[1].Floats = append(rows.Columns[1].Floats, float64(i)-1.5)
		rows.Columns[2].Times = append(rows.Columns[2].Times, time.Date(2026, 11, 22, 17, 0, i, 0, time.UTC))
	}
	rows.Columns[1].Null = make([]bool, len(names))
	rows.Columns[1].Null[3] = true
	return &notebook.Data{Report: rep, AsOf: at, Built: at, Results: map[string]notebook.Result{"sold": {Frame: &rows, At: at}}}
}

// What a spreadsheet would run gets a quote mark; numbers, also negative ones, stay numbers.
func TestCSVIsNoFormula(t *testing.T) {
	var out strings.Builder
	if err := exportData(t).CSV(&out, "shown"); err != nil {
		t.Fatal(err)
	}
	want := "Product,Amount\r\n" +
		"\"'=HYPERLINK(\"\"http://evil\"\")\",-1.5\r\n'+1-2,-0.5\r\n-12.5,0.5\r\n'-2+3,\r\n'@SUM(A1),2.5\r\n'\tx,3.5\r\n'  =1+1,4.5\r\n" +
		"\"plain, \"\"quoted\"\"\",5.5\r\n,6.5\r\n'+5,7.5\r\n"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

func TestCSVOfAChartAndAQuery(t *testing.T) {
	var chart, query strings.Builder
	d := exportData(t)
	if err := errors.Join(d.CSV(&chart, "bars_of_it"), d.CSV(&query, "sold")); err != nil {
		t.Fatal(err)
	}
	if chart.String() != query.String() || !strings.HasPrefix(query.String(), "name,amount,at\r\n") || !strings.Contains(query.String(), "\r\n-12.5,0.5,2026-11-22 20:00:02\r\n") {
		t.Errorf("chart\n%s\nquery\n%s", chart.String(), query.String())
	}
}

func TestCSVRefuses(t *testing.T) {
	d := exportData(t)
	if err := d.CSV(&strings.Builder{}, "shwon"); err == nil || err.Error() != `e.md has no sql, table or chart cell "shwon" (did you mean "shown"?)` {
		t.Error(err)
	}
	failed := &notebook.CellError{File: "e.md", Cell: "sold", Line: 6, Col: 8, Msg: "no such column", Hint: "another", Source: "select x", Mark: "       ^"}
	d.Results["sold"] = notebook.Result{Err: failed}
	var got *notebook.CellError
	if err := d.CSV(&strings.Builder{}, "shown"); !errors.As(err, &got) || got != failed {
		t.Error(err)
	}
	if want := "e.md:6:8: cell sold: no such column\n    6 | select x\n      |        ^\n      = another\n"; failed.Frame() != want {
		t.Errorf("got\n%s\nwant\n%s", failed.Frame(), want)
	}
}
