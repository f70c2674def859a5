package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Summary says in one sentence what a chart shows, its main number first: for a reader who cannot see it, and for one in
// a hurry.
func Summary(s Spec) (sentence string) {
	title := s.Title
	defer func() {
		if recover() != nil {
			sentence = titled(title, "cannot be summed up")
		}
	}()
	s, err := s.ready()
	if err != nil {
		return titled(title, ErrEmpty.Error())
	}
	return s.summary()
}

func titled(title, rest string) string {
	if title == "" {
		return strings.ToUpper(rest[:1]) + rest[1:] + "."
	}
	return title + ": " + rest + "."
}

func (s Spec) summary() string {
	text := ErrEmpty.Error()
	switch s.Kind {
	case Area, TimeBars, Line:
		if t, err := s.timeline(); err == nil {
			text = s.overTime(t)
		}
	case Bars, HBar:
		text = s.ranking()
	case Pie, Donut:
		if parts, total, err := s.sectors(); err == nil {
			text = s.parts(parts, total)
		}
	case Scatter:
		if c, err := s.cloud(); err == nil {
			text = c.sizes()
		}
	case Histogram:
		if b, err := s.bin(); err == nil {
			text = b.summary(s)
		}
	case Heatmap:
		if h, err := s.raster(); err == nil {
			text = h.summary(s)
		}
	case Flow:
		if f, err := s.flow(); err == nil {
			text = f.summary(s)
		}
	case Graph:
		if g, err := s.graph(); err == nil {
			text = g.summary(s)
		}
	case Spark:
		values := s.Series[0].Values
		if lo, hi, _, ok := extent(values); ok {
			last := lastOf(values)
			text = "latest " + s.FormatY(values[last]) + ", between " + s.FormatY(lo) + " and " + s.FormatY(hi)
		}
	}
	return titled(s.Title, text)
}

// overTime sums up a time chart: a total for what adds up, the latest value for lines.
func (s Spec) overTime(t *timeline) string {
	n := len(t.windows)
	span := " from " + t.name(0) + " to " + t.name(n-1)
	if n == 1 {
		span = " at " + t.name(0)
	}
	sums := make([]float64, n)
	parts := make([]float64, len(t.layers))
	for k, l := range t.layers {
		for i, v := range l.values {
			if !math.IsNaN(v) {
				sums[i] += v
				parts[k] += v
			}
		}
	}
	if s.Kind == Line {
		var latest []string
		for _, l := range t.layers[:min(len(t.layers), colours)] {
			if i := lastOf(l.values); i >= 0 {
				latest = append(latest, named(l.name, s.FormatY(l.values[i])))
			}
		}
		text := "latest " + strings.Join(latest, ", ")
		if len(t.layers) == 1 {
			lo, hi, _, _ := extent(t.layers[0].values)
			text += ", between " + s.FormatY(lo) + " and " + s.FormatY(hi)
		}
		return text + span + s.marked()
	}
	total, peak, top := 0.0, 0, 0
	for i, v := range sums {
		total += v
		if v > sums[peak] {
			peak = i
		}
	}
	text := s.FormatY(total) + " in total" + span
	if n > 1 {
		text += ", highest " + s.FormatY(sums[peak]) + " at " + t.name(peak)
	}
	for k, v := range parts {
		if v > parts[top] {
			top = k
		}
	}
	if len(parts) > 1 && slices.Min(parts) >= 0 && total > 0 {
		text += ", most of it " + isolate(t.layers[top].name) + " with " + percent(parts[top]/total)
	}
	return text + s.marked()
}

// marked counts the flagged windows.
func (s Spec) marked() string {
	n := 0
	for _, f := range s.Flags {
		if f {
			n++
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 anomaly"
	}
	return ", " + strconv.Itoa(n) + " anomalies"
}

// ranking sums up bars: the first two and the last.
func (s Spec) ranking() string {
	type bar struct {
		name  string
		value float64
	}
	var bars []bar
	for _, one := range s.Series {
		for i, v := range one.Values {
			if math.IsNaN(v) {
				continue
			}
			name := s.Labels[i]
			if len(s.Series) > 1 {
				name += " " + one.Name
			}
			bars = append(bars, bar{isolate(name), v})
		}
	}
	if len(bars) == 0 {
		return ErrEmpty.Error()
	}
	slices.SortStableFunc(bars, func(a, b bar) int { return cmp.Compare(b.value, a.value) })
	text := bars[0].name + " is highest with " + s.FormatY(bars[0].value)
	if n := len(bars); n > 1 {
		text += ", " + bars[n-1].name + " lowest with " + s.FormatY(bars[n-1].value) + ", of " + Grouped(float64(n))
	}
	return text
}

func (s Spec) parts(in []slice, total float64) string {
	if total == 0 {
		return s.FormatY(0) + " in total"
	}
	top := 0
	for i, p := range in {
		if p.value > in[top].value {
			top = i
		}
	}
	return s.FormatY(total) + " in total, most of it " + isolate(in[top].name) + " with " + percent(in[top].share) +
		", in " + count(len(in), "part")
}

func (c cloud) sizes() string {
	n := make([]int, len(c.groups))
	for _, p := range c.points {
		n[p.group]++
	}
	var sizes []string
	for i, g := range c.groups {
		if g.name != "" {
			sizes = append(sizes, isolate(g.name)+" "+Grouped(float64(n[i])))
		}
	}
	text := count(len(c.points), "point")
	if len(sizes) > 0 {
		text += ": " + strings.Join(sizes, ", ")
	}
	return text
}

func count(n int, of string) string { return countOf(float64(n), of) }

func countOf(n float64, of string) string {
	if n != 1 {
		of += "s"
	}
	return Grouped(n) + " " + of
}

// lastOf is the index of the last value that is not a gap, -1 without one.
func lastOf(values []float64) int {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return i
		}
	}
	return -1
}
