package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SVG draws a Spec as one svg element, as the package comment says.
//
// The error is ErrEmpty when there is nothing to draw. Other errors say what is wrong with the Spec: columns of different
// lengths, an index out of range, a value no chart can show. A panic below, in a format of the caller or in go-chart,
// comes back as an error as well. It is safe to call from many goroutines.
func SVG(s Spec) (svg string, err error) {
	defer func() {
		if p := recover(); p != nil {
			svg, err = "", s.fail("drawing: %v", p)
		}
	}()
	r, s, err := s.drawn()
	if err != nil {
		return "", err
	}
	return r.document(s), nil
}

// drawn is a Spec with its defaults, and its drawing.
func (s Spec) drawn() (*renderer, Spec, error) {
	s, err := s.ready()
	if err != nil {
		return nil, s, err
	}
	r := &renderer{w: s.Width, h: s.Height, tips: s.Tips}
	if s.narrow() && s.Tips == TipsBoth {
		r.tips = TipsData
	}
	draw := map[Kind]func(Spec, *renderer) error{
		Area: Spec.drawArea, Line: Spec.drawLine, TimeBars: Spec.drawTimeBars, Bars: Spec.drawBars, HBar: Spec.drawHBar,
		Pie: Spec.drawPie, Donut: Spec.drawPie, Scatter: Spec.drawScatter, Spark: Spec.drawSpark,
		Histogram: Spec.drawHistogram, Heatmap: Spec.drawHeatmap, Flow: Spec.drawFlow, Graph: Spec.drawGraph,
	}[s.Kind]
	if err := draw(s, r); err != nil {
		return nil, s, s.fail("%w", err)
	}
	if r.bad {
		return nil, s, s.fail("%w", errPosition)
	}
	return r, s, nil
}

// document is the whole element around what was drawn.
func (r *renderer) document(s Spec) string {
	title := s.Title
	if title == "" {
		title = string(s.Kind) + " chart"
	}
	desc := s.Desc
	if desc == "" {
		desc = s.summary()
	}
	var b strings.Builder
	b.Grow(len(r.out) + len(desc) + 512)
	b.WriteString(`<svg class="chart ` + string(s.Kind))
	if s.narrow() && s.Kind != Spark {
		b.WriteString(` narrow`)
	}
	b.WriteString(`" viewBox="0 0 ` + strconv.Itoa(r.w) + ` ` + strconv.Itoa(r.h) + `" role="img"`)
	if s.Kind == Spark {
		b.WriteString(` preserveAspectRatio="none"`)
	}
	if id := s.elementID(); id != "" {
		b.WriteString(` aria-labelledby="` + id + `-t" aria-describedby="` + id + `-d"><title id="` + id + `-t">` + escape(title) +
			`</title><desc id="` + id + `-d">` + escape(desc) + `</desc>`)
	} else {
		b.WriteString(` aria-label="` + escape(title) + `"><title>` + escape(title) + `</title><desc>` + escape(desc) + `</desc>`)
	}
	b.Write(r.out)
	b.WriteString(`</svg>`)
	return b.String()
}

// elementID is ID with the width, so that both variants of a chart may stand in one page, and without what an id or a
// reference to one may not hold.
func (s Spec) elementID() string {
	if s.ID == "" {
		return ""
	}
	id := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			return c
		}
		return '_'
	}, s.ID)
	return "c-" + id + "-" + strconv.Itoa(s.Width)
}

// ready fills in defaults and checks that the columns fit each other. Infinite values become gaps.
func (s Spec) ready() (Spec, error) {
	if s.Location == nil {
		s.Location = time.UTC
	}
	if s.FormatX == nil {
		s.FormatX = Grouped
	}
	if s.FormatY == nil {
		s.FormatY = Grouped
	}
	rows, err := s.rows()
	if err != nil {
		return s, err
	}
	s.size(rows)
	if rows == 0 {
		return s, s.fail("%w", ErrEmpty)
	}
	if s.Xs, err = s.finite("xs", s.Xs); err != nil {
		return s, err
	}
	if s.Ys, err = s.finite("ys", s.Ys); err != nil {
		return s, err
	}
	if s.Weights, err = s.finite("weights", s.Weights); err != nil {
		return s, err
	}
	clean := make([]Series, len(s.Series))
	for i, one := range s.Series {
		if one.Values, err = s.finite(one.Name, one.Values); err != nil {
			return s, err
		}
		clean[i] = one
	}
	s.Series = clean
	return s, nil
}

