package notebook

import (
	"errors"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"tillflow/lib/chart"
	"tillflow/lib/frame"
)

// tick formats an axis label: short and without a unit, unless the report says how.
func (l locale) tick(f, own format, v float64) string {
	if own.name != "" {
		return l.number(own, v, false)
	}
	if f.name == "pct" {
		return strings.TrimSuffix(strings.TrimRight(comma(v*100, 2), "0"), ".") + "%"
	}
	return axis(v)
}

// drawChart draws a chart cell.
func (d *Data) drawChart(c *cell, f *frame.Frame) (*chartView, *CellError) {
	s := c.chart
	spec, failed := d.spec(c, f)
	if failed != nil {
		return nil, failed
	}
	v := &chartView{Title: spec.Title, Ring: spec.Kind == chart.Pie || spec.Kind == chart.Donut}
	switch spec.Kind {
	case chart.Area, chart.Line, chart.TimeBars:
		v.Series, v.Time = true, true
	case chart.Bars, chart.HBar, chart.Scatter:
		v.Series = true
	}
	widths := []int{halfWidth, narrowWidth}
	switch {
	case v.Ring:
		widths = []int{0} // its own
	case s.Width == "full":
		widths = []int{wideWidth, narrowWidth}
	}
	for _, w := range widths {
		one := spec
		one.Width = w
		one.Tips = chart.TipsData // the page's script shows them; without a script the rows are under Data
		if w == narrowWidth {
			one = slim(one)
		}
		svg, err := chart.SVG(one)
		if errors.Is(err, chart.ErrEmpty) {
			return nil, nil
		}
		if err != nil {
			msg, prefix := err.Error(), fmt.Sprintf("chart %q (%s): ", c.name, s.kind)
			for strings.HasPrefix(msg, prefix) { // the cell is named anyway
				msg = strings.TrimPrefix(msg, prefix)
			}
			return nil, d.Report.errorAt(c, s.node.At("y"), msg, "")
		}
		// A line of a tooltip ends in an escape where XML is read; HTML keeps the line end itself, four bytes less for each.
		v.SVGs = append(v.SVGs, template.HTML(strings.ReplaceAll(svg, "&#10;", "\n")))
	}
	spec.Width = widths[0]
	v.Summary = chart.Summary(spec)
	v.Legend = chart.Legend(spec)
	if v.Ring {
		v.Shares = d.shares(c, v.Legend)
	}
	return v, nil
}

// slimWindows is the most windows of a chart on a phone, where more are narrower than a finger's tip.
const slimWindows = 60

// slim makes the spec of the variant for phones: its height is that of the kind, and neighbouring windows are joined,
// as sums or, for a line, as the last of them. They are joined from the first on and not by the clock, as lib/chart
// would: the steps of a report may begin at any minute, and the last one must stay whole.
func slim(s chart.Spec) chart.Spec {
	if s.Kind != chart.HBar {
		s.Height = 0
	}
	if s.Kind == chart.Scatter {
		s.Tips = chart.TipsNone // points are smaller than a finger
	}
	n := (len(s.Times) + slimWindows - 1) / slimWindows
	if n < 2 {
		return s
	}
	out := s
	out.Times, out.Flags, out.Series = nil, nil, make([]chart.Series, len(s.Series))
	for i, one := range s.Series {
		out.Series[i] = chart.Series{Name: one.Name, Color: one.Color}
	}
	for from := 0; from < len(s.Times); from += n {
		to := min(from+n, len(s.Times))
		out.Times = append(out.Times, s.Times[from])
		if s.Flags != nil {
			out.Flags = append(out.Flags, slices.Contains(s.Flags[from:to], true))
		}
		for i, one := range s.Series {
			v := one.Values[to-1]
			if s.Kind != chart.Line {
				v = total(one.Values[from:to])
			}
			out.Series[i].Values = append(out.Series[i].Values, v)
		}
	}
	return out
}

// total adds up what is there; nothing at all stays a gap.
func total(values []float64) float64 {
	sum := math.NaN()
	for _, v := range values {
		switch {
		case math.IsNaN(sum):
			sum = v
		case !math.IsNaN(v):
			sum += v
		}
	}
	return sum
}

// chartView is a drawn chart, for the template.
type chartView struct {
	Title   string
	Ring    bool            // pie or donut: the legend is a table of numbers beside it
	Series  bool            // an entry of the legend can be switched off
	Time    bool            // can be narrowed to a range of time
	SVGs    []template.HTML // the wide variant, then the narrow one; lib/chart escapes every text in them
	Summary string
	Legend  []chart.Entry
	Shares  []share
}

// share is a line of the table beside a ring.
type share struct {
	Mark                 template.HTML
	Name, Value, Percent string
}

// shares is the legend of a ring with its numbers: a ring alone is hard to read off.
func (d *Data) shares(c *cell, legend []chart.Entry) []share {
	y := c.chart.Format.Y.format
	if y.name == "money" {
		y.name = "money.compact"
	}
	var out []share
	for _, e := range legend {
		out = append(out, share{template.HTML(e.Mark), e.Name, d.locale().number(y, e.Value, false), comma(e.Share*100, 1) + "%"})
	}
	return out
}

// Key is the mark of a legend's line.
func (chartView) Key(e chart.Entry) template.HTML { return template.HTML(e.Mark) }
