package notebook_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// BenchmarkDraw draws a page of the size of the retail dashboard, without its queries: five figures, six charts, one of
// them with 72 windows of six products, and three tables, one with 50 rows.
func BenchmarkDraw(b *testing.B) {
	src := "---\ntitle: Bench\ncurrency: SAR\n---\n~~~sql t\nselect 1\n~~~\n~~~sql p\nselect 1\n~~~\n"
	for i := range 5 {
		src += fmt.Sprintf("~~~kpi k%d\ndata: p\nvalue: v\nformat: sar\nspark: t.v\n~~~\n", i)
	}
	src += "~~~chart area area\ndata: t\nx: at\ny: v\ncolor: name\nwidth: full\nformat: { y: sar }\n~~~\n"
	for _, kind := range []string{"bars", "hbar", "donut"} {
		src += fmt.Sprintf("~~~chart %s %s\ndata: p\nx: name\ny: v\n~~~\n", kind, kind)
	}
	src += "~~~chart s scatter\ndata: t\nx: v\ny: v\ncolor: name\n~~~\n~~~chart l line\ndata: t\nx: at\ny: v\ncolor: name\n~~~\n"
	for i := range 3 {
		src += fmt.Sprintf("~~~table t%d\ndata: p\ncolumns: { name: text, v: sar.2, share: pct.1 bar }\nsearch: true\n~~~\n", i)
	}
	rep, problems := notebook.Parse("b.md", []byte(src))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	var when, v, name = frame.Column{Name: "at", Kind: frame.Time}, frame.Column{Name: "v", Kind: frame.Float}, frame.Column{Name: "name"}
	var pv, share, pname = frame.Column{Name: "v", Kind: frame.Float}, frame.Column{Name: "share", Kind: frame.Float}, frame.Column{Name: "name"}
	for i := range 72 {
		for p := range 6 {
			when.Times = append(when.Times, at.Add(time.Duration(i)*20*time.Minute))
			v.Floats = append(v.Floats, float64(1000+i*37%911+p*100))
			name.Strings = append(name.Strings, fmt.Sprint("Product ", p))
		}
	}
	for i := range 50 {
		pv.Floats = append(pv.Floats, float64(i*1234))
		share.Floats = append(share.Floats, float64(i)/50)
		pname.Strings = append(pname.Strings, fmt.Sprint("Product ", i))
	}
	d := &notebook.Data{Report: rep, AsOf: at, Built: at, Results: map[string]notebook.Result{
		"t": {At: at, Frame: &frame.Frame{Columns: []frame.Column{when, v, name}}},
		"p": {At: at, Frame: &frame.Frame{Columns: []frame.Column{pv, share, pname}}},
	}}
	b.ReportAllocs()
	var drawn notebook.Drawn
	for b.Loop() {
		var err error
		if drawn, err = d.Draw(io.Discard); err != nil || len(drawn.Failed) > 0 {
			b.Fatal(err, drawn.Failed)
		}
	}
	b.ReportMetric(float64(drawn.Bytes), "page-bytes")
}
