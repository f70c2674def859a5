package chart

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"

	gochart "github.com/wcharczuk/go-chart/v2"
)

const (
	hole       = 0.66 // radius of a donut's hole, as a part of its radius
	sideLabel  = 50   // px left and right of the circle for percentages
	roofLabel  = 20   // px above and below it
	leastShare = 0.03 // smaller slices get no percentage beside them
)

// slice is one sector.
type slice struct {
	name  string
	slot  int
	value float64
	from  float64 // where it begins, as a part of the whole, clockwise from twelve o'clock
	share float64 // 0 to 1
}

// sectors prepares the sectors of a pie: values of zero and gaps leave none, the smallest past six are grouped.
// The total is zero when there is nothing but zeros.
func (s Spec) sectors() (out []slice, total float64, err error) {
	known := false
	for i, v := range s.Series[0].Values {
		if math.IsNaN(v) {
			continue
		}
		known = true
		if v < 0 {
			return nil, 0, s.fail("%q is %s: a part of a whole cannot be below zero; draw it as bars", s.Labels[i], s.FormatY(v))
		}
		if v == 0 {
			continue
		}
		slot := i
		if s.ColorBy != nil {
			slot = s.ColorBy[i]
		} else if len(s.Labels) > colours {
			slot = len(out) // by rank is all there is: the first six of a long list
		}
		out = append(out, slice{name: s.Labels[i], slot: slot, value: v})
		total += v
	}
	if !known {
		return nil, 0, ErrEmpty
	}
	out = groupSlices(out)
	ls := make([]layer, len(out))
	for i := range out {
		ls[i].slot = out[i].slot
	}
	distinct(ls)
	from := 0.0
	for i := range out {
		out[i].slot = ls[i].slot
		out[i].share = out[i].value / total
		out[i].from = from
		from += out[i].share
	}
	return out, total, nil
}

// groupSlices keeps the six largest in their order and adds the rest as one.
func groupSlices(in []slice) []slice {
	if len(in) <= colours {
		return in
	}
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(in[b].value, in[a].value) })
	kept := order[:colours]
	var out []slice
	other := slice{slot: Other}
	for i, sl := range in {
		if slices.Contains(kept, i) {
			out = append(out, sl)
			continue
		}
		other.value += sl.value
		other.name = sl.name
	}
	if n := len(in) - colours; n > 1 {
		other.name = "Other (" + strconv.Itoa(n) + ")"
	}
	return append(out, other)
}

// drawPie draws sectors through go-chart's PieChart, which our renderer turns into rings for a donut. A whole of zero is
// an empty ring.
func (s Spec) drawPie(r *renderer) error {
	parts, total, err := s.sectors()
	if err != nil {
		return err
	}
	if s.Kind == Donut {
		r.inner = hole
	}
	side, roof := sideLabel, roofLabel
	c := gochart.PieChart{
		Width: r.w, Height: r.h, DPI: 72, ColorPalette: palette{},
		Background: gochart.Style{Padding: gochart.Box{IsSet: true, Top: roof, Bottom: roof, Left: side, Right: side}},
	}
	for i, p := range parts {
		c.Values = append(c.Values, gochart.Value{Value: p.share, Style: gochart.Style{
			ClassName: classSlice + strconv.Itoa(i), FillColor: token(tokenSlice), StrokeWidth: 1,
		}})
	}
	r.slice = func(i int) (mark, float64, float64) {
		p := parts[i]
		return mark{
			class: class('f', p.slot) + " slice",
			tip:   named(p.name, s.FormatY(p.value)+" ("+percent(p.share)+")"),
		}, p.from, p.share
	}
	if total == 0 {
		c.Values = []gochart.Value{{Value: 1}}
		r.slice = func(int) (mark, float64, float64) { return mark{class: "hollow", tip: s.FormatY(0)}, 0, 1 }
	}
	c.Elements = []gochart.Renderable{func(_ gochart.Renderer, b gochart.Box, _ gochart.Style) {
		x, y := b.Center()
		radius := float64(min(b.Width(), b.Height()) >> 1)
		r.shares(parts, float64(x), float64(y), radius)
		if s.Kind == Donut {
			r.center(s, float64(x), float64(y), radius*hole)
		}
	}}
	return c.Render(r.provider, io.Discard)
}

// shares writes the percentage of each slice that is large enough beside it.
func (r *renderer) shares(parts []slice, x, y, radius float64) {
	if len(parts) < 2 {
		return
	}
	for _, p := range parts {
		middle := 2 * math.Pi * (p.from + p.share/2)
		if p.share < leastShare {
			continue
		}
		sin, cos := math.Sin(middle), math.Cos(middle)
		anchor := "middle"
		switch {
		case sin > 0.3:
			anchor = "start"
		case sin < -0.3:
			anchor = "end"
		}
		// Down by half a letter, so that the label's middle, not its foot, lies on the ray.
		r.label(x+(radius+6)*sin, y-(radius+9)*cos+capHeight/2, anchor, percent(p.share), mark{class: "value"})
	}
}

// center writes the number of a donut and the words below it.
func (r *renderer) center(s Spec, x, y, radius float64) {
	room := 2*radius - 16
	if s.Center == "" {
		return
	}
	size, class := tallSize, "number"
	if width(s.Center, size) > room {
		size, class = boldSize, "value"
	}
	number, note := cut(s.Center, size, room), cut(s.CenterNote, textSize, room*0.9)
	low := y + numberSize*0.36
	if note != "" {
		low -= 8
	}
	full := ""
	if number != s.Center {
		full = s.Center
	}
	r.sized(x, low, "middle", number, size, mark{class: class, tip: full})
	r.label(x, low+19, "middle", note, mark{class: "note"})
}
