package chart

import "math"

// drawTimeBars draws one bar per window, from its start to the next; several series are stacked. Flagged windows have
// another colour and a small arrow above, so that colour is not all that tells them.
func (s Spec) drawTimeBars(r *renderer) error {
	t, err := s.timeline()
	if err != nil {
		return err
	}
	up, down := newStack(t), newStack(t)
	for _, l := range t.layers {
		up.add(l.values, 1)
		down.add(l.values, -1)
	}
	lo, hi, whole, _ := extent(up.top(), down.top(), []float64{0})
	y := number(lo, hi, whole, s.ticksY(), s.AxisY)
	y.cutLabels(float64(s.Width) / 4)
	alone := len(t.layers) == 1
	few := alone && len(t.windows) <= 10
	for i, w := range t.windows {
		if w.flagged {
			y.headroom(up.top()[i], 12, s.plotHeight())
		}
	}
	if few {
		y.headroom(hi, 30, s.plotHeight())
	}
	x := times(t.zero, 0, t.x(len(t.windows)-1)+t.step, s.ticksTime(), t.step)
	x.middle(t.step)
	return plot{x: x, y: y, gridY: true, draw: func(c *canvas) {
		edges := func(i int) (from, to float64) {
			return c.x(t.x(i)), c.x(t.x(i) + t.step)
		}
		c.within(t, func() {
			for k, l := range t.layers {
				var plain, flagged []byte
				for i, w := range t.windows {
					d := &plain
					if w.flagged && alone {
						d = &flagged
					}
					for _, st := range []*stack{up, down} {
						*d = c.column(*d, edges, i, st.level[k][i], st.level[k+1][i])
					}
				}
				look := " bar"
				if !alone {
					look = " area" // a gap between the parts of a stack
				}
				c.path(plain, mark{class: class('f', l.slot) + look})
				c.path(flagged, mark{class: "fbad bar"})
			}
			for i, w := range t.windows {
				if from, to := edges(i); w.flagged {
					c.shape(arrow, (from+to)/2, c.y(up.top()[i])-7, 4, mark{class: "fbad flag"})
				}
			}
			c.bands(t, edges, func(i int) windowTip { return s.tip(t, i, true) })
		})
		c.zeroLine()
		for i, w := range t.windows {
			from, to := edges(i)
			if top := c.y(up.top()[i]); w.flagged {
				continue
			} else if v := t.layers[0].values[i]; few && !math.IsNaN(v) && width(s.short(v), boldSize) < to-from {
				c.label((from+to)/2, top-6, "middle", s.short(v), mark{class: "value"})
			}
		}
		c.note(t.note(false))
	}}.render(r)
}

// column appends the part of a bar between two values. Bars keep a gap of up to a fifth of their window.
func (c *canvas) column(d []byte, edges func(int) (float64, float64), i int, base, top float64) []byte {
	if base == top {
		return d
	}
	from, to := edges(i)
	w := to - from
	gap := min(w*0.2, 12)
	from, w = from+gap/2, w-gap
	if w < 1 { // windows far apart: a hair line is still seen
		from, w = min(from, c.right-1), 1
	}
	y0, y1 := c.y(max(base, top)), c.y(min(base, top))
	return c.box(d, from, y0, w, y1-y0)
}

// middle moves ticks to the middle of windows of step seconds where each window has its own tick, so that the name of a
// day stands below its bar.
func (s *scale) middle(step float64) {
	if n := len(s.ticks); n > 1 && s.ticks[1].at-s.ticks[0].at > 1.1*step {
		return
	}
	for i := range s.ticks {
		s.ticks[i].at = min(s.ticks[i].at+step/2, s.hi)
	}
}
