package notebook

import (
	"html/template"
	"math"
	"strings"

	"tillflow/lib/chart"
	"tillflow/lib/frame"
)

// kpiView is a figure for the template.
type kpiView struct {
	Unit, Value string
	Delta       string // "4.2%"
	Arrow       string
	Way         string // "up", "down" or "no change", for those who do not see the arrow
	Tone        string // good, bad or empty
	Versus      template.HTML
	Note        template.HTML
	Spark       template.HTML
}

// drawKPI draws a figure; nil when its value is missing.
func (d *Data) drawKPI(c *cell, f *frame.Frame) (*kpiView, *CellError) {
	s, l := c.kpi, d.locale()
	find := func(key, name string) (*frame.Column, *CellError) {
		col := f.Column(name)
		if col == nil {
			wrong := noColumn(f.Names(), s.Data, name)
			return nil, d.Report.errorAt(c, s.node.At(key), wrong.msg, wrong.hint)
		}
		return col, nil
	}
	col, failed := find("value", s.Value)
	if failed != nil {
		return nil, failed
	}
	if col.IsNull(0) {
		return nil, nil
	}
	form := s.Format.or(col)
	v := &kpiView{Value: l.value(form, col, 0, true), Versus: template.HTML(d.html(s.versus)), Note: template.HTML(d.html(s.note))}
	if form.money() {
		v.Unit = d.Report.currency
	}
	if s.Previous != "" {
		before, failed := find("previous", s.Previous)
		if failed != nil {
			return nil, failed
		}
		v.compare(col.Float(0), before.Float(0), s.Better)
	}
	if s.Spark != "" {
		svg, failed := d.spark(c)
		if failed != nil {
			return nil, failed
		}
		v.Spark = template.HTML(svg)
	}
	return v, nil
}

// compare fills in the change since the previous value. Without one, or from zero, there is no share to tell.
func (v *kpiView) compare(now, before float64, better string) {
	if math.IsNaN(now) || math.IsNaN(before) || before == 0 {
		v.Versus = ""
		return
	}
	change := (now - before) / math.Abs(before) * 100
	v.Delta = comma(math.Abs(change), 1) + "%"
	if math.Abs(change) >= 1000 {
		v.Delta = comma(math.Abs(change)/100, 0) + "\u00d7"
	}
	v.Arrow, v.Way = "\u25b2", "up"
	switch {
	case math.Abs(change) < 0.05:
		v.Arrow, v.Way = "\u25ac", "no change:"
		return
	case change < 0:
		v.Arrow, v.Way = "\u25bc", "down"
	}
	if better == "neither" {
		return
	}
	v.Tone = "good"
	if (better == "down") == (change > 0) {
		v.Tone = "bad"
	}
}

// spark draws the small line of a figure; it has no data of its own to read, so that an empty one is left out.
func (d *Data) spark(c *cell) (string, *CellError) {
	s := c.kpi
	name, column, _ := strings.Cut(s.Spark, ".")
	f := d.Results[name].Frame
	col := f.Column(column)
	if col == nil {
		wrong := noColumn(f.Names(), name, column)
		return "", d.Report.errorAt(c, s.node.At("spark"), wrong.msg, wrong.hint)
	}
	l := d.locale()
	svg, err := chart.SVG(chart.Spec{Kind: chart.Spark, ID: "kpi-" + c.name, Title: d.plain(s.title) + " over time",
		Series:  []chart.Series{{Name: words(column), Values: floats(col)}},
		FormatY: func(v float64) string { return l.number(s.Format.or(col), v, false) }})
	if err != nil {
		return "", nil
	}
	return svg, nil
}
