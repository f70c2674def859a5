package chart

import "math"

// drawHBar draws bars that lie, the first label on top, with their values beside them. Names get up to two fifths of the
// width.
func (s Spec) drawHBar(r *renderer) error {
	cs, err := s.categories(mostHBars)
	if err != nil {
		return err
	}
	labels := make([]tickLabel, len(cs.labels))
	for i, name := range cs.labels {
		labels[i].text = name
	}
	y := slots(labels, true)
	y.cutLabels(min(float64(s.Width)*0.4, 260))

	lo, hi, whole := cs.extent()
	inside := s.plotWidth(y.widest())
	n, sets := len(cs.labels), len(cs.layers)
	valued := s.plotHeight()/float64(n*sets) >= capHeight+4
	for _, l := range cs.layers {
		for _, v := range l.values {
			valued = valued && (math.IsNaN(v) || width(s.short(v), boldSize) < inside*0.45)
		}
	}
	axis := func(most int) *scale {
		x := number(lo, hi, whole, most, s.AxisY)
		if valued {
			for _, l := range cs.layers {
				s.roomBeside(x, l.values, inside)
			}
		}
		return x
	}
	x := axis(s.ticksX())
	for most := s.ticksX() - 1; most >= 2 && x.crowded(inside); most-- {
		x = axis(most)
	}
	x.cutLabels(inside / 3)

	return plot{x: x, y: y, gridX: true, draw: func(c *canvas) {
		slot := (c.bottom - c.top) / float64(n)
		h := min(slot*0.68, 34*float64(sets))
		each := h / float64(sets)
		for l := range cs.layers {
			for i, v := range cs.layers[l].values {
				if math.IsNaN(v) {
					continue
				}
				top := c.y(float64(n-i)-0.5) - h/2 + each*float64(l)
				c.path(c.lying(top+0.5, max(each-1, 1), v), s.look(cs, l, i))
				if !valued {
					continue
				}
				at, anchor := c.x(v)+beside, "start"
				if v < 0 {
					at, anchor = c.x(v)-beside, "end"
				}
				c.label(at, top+each/2+capHeight/2, anchor, s.short(v), mark{class: s.valueLook(cs, l, i)})
			}
		}
		c.zeroLineX()
		c.note(cs.note)
	}}.render(r)
}

const beside = 7 // px between a bar and its value

// lying is a bar from zero to v whose far corners are round.
func (c *canvas) lying(y, h, v float64) []byte {
	x0, x1 := c.x(0), c.x(v)
	k := min(3, h/2, math.Abs(x1-x0))
	side := k
	if x1 < x0 {
		k = -k
	}
	d := c.to(nil, 'M', x0, y)
	d = c.num(append(d, 'H'), x1-k)
	d = c.bend(d, k, 0, k, side)
	d = c.num(append(d, 'v'), h-2*side)
	d = c.bend(d, 0, side, -k, side)
	d = c.num(append(d, 'H'), x0)
	return append(d, 'Z')
}

// roomBeside widens the scale of lying bars so that their values fit beside them.
func (s Spec) roomBeside(x *scale, values []float64, length float64) {
	for _, v := range values {
		w := width(s.short(v), boldSize)
		switch {
		case v >= 0: // the label may reach into the padding
			x.headroom(v, w+beside-padRight+2, length)
		case v < 0:
			x.footroom(v, w+beside, length)
		}
	}
}

// crowded says that the labels of a horizontal axis of a length would touch.
func (s *scale) crowded(length float64) bool {
	if len(s.ticks) < 2 {
		return false
	}
	for i := 1; i < len(s.ticks); i++ {
		if s.widest()+14 > (s.part(s.ticks[i].at)-s.part(s.ticks[i-1].at))*length {
			return true
		}
	}
	return false
}
