package chart

import (
	"math"
	"slices"
)

// drawArea stacks the series over time. Values above zero pile up from it, values below pile down, so that a negative
// one never hides another. A window with no value at all is a hole, and so is a stretch without windows of more than
// three times their usual distance.
func (s Spec) drawArea(r *renderer) error {
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

	last := t.x(len(t.windows) - 1)
	x := times(t.zero, 0, last, s.ticksTime(), t.step)
	if last == 0 { // one window alone
		x = times(t.zero, -t.step, t.step, s.ticksTime(), t.step)
	}
	runs := t.runs()
	return plot{x: x, y: y, gridY: true, draw: func(c *canvas) {
		c.within(t, func() {
			for i, l := range t.layers {
				var d []byte
				for _, run := range runs {
					d = c.strip(d, t, run, up, i)
					d = c.strip(d, t, run, down, i)
				}
				c.path(d, mark{class: class('f', l.slot) + " area"})
			}
			c.bands(t, c.between(t), func(i int) windowTip { return s.tip(t, i, true) })
		})
		c.zeroLine()
		c.note(t.note(false))
	}}.render(r)
}

// stack holds the edges between layers: level[0] is zero, level[i+1] the top of layer i.
type stack struct{ level [][]float64 }

func newStack(t *timeline) *stack { return &stack{[][]float64{make([]float64, len(t.windows))}} }

func (s *stack) top() []float64 { return s.level[len(s.level)-1] }

// add piles up the values of one sign.
func (s *stack) add(values []float64, sign float64) {
	next := slices.Clone(s.top())
	for i, v := range values {
		if v*sign > 0 { // never so for a gap
			next[i] += v
		}
	}
	s.level = append(s.level, next)
}

// strip appends the outline of a layer over the windows of a run, if it has any height there. A run of one window is
// drawn as a column, because a strip without width is not seen.
func (c *canvas) strip(d []byte, t *timeline, run [2]int, s *stack, layer int) []byte {
	base, top := s.level[layer], s.level[layer+1]
	if slices.Equal(base[run[0]:run[1]], top[run[0]:run[1]]) {
		return d
	}
	if run[1]-run[0] == 1 {
		i := run[0]
		x, half := c.x(t.x(i)), min(max(t.step/(c.xs.hi-c.xs.lo)*(c.right-c.left)*0.4, 1), 24)
		from, to := max(x-half, c.left), min(x+half, c.right)
		return c.box(d, from, c.y(top[i]), to-from, c.y(base[i])-c.y(top[i]))
	}
	op := byte('M')
	for i := run[0]; i < run[1]; i++ {
		d = c.to(d, op, c.x(t.x(i)), c.y(top[i]))
		op = 'L'
	}
	for i := run[1] - 1; i >= run[0]; i-- {
		d = c.to(d, 'L', c.x(t.x(i)), c.y(base[i]))
	}
	return append(d, 'Z')
}

// runs are the stretches of windows [from, to) without a hole.
func (t *timeline) runs() [][2]int {
	gaps := make([]float64, 0, len(t.windows))
	for i := 1; i < len(t.windows); i++ {
		gaps = append(gaps, t.x(i)-t.x(i-1))
	}
	slices.Sort(gaps)
	longest := math.Inf(1)
	if len(gaps) > 2 {
		longest = 3 * gaps[len(gaps)/2]
	}
	var out [][2]int
	for i := range t.windows {
		known := slices.ContainsFunc(t.layers, func(l layer) bool { return !math.IsNaN(l.values[i]) })
		switch n := len(out); {
		case !known:
		case n > 0 && out[n-1][1] == i && t.x(i)-t.x(i-1) <= longest:
			out[n-1][1] = i + 1
		default:
			out = append(out, [2]int{i, i + 1})
		}
	}
	return out
}
