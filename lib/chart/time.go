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

// within draws what lies on the time axis into an svg of its own, which says in data-t what time its sides are, in seconds
// since 1970, and where it lies. A page's script narrows the chart to a range by its viewBox alone.
func (c *canvas) within(t *timeline, draw func()) {
	side := func(v float64) string {
		return strconv.FormatFloat(float64(t.zero.Unix())+float64(t.zero.Nanosecond())/1e9+v, 'f', -1, 64)
	}
	box := [4]float64{c.left, c.top, c.right - c.left, c.bottom - c.top}
	c.raw(`<svg class="plot"`)
	var view []byte
	for i, name := range []string{"x", "y", "width", "height"} {
		c.raw(" " + name + `="`)
		c.out = c.num(c.out, box[i])
		c.raw(`"`)
		view = append(c.num(view, box[i]), ' ')
	}
	c.raw(` viewBox="` + strings.TrimSpace(string(view)) + `" preserveAspectRatio="none" data-t="` + side(c.xs.lo) + " " + side(c.xs.hi) + " " + strings.TrimSpace(string(view)) + `">`)
	draw()
	c.raw(`</svg>`)
}

// bands writes one see-through column per window that carries its tooltip. edges gives its sides in px. Where tooltips
// are data alone, the names of their lines stand once, in data-names of the group, and each tooltip has the values.
func (c *canvas) bands(t *timeline, edges func(i int) (from, to float64), tip func(i int) windowTip) {
	if c.tips == TipsNone {
		return
	}
	c.raw(`<g class="bands"`)
	once := c.tips == TipsData
	if once {
		c.raw(` data-names="` + escape(tip(0).names()) + `"`)
	}
	c.raw(`>`)
	for i := range t.windows {
		from, to := edges(i)
		from, to = min(max(from, c.left), c.right), min(max(to, c.left), c.right)
		c.path(c.box(nil, from, c.top, to-from, c.bottom-c.top), mark{tip: tip(i).text(!once)})
	}
	c.raw(`</g>`)
}

// windowTip is the tooltip of a window: what it is, and lines of a name and a value, of the same names for each window.
type windowTip struct {
	head  string
	lines [][2]string
}

func (w *windowTip) add(name, value string) { w.lines = append(w.lines, [2]string{name, value}) }

// text is the tooltip with its names, or only with the values.
func (w windowTip) text(names bool) string {
	var b strings.Builder
	b.WriteString(w.head)
	for _, l := range w.lines {
		b.WriteByte('\n')
		if names && l[0] != "" {
			b.WriteString(isolate(l[0]))
			b.WriteString(": ")
		}
		b.WriteString(l[1])
	}
	return b.String()
}

// names is what stands before the value of each line.
func (w windowTip) names() string {
	var out []string
	for _, l := range w.lines {
		name := strings.ReplaceAll(l[0], "\n", " ")
		if name != "" {
			name = isolate(name) + ": "
		}
		out = append(out, name)
	}
	return strings.Join(out, "\n")
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
func (s Spec) tip(t *timeline, i int, stacked bool) windowTip {
	w := windowTip{head: t.name(i), lines: make([][2]string, 0, min(len(t.layers), colours)+2)}
	if t.windows[i].flagged {
		w.head += " · anomaly"
	}
	if len(t.layers) == 1 {
		w.add(t.layers[0].name, s.value(t.layers[0].values[i]))
		return w
	}
	if stacked {
		total := 0.0
		for _, l := range t.layers {
			if v := l.values[i]; v == v {
				total += v
			}
		}
		w.add("Total", s.value(total))
	}
	others := 0
	for k := len(t.layers) - 1; k >= 0; k-- {
		l := t.layers[k]
		if crowd := len(t.layers) > colours+1; crowd && l.slot == Other {
			others++
			continue
		}
		w.add(l.name, s.value(l.values[i]))
	}
	if others > 0 {
		w.add("", "and "+strconv.Itoa(others)+" more")
	}
	return w
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
