package chart

import (
	"math"
	"strconv"
	"strings"
)

// windows limits: more are put into buckets. The cost of a window is its hover band with a tooltip, 200 to 500 bytes.
const (
	windowsWide   = 200
	windowsNarrow = 100
)

// timeline prepares the windows of a time chart.
func (s Spec) timeline() (*timeline, error) {
	lines := s.Kind == Line
	limit := windowsWide
	if s.narrow() {
		limit = windowsNarrow
	}
	ls := layers(s.Series, !lines)
	t := newTimeline(s.Times, s.Flags, ls, lines, s.Location, limit)
	for _, l := range t.layers {
		if _, _, _, ok := extent(l.values); ok {
			return t, nil
		}
	}
	return nil, ErrEmpty
}

// bands writes one see-through column per window that carries its tooltip. edges gives its sides in px.
func (c *canvas) bands(t *timeline, edges func(i int) (from, to float64), tip func(i int) string) {
	if c.tips == TipsNone {
		return
	}
	c.raw(`<g class="bands">`)
	for i := range t.windows {
		from, to := edges(i)
		from, to = min(max(from, c.left), c.right), min(max(to, c.left), c.right)
		c.path(c.box(nil, from, c.top, to-from, c.bottom-c.top), mark{tip: tip(i)})
	}
	c.raw(`</g>`)
}

// between are the edges of bands around points: half way to the neighbours.
func (c *canvas) between(t *timeline) func(i int) (float64, float64) {
	return func(i int) (from, to float64) {
		from, to = c.left, c.right
		if i > 0 {
			from = c.x((t.x(i-1) + t.x(i)) / 2)
		}
		if i < len(t.windows)-1 {
			to = c.x((t.x(i) + t.x(i+1)) / 2)
		}
		return from, to
	}
}

// tip is the text for a window: its name, the total of a stack, and every layer, the topmost first. Layers that share
// the slot Other are counted, not listed.
func (s Spec) tip(t *timeline, i int, stacked bool) string {
	var b strings.Builder
	b.WriteString(t.name(i))
	if t.windows[i].flagged {
		b.WriteString(" · anomaly")
	}
	if len(t.layers) == 1 {
		b.WriteString("\n" + named(t.layers[0].name, s.value(t.layers[0].values[i])))
		return b.String()
	}
	if stacked {
		total := 0.0
		for _, l := range t.layers {
			if v := l.values[i]; v == v {
				total += v
			}
		}
		b.WriteString("\n" + named("Total", s.value(total)))
	}
	others := 0
	for k := len(t.layers) - 1; k >= 0; k-- {
		l := t.layers[k]
		if crowd := len(t.layers) > colours+1; crowd && l.slot == Other {
			others++
			continue
		}
		b.WriteString("\n" + named(l.name, s.value(l.values[i])))
	}
	if others > 0 {
		b.WriteString("\nand " + strconv.Itoa(others) + " more")
	}
	return b.String()
}

// named is one line of a tooltip.
func named(name, value string) string {
	if name == "" {
		return value
	}
	return isolate(name) + ": " + value
}

// value prints a value in full, and says so when there is none. short is the same for labels on marks.
func (s Spec) value(v float64) string {
	if v != v {
		return "no data"
	}
	return s.FormatY(v)
}

func (s Spec) short(v float64) string {
	if s.AxisY != nil {
		return s.AxisY(v)
	}
	if math.Abs(v) < 10_000 {
		return Grouped(v)
	}
	return Compact(v)
}
