package notebook_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// sixteen is a page of the size of the retail dashboard: five figures, eight charts, three of them with 72 windows of six
// products, and three tables, one of 50 rows. n changes every number on it.
func sixteen(t testing.TB, n int) *notebook.Data {
	t.Helper()
	src := "---\ntitle: Sixteen\ncurrency: SAR\n---\n~~~sql t\nselect 1\n~~~\n~~~sql p\nselect 1\n~~~\n~~~sql many\nselect 1\n~~~\n"
	for i := range 5 {
		src += fmt.Sprintf("~~~kpi k%d\ndata: p\nvalue: v\nformat: sar\nspark: t.v\n~~~\n", i)
	}
	src += "~~~chart area area\ndata: t\nx: at\ny: v\ncolor: name\nwidth: full\nformat: { y: sar }\n~~~\n"
	for _, kind := range []string{"bars", "hbar", "donut", "pie"} {
		src += fmt.Sprintf("~~~chart %s %s\ndata: p\nx: name\ny: v\n~~~\n", kind, kind)
	}
	src += "~~~chart s scatter\ndata: t\nx: v\ny: v\ncolor: name\n~~~\n"
	for _, kind := range []string{"line", "timebars"} {
		src += fmt.Sprintf("~~~chart %s %s\ndata: t\nx: at\ny: v\ncolor: name\n~~~\n", kind, kind)
	}
	for i, from := range []string{"p", "p", "many"} {
		src += fmt.Sprintf("~~~table t%d\ndata: %s\ncolumns: { name: text, v: sar.2, share: pct.1 bar }\nsearch: true\n~~~\n", i, from)
	}
	rep, problems := notebook.Parse("sixteen.md", []byte(src))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var when, v, name = frame.Column{Name: "at", Kind: frame.Time}, frame.Column{Name: "v", Kind: frame.Float}, frame.Column{Name: "name"}
	var pv, share, pname = frame.Column{Name: "v", Kind: frame.Float}, frame.Column{Name: "share", Kind: frame.Float}, frame.Column{Name: "name"}
	for i := range 72 {
		for p := range 6 {
			when.Times = append(when.Times, at.Add(time.Duration(i+n)*20*time.Minute))
			v.Floats = append(v.Floats, float64(1000+(i+n)*37%911+p*100))
			name.Strings = append(name.Strings, fmt.Sprint("Product ", p))
		}
	}
	for i := range 50 {
		pv.Floats = append(pv.Floats, float64((i+1)*(1234+n)))
		share.Floats = append(share.Floats, float64((i+n)%50)/50)
		pname.Strings = append(pname.Strings, fmt.Sprint("Product ", i))
	}
	few := []frame.Column{pv, share, pname}
	few[0].Floats, few[1].Floats, few[2].Strings = pv.Floats[:12], share.Floats[:12], pname.Strings[:12]
	return &notebook.Data{Report: rep, AsOf: at, Built: at.Add(time.Duration(n) * time.Second), Results: map[string]notebook.Result{
		"t": {At: at, Frame: &frame.Frame{Columns: []frame.Column{when, v, name}}},
		"p": {At: at, Frame: &frame.Frame{Columns: few}}, "many": {At: at, Frame: &frame.Frame{Columns: []frame.Column{pv, share, pname}}},
	}}
}

// BenchmarkDraw draws a page of sixteen cells, without its queries.
func BenchmarkDraw(b *testing.B) {
	d := sixteen(b, 0)
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

// A page of sixteen cells stays under 250 kB, and under 60 kB on the way to a browser.
func TestSixteenCellsAreSmall(t *testing.T) {
	page, drawn := draw(t, sixteen(t, 0))
	if drawn.Cells != 16 || drawn.Current != 16 {
		t.Errorf("%d cells, %d current: %v", drawn.Cells, drawn.Current, drawn.Failed)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, page); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if len(page) > 250_000 || packed.Len() > 60_000 {
		t.Errorf("%d bytes, %d packed", len(page), packed.Len())
	}
	t.Logf("%d bytes, %d packed, style %d, script %d", len(page), packed.Len(), len(styleElement.FindString(page)), len(scriptElement.FindString(page)))
}
