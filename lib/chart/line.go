package chart

import (
	"math"
	"strconv"
)

// drawLine draws one line per series. The axis starts at zero where that costs less than half of the height, and for
// one series the room below is washed then and its last value is written beside it. Gaps break a line; a point between
// two gaps is a dot.
func (s Spec) drawLine(r *renderer) error {
	s, lost := s.positive()
	t, err := s.timeline()
	if err != nil {
		return err
	}
	var columns [][]float64
	last, count := 0.0, 0
	for _, trace := range t.traces {
		column := make([]float64, len(trace))
		for i, p := range trace {
			column[i] = p.y
			last = max(last, p.x)
			if !math.IsNaN(p.y) {
				count++
			}
		}
		columns = append(columns, column)
	}
	lo, hi, whole, _ := extent(columns...)
	y := s.lineScale(lo, hi, whole)
	y.cutLabels(float64(s.Width) / 4)
	alone := len(t.layers) == 1
	dots := count <= 10 // few enough to see, and to name
	if alone && !y.log {
		y.headroom(hi, 20, s.plotHeight())
	}
	x := times(t.zero, 0, last, s.ticksTime(), t.step)
	if last == 0 {
		x = times(t.zero, -t.step, t.step, s.ticksTime(), t.step)
	}
	return plot{x: x, y: y, gridY: true, draw: func(c *canvas) {
		if !y.log && y.lo <= 0 && y.hi >= 0 {
			c.zeroLine()
		}
		c.within(t, func() {
			if alone && !y.log && y.lo == 0 {
				c.path(c.wash(t.traces[0]), mark{class: class('f', t.layers[0].slot) + " wash"})
			}
			for i := len(t.layers) - 1; i >= 0; i-- { // the first, which is the main one, on top
				l := t.layers[i]
				c.path(c.stroke(t.traces[i]), mark{class: class('s', l.slot) + " line"})
				if l.slot != Other || len(t.layers) <= colours+1 {
					shape := circle
					if !alone {
						shape = markerOf(l.slot) // as in the legend, so that colour is not all that tells lines apart
					}
					c.dots(t.traces[i], shape, class('f', l.slot), dots)
				}
			}
			c.bands(t, c.between(t), func(i int) windowTip { return s.tip(t, i, false) })
		})
		if alone {
			c.endLabels(s, t.traces[0], dots)
		}
		note := t.note(true)
		if hidden := len(s.Series) - len(t.layers); hidden > 0 {
			note = joined(note, strconv.Itoa(len(t.layers))+" of "+strconv.Itoa(len(s.Series))+" lines")
		}
		c.note(joined(note, lost))
	}}.render(r)
}

// lineScale is the value axis of lines.
func (s Spec) lineScale(lo, hi float64, whole bool) *scale {
	if s.LogY {
		return logarithmic(lo, hi, s.ticksY(), s.AxisY)
	}
	switch {
	case lo >= 0 && lo < hi/2:
		lo = 0
	case hi <= 0 && hi > lo/2:
		hi = 0
	}
	return number(lo, hi, whole, s.ticksY(), s.AxisY)
}

// stroke is the path of a line, with a new start after each gap.
func (c *canvas) stroke(trace []point) []byte {
	var d []byte
	open, steps := false, 0
	end := func() {
		if open && steps == 1 {
			d = append(d, "h0"...) // a round cap makes a dot of it
		}
		open, steps = false, 0
	}
	for _, p := range trace {
		if math.IsNaN(p.y) {
			end()
			continue
		}
		op := byte('L')
		if !open {
			op, open = 'M', true
		}
		d = c.to(d, op, c.x(p.x), c.y(p.y))
		steps++
	}
	end()
	return d
}

// wash is the area between a line and the bottom.
func (c *canvas) wash(trace []point) []byte {
	var d []byte
	open, start := false, 0.0
	end := func(x float64) {
		if open {
			d = c.to(d, 'L', x, c.bottom)
			d = c.to(d, 'L', start, c.bottom)
			d = append(d, 'Z')
		}
		open = false
	}
	x := 0.0
	for _, p := range trace {
		if math.IsNaN(p.y) {
			end(x)
			continue
		}
		x = c.x(p.x)
		op := byte('L')
		if !open {
			op, open, start = 'M', true, x
		}
		d = c.to(d, op, x, c.y(p.y))
	}
	end(x)
	return d
}

// dots marks the flagged points, points that stand alone, the last one, and with all set every one.
func (c *canvas) dots(trace []point, k marker, fill string, all bool) {
	for i, p := range trace {
		if math.IsNaN(p.y) {
			continue
		}
		alone := (i == 0 || math.IsNaN(trace[i-1].y)) && (i == len(trace)-1 || math.IsNaN(trace[i+1].y))
		switch {
		case p.flagged:
			c.shape(diamond, c.x(p.x), c.y(p.y), 4.5, mark{class: "fbad dot"})
		case all || alone || i == len(trace)-1:
			c.shape(k, c.x(p.x), c.y(p.y), 3.5, mark{class: fill + " dot"})
		}
	}
}

// endLabels writes the last value of a lone line above or below it, whichever the line leaves free; with all set, every
// value that has the room.
func (c *canvas) endLabels(s Spec, trace []point, all bool) {
	free := math.Inf(1) // left edge of the label to the right
	for i := len(trace) - 1; i >= 0; i-- {
		p := trace[i]
		if math.IsNaN(p.y) {
			continue
		}
		text := s.short(p.y)
		w := width(text, boldSize)
		x := c.x(p.x)
		// The label lies over the points of the line from its left edge on, so their highest decides.
		left := min(x-w/2, float64(c.w)-w-1)
		high := c.y(p.y)
		for j := max(i-1, 0); j < len(trace); j++ {
			if q := trace[j]; !math.IsNaN(q.y) && c.x(q.x) <= left+w {
				high = min(high, c.y(q.y))
			}
		}
		for j := i - 1; j >= 0 && c.x(trace[j].x) >= left; j-- {
			if q := trace[j]; !math.IsNaN(q.y) {
				high = min(high, c.y(q.y))
			}
		}
		if left+w < free {
			c.label(x, high-9, "middle", text, mark{class: "value"})
			free = left - 6
		}
		if !all {
			return
		}
	}
}
