package chart

import gochart "github.com/wcharczuk/go-chart/v2"

// drawSpark draws a line without axes over the whole width, its values evenly apart. It is stretched to the room it is
// given (see document), so nothing round is on it.
func (s Spec) drawSpark(r *renderer) error {
	values := s.Series[0].Values
	lo, hi, _, ok := extent(values)
	if !ok {
		return ErrEmpty
	}
	values = thin(values, windowsNarrow)
	if size := max(hi, -lo); hi-lo <= 1e-12*size { // flat: in the middle
		lo, hi = lo-max(size, 1), hi+max(size, 1)
	}
	trace := make([]point, len(values))
	for i, v := range values {
		trace[i] = point{x: float64(i), y: v}
	}
	if len(trace) == 1 { // one value: a level
		trace = append(trace, point{x: 1, y: trace[0].y})
	}
	p := plot{x: &scale{lo: 0, hi: float64(len(trace) - 1)}, y: &scale{lo: lo, hi: hi}, bare: true}
	p.pad = gochart.Box{Top: 3 - padTop, Right: 1 - padRight, Bottom: 3 - padBottom, Left: 1 - padLeft}
	slot := s.Series[0].Color
	p.draw = func(c *canvas) {
		c.path(c.wash(trace), mark{class: class('f', slot) + " wash"})
		c.path(c.stroke(trace), mark{class: class('s', slot) + " line"})
	}
	return p.render(r)
}

// thin keeps the lowest and the highest value of each of n/2 equal stretches, so that peaks stay.
func thin(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, 0, n)
	parts := n / 2
	for k := range parts {
		part := values[len(values)*k/parts : len(values)*(k+1)/parts]
		low, high := -1, -1
		for i, v := range part {
			if v == v && (low < 0 || v < part[low]) {
				low = i
			}
			if v == v && (high < 0 || v > part[high]) {
				high = i
			}
		}
		switch {
		case low < 0:
			out = append(out, part[0])
		case low == high:
			out = append(out, part[low])
		default:
			out = append(out, part[min(low, high)], part[max(low, high)])
		}
	}
	return out
}
