package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// How many labels a chart has room for; the rest is left out and the chart says so. The table beside it has them all.
const (
	mostBars  = 60
	mostHBars = 40
)

// categories is the labels and layers of a bar chart, cut to what fits.
type categories struct {
	labels []string
	layers []layer
	note   string
}

func (s Spec) categories(most int) (categories, error) {
	c := categories{labels: s.Labels, layers: layers(s.Series, true)}
	if n := len(c.labels); n > most {
		c.note = "first " + strconv.Itoa(most) + " of " + Grouped(float64(n))
		c.labels = c.labels[:most]
		for i := range c.layers {
			c.layers[i].values = c.layers[i].values[:most]
		}
	}
	for _, l := range c.layers {
		if _, _, _, ok := extent(l.values); ok {
			return c, nil
		}
	}
	return c, ErrEmpty
}

func (c categories) extent() (lo, hi float64, whole bool) {
	var columns [][]float64
	for _, l := range c.layers {
		columns = append(columns, l.values)
	}
	lo, hi, whole, _ = extent(append(columns, []float64{0})...)
	return lo, hi, whole
}

// barSlot is the palette slot of the bar of layer l at label i.
func (s Spec) barSlot(c categories, l, i int) int {
	if len(c.layers) == 1 && s.ColorBy != nil {
		return s.ColorBy[i]
	}
	return c.layers[l].slot
}

// look is the class and tooltip of the bar of layer l at label i.
func (s Spec) look(c categories, l, i int) mark {
	slot, name := s.barSlot(c, l, i), c.labels[i]
	if len(c.layers) > 1 {
		name += " · " + c.layers[l].name
	}
	tip := named(name, s.value(c.layers[l].values[i]))
	if i < len(s.Notes) && s.Notes[i] != "" {
		tip += "\n" + isolate(s.Notes[i])
	}
	return mark{class: class('f', slot) + " bar", tip: tip}
}

// valueLook is the class of the value of a bar: where colours mean something it names that of the bar, so that a page's
// script hides both.
func (s Spec) valueLook(c categories, l, i int) string {
	if len(c.layers) == 1 && s.ColorBy == nil {
		return "value"
	}
	return "value " + class('v', s.barSlot(c, l, i))
}

// drawBars draws columns by label; several series stand side by side. Values are written on the columns when there are
// ten or fewer and each has the room.
func (s Spec) drawBars(r *renderer) error {
	cs, err := s.categories(mostBars)
	if err != nil {
		return err
	}
	lo, hi, whole := cs.extent()
	y := number(lo, hi, whole, s.ticksY(), s.AxisY)
	y.cutLabels(float64(s.Width) / 4)
	n, sets := len(cs.labels), len(cs.layers)
	slot := s.plotWidth(y.widest()) / float64(n)
	part := 0.62 // of its slot that a column takes
	room := slot - 4
	if sets > 1 {
		part = 0.8
		room = slot * part / float64(sets)
	}
	valued := n*sets <= 10
	for _, l := range cs.layers {
		for _, v := range l.values {
			valued = valued && (math.IsNaN(v) || width(s.short(v), boldSize) <= room)
		}
	}
	if valued {
		y.headroom(hi, 22, s.plotHeight())
		if lo < 0 {
			y.footroom(lo, 22, s.plotHeight())
		}
	}
	labels, lines := underSlots(cs.labels, slot)
	if s.narrow() && n > 3 && anyCut(labels) && s.plotHeight() >= 20*float64(n*sets) {
		return s.drawHBar(r) // a phone has no room for the names below, but beside
	}
	p := plot{x: slots(labels, false), y: y, gridY: true}
	p.pad.Bottom = int(float64(lines-1) * lineRoom)
	p.draw = func(c *canvas) {
		slot := (c.right - c.left) / float64(n)
		w := min(slot*part, 110*float64(sets))
		each := w / float64(sets)
		for l := range cs.layers {
			for i, v := range cs.layers[l].values {
				if math.IsNaN(v) {
					continue
				}
				x := c.x(float64(i)+0.5) - w/2 + each*float64(l)
				m := s.look(cs, l, i)
				c.path(c.upright(x+0.5, max(each-1, 1), v), m)
				if !valued {
					continue
				}
				at := c.y(v) - 7
				if v < 0 {
					at = c.y(v) + 7 + capHeight
				}
				c.label(x+each/2, at, "middle", s.short(v), mark{class: s.valueLook(cs, l, i)})
			}
		}
		c.zeroLine()
		c.note(cs.note)
	}
	return p.render(r)
}

// upright is a column from zero to v whose far corners are round.
func (c *canvas) upright(x, w, v float64) []byte {
	y0, y1 := c.y(0), c.y(v)
	k := min(3, w/2, math.Abs(y1-y0))
	if y1 > y0 {
		k = -k
	}
	side := math.Abs(k)
	d := c.to(nil, 'M', x, y0)
	d = c.num(append(d, 'V'), y1+k)
	d = c.bend(d, 0, -k, side, -k)
	d = c.num(append(d, 'h'), w-2*side)
	d = c.bend(d, side, 0, side, k)
	d = c.num(append(d, 'V'), y0)
	return append(d, 'Z')
}

// bend appends a round corner as steps: its tip, then its end.
func (r *renderer) bend(d []byte, tip1, tip2, end1, end2 float64) []byte {
	d = append(d, 'q')
	for i, v := range []float64{tip1, tip2, end1, end2} {
		d = r.delta(d, v, i == 0)
	}
	return d
}

// underSlots fits labels below columns of a width: on one line, on two broken at a space, or cut; where columns are too
// thin for any text, every second, third or further one is named.
func underSlots(names []string, slot float64) (out []tickLabel, lines int) {
	const gap, least = 4, 44
	every, longest := 1, 0.0
	if slot < least {
		for _, name := range names {
			longest = max(longest, width(name, textSize))
		}
		every = int(math.Ceil(min(max(longest+gap, least), 110) / slot))
	}
	room := float64(every)*slot - gap
	lines = 1
	for i, name := range names {
		if i%every != 0 {
			out = append(out, tickLabel{})
			continue
		}
		l := tickLabel{text: name}
		if width(name, textSize) > room {
			first, second := broken(name, room)
			if second == "" {
				first = cut(name, textSize, room)
			} else {
				lines = 2
			}
			l = tickLabel{text: first, second: cut(second, textSize, room), full: name}
			if l.text+" "+l.second == name {
				l.full = ""
			}
		}
		out = append(out, l)
	}
	return out, lines
}

func anyCut(labels []tickLabel) bool {
	return slices.ContainsFunc(labels, func(l tickLabel) bool { return l.full != "" })
}

// broken splits a name at the last space that leaves its first part within room. second is empty when there is none.
func broken(name string, room float64) (first, second string) {
	for at := strings.LastIndexByte(name, ' '); at > 0; at = strings.LastIndexByte(name[:at], ' ') {
		if width(name[:at], textSize) <= room {
			return name[:at], strings.TrimSpace(name[at:])
		}
	}
	return name, ""
}
