package chart

import (
	"math"
	"slices"
)

const mostBins = 60

// bins is a histogram: count[i] values in [edge[i], edge[i+1]), the last bin with its upper edge.
type bins struct {
	edge, count []float64
	single      bool // every bin is one whole number
	log         bool
	total, lost float64 // values counted, and those a logarithmic scale has no place for
	low, high   float64 // the smallest and the largest value
	median      float64 // the smallest value that half of the values do not exceed
}

type weighed struct{ value, weight float64 }

// bin sorts the values into bins whose edges are round numbers, about as many as asked for, or as Freedman and Diaconis
// (1981) advise: bins of twice the middle half's width over the cube root of the count.
func (s Spec) bin() (bins, error) {
	b := bins{log: s.LogX}
	var all []weighed
	for i, v := range s.Series[0].Values {
		w := 1.0
		if s.Weights != nil {
			w = s.Weights[i]
		}
		switch {
		case math.IsNaN(v) || math.IsNaN(w) || w == 0:
		case w < 0:
			return b, s.fail("value %d is counted %s times: a count cannot be below zero", i, Grouped(w))
		case b.log && v <= 0:
			b.lost += w
		default:
			all = append(all, weighed{v, w})
			b.total += w
		}
	}
	if len(all) == 0 {
		return b, ErrEmpty
	}
	slices.SortFunc(all, func(x, y weighed) int {
		switch {
		case x.value < y.value:
			return -1
		case x.value > y.value:
			return 1
		}
		return 0
	})
	b.low, b.high, b.median = all[0].value, all[len(all)-1].value, quantile(all, b.total, 0.5)
	whole := !b.log && !slices.ContainsFunc(all, func(w weighed) bool { return w.value != math.Trunc(w.value) })
	at := func(v float64) float64 { return v }
	back := at
	if b.log {
		at, back = math.Log10, func(v float64) float64 { return math.Pow(10, v) }
	}
	lo, hi := at(b.low), at(b.high)
	want := float64(s.Bins)
	if want <= 0 {
		spread := at(quantile(all, b.total, 0.75)) - at(quantile(all, b.total, 0.25))
		want = math.Ceil((hi - lo) / (2 * spread) * math.Cbrt(b.total))
		if spread == 0 || math.IsNaN(want) { // Sturges (1926)
			want = math.Ceil(math.Log2(b.total)) + 1
		}
		want = max(want, 5)
		want = min(want, 40)
	}
	most := float64(mostBins)
	if s.narrow() {
		most = 24
	}
	want = min(max(want, 1), most)
	step := binStep(lo, hi, want, whole)
	first := math.Floor(lo/step + 1e-9)
	n := int(math.Floor(hi/step+1e-9)-first) + 1
	b.single = whole && step == 1
	if n > 1 && !b.single && math.Abs((first+float64(n-1))*step-hi) <= 1e-9*math.Abs(step) {
		n-- // the largest value lies on an edge: it belongs to the bin below
	}
	for i := range n + 1 {
		b.edge = append(b.edge, back((first+float64(i))*step))
	}
	b.count = make([]float64, n)
	for _, w := range all {
		i := int(math.Floor(at(w.value)/step+1e-9) - first)
		b.count[max(0, min(i, n-1))] += w.weight
	}
	return b, nil
}

// binStep is the round width nearest to what is wanted.
func binStep(lo, hi, want float64, whole bool) float64 {
	if size := max(math.Abs(lo), math.Abs(hi)); hi-lo <= 1e-9*size || hi-lo < 1e-250 { // all equal: one bin around them
		if whole && size < 1e15 {
			return 1
		}
		return math.Pow(10, math.Ceil(math.Log10(max(size, 1e-12))))
	}
	raw := (hi - lo) / want
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	best, distance := 0.0, math.Inf(1)
	for _, k := range []float64{1, 2, 2.5, 5, 10} {
		step := k * power
		if whole {
			step = max(1, math.Round(step))
		}
		if d := math.Abs(math.Log(step / raw)); d < distance && (hi-lo)/step <= mostBins {
			best, distance = step, d
		}
	}
	if best == 0 {
		best = 10 * power
	}
	return best
}

// quantile is the smallest value that a part of all values does not exceed.
func quantile(sorted []weighed, total, part float64) float64 {
	seen := 0.0
	for _, w := range sorted {
		if seen += w.weight; seen >= total*part {
			return w.value
		}
	}
	return sorted[len(sorted)-1].value
}