// rows is how many places a chart has, after a check that every column has as many.
func (s Spec) rows() (int, error) {
	n, of := 0, ""
	switch s.Kind {
	case Area, Line, TimeBars:
		n, of = len(s.Times), "times"
		if s.Flags != nil && len(s.Flags) != n {
			return 0, s.fail("%d flags for %d times", len(s.Flags), n)
		}
	case Bars, HBar, Pie, Donut:
		n, of = len(s.Labels), "labels"
		if s.ColorBy != nil && len(s.ColorBy) != n {
			return 0, s.fail("%d colours for %d labels", len(s.ColorBy), n)
		}
		if (s.Kind == Pie || s.Kind == Donut) && len(s.Series) > 1 {
			return 0, s.fail("%d series: it shows the parts of one; draw them as bars", len(s.Series))
		}
	case Scatter:
		if n = len(s.Xs); len(s.Ys) != n {
			return 0, s.fail("%d xs but %d ys", n, len(s.Ys))
		}
		if s.Groups != nil && len(s.Groups) != n {
			return 0, s.fail("%d groups for %d points", len(s.Groups), n)
		}
		for i, g := range s.Groups {
			if g < 0 || g >= max(len(s.Series), 1) {
				return 0, s.fail("point %d is in group %d, but there are %d series", i, g, len(s.Series))
			}
		}
		return n, nil
	case Spark:
		if len(s.Series) == 0 {
			return 0, nil
		}
		return len(s.Series[0].Values), nil
	case Histogram:
		if len(s.Series) == 0 {
			return 0, nil
		}
		n = len(s.Series[0].Values)
		if s.Weights != nil && len(s.Weights) != n {
			return 0, s.fail("%d weights for %d values", len(s.Weights), n)
		}
		return n, nil
	case Flow:
		return len(s.Links), nil
	case Graph:
		return len(s.Links) + len(s.Nodes), nil
	case Heatmap:
		n, of = len(s.Labels), "labels"
		if s.Times != nil {
			n, of = len(s.Times), "times"
		}
		if s.States != nil && len(s.States) != len(s.Series) {
			return 0, s.fail("%d rows of states for %d series", len(s.States), len(s.Series))
		}
		if s.Remarks != nil && len(s.Remarks) != len(s.Series) {
			return 0, s.fail("%d rows of remarks for %d series", len(s.Remarks), len(s.Series))
		}
		for i, row := range slices.Concat(s.States, s.Remarks) {
			if len(row) != n {
				return 0, s.fail("series %q has %d states or remarks for %d %s", s.Series[i%len(s.Series)].Name, len(row), n, of)
			}
		}
		if s.States != nil { // values are not read, and may be left out
			if len(s.Series) == 0 {
				return 0, nil
			}
			return n, nil
		}
	default:
		return 0, s.fail("no such kind of chart; there are %v", Kinds())
	}
	for _, one := range s.Series {
		if len(one.Values) != n {
			return 0, s.fail("series %q has %d values for %d %s", one.Name, len(one.Values), n, of)
		}
	}
	if len(s.Series) == 0 {
		return 0, nil
	}
	return n, nil
}

// size takes the kind's default where a side is not given, and holds it where text and marks still fit.
func (s *Spec) size(rows int) {
	w, h := 580, 280
	switch s.Kind {
	case Area:
		w, h = 1200, 320
	case Pie, Donut:
		w, h = 320, 240
	case Spark:
		w, h = 160, 40
	case HBar:
		h = min(max(rows, 3), mostHBars)*36*max(len(s.Series), 1) + padTop + padBottom + axisRoom
		h = min(h, 1600)
	case Heatmap:
		h = min(max(len(s.Series), 3), mostRows)*28 + padTop + padBottom + axisRoom
	case Flow:
		h = 320
	case Graph:
		s.Width = min(max(cmp.Or(s.Width, 1200), minWidth), maxSide)
		h = s.graphHeight()
		s.Height = max(s.Height, h) // less would cut boxes
	}
	if s.Width > 0 && s.Width <= 480 && s.Kind != Spark && s.Kind != HBar && s.Kind != Heatmap && s.Kind != Flow && s.Kind != Graph {
		h = min(h, 240)
	}
	if s.Width == 0 {
		s.Width = w
	}
	if s.Height == 0 {
		s.Height = h
	}
	least, low := minWidth, minHeight
	if s.Kind == Spark {
		least, low = 20, 12
	}
	s.Width = min(max(s.Width, least), maxSide)
	s.Height = min(max(s.Height, low), maxSide)
}

// Values no chart can show are far from any amount: larger ones overflow in sums and spans, smaller ones, which are taken
// as zero, when a span is divided by ten ticks.
const (
	largestValue  = 1e200
	smallestValue = 1e-200
)

// finite returns a column with gaps in place of infinite values.
func (s Spec) finite(name string, in []float64) ([]float64, error) {
	out := in
	for i, v := range in {
		clean := v
		switch {
		case math.IsInf(v, 0):
			clean = math.NaN()
		case math.Abs(v) > largestValue:
			return nil, s.fail("value %d of %q is %g, more than a chart can show", i, name, v)
		case v != 0 && math.Abs(v) < smallestValue:
			clean = 0
		default:
			continue
		}
		if &out[0] == &in[0] {
			out = slices.Clone(in)
		}
		out[i] = clean
	}
	return out, nil
}