// name is what a bin holds, in words.
func (b bins) name(s Spec, i int) string {
	if b.single {
		return s.FormatX(b.edge[i])
	}
	return s.FormatX(b.edge[i]) + " to " + s.FormatX(b.edge[i+1])
}

// drawHistogram draws a column per bin, shoulder to shoulder, and a line at the median.
func (s Spec) drawHistogram(r *renderer) error {
	b, err := s.bin()
	if err != nil {
		return err
	}
	n := len(b.count)
	y := number(0, slices.Max(b.count), true, s.ticksY(), s.AxisY)
	y.cutLabels(float64(s.Width) / 4)
	y.headroom(slices.Max(b.count), 18, s.plotHeight())
	x := s.binScale(b, s.plotWidth(y.widest()))
	slot := s.Series[0].Color
	return plot{x: x, y: y, gridY: true, draw: func(c *canvas) {
		var d []byte
		for i, v := range b.count {
			from, to := c.x(b.edge[i]), c.x(b.edge[i+1])
			gap := 0.0
			if to-from > 1.4 {
				gap = 0.5
			}
			if v > 0 {
				d = append(d, c.upright(from+gap, to-from-2*gap, v)...)
			}
		}
		c.path(d, mark{class: class('f', slot) + " bar"})
		c.zeroLine()
		c.median(s, b)
		note := ""
		if b.lost > 0 {
			note = logNote(b.lost)
		}
		c.note(note)
		if c.tips == TipsNone {
			return
		}
		c.raw(`<g class="bands">`)
		for i := range n {
			from, to := c.x(b.edge[i]), c.x(b.edge[i+1])
			tip := b.name(s, i) + "\n" + named(s.Series[0].Name, s.value(b.count[i])+" ("+percent(b.count[i]/b.total)+")")
			c.path(c.box(nil, from, c.top, to-from, c.bottom-c.top), mark{tip: tip})
		}
		c.raw(`</g>`)
	}}.render(r)
}

// binScale lies from the first edge to the last, with round ticks; where every bin is one number, ticks stand in the
// middle of bins.
func (s Spec) binScale(b bins, inside float64) *scale {
	first, last := b.edge[0], b.edge[len(b.edge)-1]
	if len(b.count) == 1 { // as much room on both sides: a column, not a wall
		if b.log {
			first, last = first*first/last, last*last/first
		} else {
			first, last = 2*first-last, 2*last-first
		}
	}
	for most := s.ticksX() + 2; ; most-- {
		var x *scale
		if b.log {
			x = logarithmic(first, last, most, s.AxisX)
			x.lo, x.hi = math.Log10(first), math.Log10(last)
		} else {
			x = number(first, last, b.single, most, s.AxisX)
			x.lo, x.hi = first, last
		}
		half := 0.0
		if b.single {
			half = 0.5
		}
		kept := x.ticks[:0]
		for _, t := range x.ticks {
			t.at += half
			if p := x.part(t.at); p >= -1e-9 && p <= 1+1e-9 {
				kept = append(kept, t)
			}
		}
		x.ticks = kept
		if most <= 2 || !x.crowded(inside) {
			x.cutLabels(inside / 3)
			return x
		}
	}
}

// median draws a line where half of the values lie below.
func (c *canvas) median(s Spec, b bins) {
	at := b.median
	if b.single {
		at += 0.5
	}
	x := c.x(at)
	d := c.to(nil, 'M', x, c.top)
	d = append(d, 'V')
	c.path(c.num(d, c.bottom), mark{class: "s1 middle"})
	text, anchor, dx := "median "+s.FormatX(b.median), "start", 5.0
	if x > (c.left+c.right)/2 {
		anchor, dx = "end", -5
	}
	c.label(x+dx, c.top+capHeight-1, anchor, text, mark{class: "name"})
}

func (b bins) summary(s Spec) string {
	top := 0
	for i, v := range b.count {
		if v > b.count[top] {
			top = i
		}
	}
	text := countOf(b.total, "value") + " between " + s.FormatX(b.low) + " and " + s.FormatX(b.high) + ", median " + s.FormatX(b.median)
	if len(b.count) > 1 {
		text += ", most often " + b.name(s, top) + " with " + percent(b.count[top]/b.total)
	}
	return text
}
