package chart

import (
	"math"
	"strconv"
	"strings"
)

const (
	pointSize = 4.2 // px
	// Up to mostTips points each carry their own tooltip. More are drawn as one path per group, thinned to at most
	// mostPoints by leaving out points that would lie on others, and tooltips count what is in each field of a raster.
	mostTips   = 400
	mostPoints = 2000
	mostNarrow = 240 // the same on a phone, where points are as large and there is a fifth of the room
	fieldsX    = 12
	fieldsY    = 8
)

// cloud is the points of a scatter with the groups they belong to.
type cloud struct {
	groups []layer // values are not used
	points []dot
}

type dot struct {
	x, y  float64
	group int // index into groups
	at    int // index into Spec.Xs
}

func (s Spec) cloud() (cloud, error) {
	series := s.Series
	if len(series) == 0 {
		series = []Series{{}}
	}
	counted := make([]Series, len(series)) // grouping keeps the groups with the most points
	for i := range series {
		counted[i] = Series{Name: series[i].Name, Color: series[i].Color, Values: []float64{0}}
	}
	group := func(i int) int {
		if s.Groups == nil {
			return 0
		}
		return s.Groups[i]
	}
	for i := range s.Xs {
		counted[group(i)].Values[0]++
	}
	c := cloud{}
	place := make([]int, len(series)) // series to group
	if len(series) > colours {
		kept := largest(counted)
		other, rest := -1, 0
		for i, in := range counted {
			switch {
			case kept[i]:
				place[i] = len(c.groups)
				c.groups = append(c.groups, layer{name: in.Name, slot: in.Color})
			case other < 0:
				other = len(c.groups)
				c.groups = append(c.groups, layer{name: in.Name, slot: Other})
				fallthrough
			default:
				place[i] = other
				rest++
			}
		}
		if rest > 1 {
			c.groups[other].name = "Other (" + strconv.Itoa(rest) + ")"
		}
	} else {
		for i, in := range counted {
			place[i] = i
			c.groups = append(c.groups, layer{name: in.Name, slot: in.Color})
		}
	}
	distinct(c.groups)
	for i, x := range s.Xs {
		if y := s.Ys[i]; !math.IsNaN(x) && !math.IsNaN(y) {
			c.points = append(c.points, dot{x, y, place[group(i)], i})
		}
	}
	if len(c.points) == 0 {
		return c, ErrEmpty
	}
	return c, nil
}

// drawScatter draws points, each group in its own shape and colour. An axis starts at zero where its values do not lie far
// from it.
func (s Spec) drawScatter(r *renderer) error {
	s, lost := s.positive()
	c, err := s.cloud()
	if err != nil {
		return err
	}
	xs, ys := make([]float64, len(c.points)), make([]float64, len(c.points))
	for i, p := range c.points {
		xs[i], ys[i] = p.x, p.y
	}
	y := spread(ys, s.ticksY(), s.AxisY, s.LogY)
	y.cutLabels(float64(s.Width) / 4)
	inside := s.plotWidth(y.widest())
	x := spread(xs, s.ticksX(), s.AxisX, s.LogX)
	for most := s.ticksX() - 1; most >= 2 && x.crowded(inside); most-- {
		x = spread(xs, most, s.AxisX, s.LogX)
	}
	x.cutLabels(inside / 3)
	p := plot{x: x, y: y, gridX: true, gridY: true}
	if s.NameX != "" {
		p.pad.Bottom = lineRoom
	}
	if s.NameY != "" {
		p.pad.Top = lineRoom - 2
	}
	p.draw = func(cv *canvas) {
		cv.axisNames(s)
		if len(c.points) <= mostTips {
			cv.points(s, c)
			cv.note(lost)
		} else {
			cv.crowd(s, c, lost)
		}
	}
	return p.render(r)
}

// spread is a number scale for positions, not lengths: it holds zero only when that is near.
func spread(values []float64, most int, format func(float64) string, log bool) *scale {
	lo, hi, whole, _ := extent(values)
	if log {
		return logarithmic(lo, hi, most, format)
	}
	switch {
	case lo >= 0 && lo < hi/2:
		lo = 0
	case hi <= 0 && hi > lo/2:
		hi = 0
	}
	return number(lo, hi, whole, most, format)
}

// axisNames writes what the axes show: y above its labels, x below at the right end.
func (c *canvas) axisNames(s Spec) {
	if s.NameY != "" {
		c.label(1, capHeight+1, "start", s.NameY, mark{class: "name"})
	}
	if s.NameX != "" {
		c.label(c.right, float64(c.h)-padBottom+1, "end", s.NameX, mark{class: "name"})
	}
}

// points draws every point with its own tooltip, in one g per group.
func (c *canvas) points(s Spec, cl cloud) {
	for g, group := range cl.groups {
		open := false
		for _, p := range cl.points {
			if p.group != g {
				continue
			}
			if !open {
				c.raw(`<g class="` + class('f', group.slot) + ` point">`)
				open = true
			}
			c.shape(markerOf(group.slot), c.x(p.x), c.y(p.y), pointSize, mark{tip: s.pointTip(group, p)})
		}
		if open {
			c.raw(`</g>`)
		}
	}
}

// pointTip names a point, its group and its place.
func (s Spec) pointTip(group layer, p dot) string {
	var head []string
	if p.at < len(s.Labels) && s.Labels[p.at] != "" {
		head = append(head, isolate(s.Labels[p.at]))
	}
	if group.name != "" {
		head = append(head, isolate(group.name))
	}
	tip := named(s.NameX, s.FormatX(p.x)) + "\n" + named(s.NameY, s.FormatY(p.y))
	if len(head) > 0 {
		tip = strings.Join(head, " · ") + "\n" + tip
	}
	if p.at < len(s.Notes) && s.Notes[p.at] != "" {
		tip += "\n" + isolate(s.Notes[p.at])
	}
	return tip
}

// crowd draws many points: one path per group, without points that would lie on another of their group.
func (c *canvas) crowd(s Spec, cl cloud, note string) {
	type cell struct{ x, y, group int }
	size, most := pointSize/2, mostPoints
	if s.narrow() {
		most = mostNarrow
	}
	var seen map[cell]bool
	for {
		seen = map[cell]bool{}
		for _, p := range cl.points {
			seen[cell{int(c.x(p.x) / size), int(c.y(p.y) / size), p.group}] = true
		}
		if len(seen) <= most {
			break
		}
		size *= 1.25
	}
	drawn := 0
	for g, group := range cl.groups {
		var d []byte
		for _, p := range cl.points {
			at := cell{int(c.x(p.x) / size), int(c.y(p.y) / size), g}
			if p.group != g || !seen[at] {
				continue
			}
			seen[at] = false
			drawn++
			d = c.outline(d, markerOf(group.slot), c.x(p.x), c.y(p.y), pointSize*0.7)
		}
		c.path(d, mark{class: class('f', group.slot) + " crowd"})
	}
	if drawn < len(cl.points) {
		note = joined(Grouped(float64(len(cl.points)))+" points, "+Grouped(float64(drawn))+" drawn", note)
	}
	c.note(note)
	c.fields(s, cl)
}

// fields lays a raster of see-through boxes over a crowd; the tooltip of each counts the points in it by group.
func (c *canvas) fields(s Spec, cl cloud) {
	if c.tips == TipsNone {
		return
	}
	counts := map[[2]int][]int{}
	field := func(at, from, to float64, n int) int { return min(int((at-from)/(to-from)*float64(n)), n-1) }
	for _, p := range cl.points {
		k := [2]int{field(c.x(p.x), c.left, c.right, fieldsX), field(c.y(p.y), c.top, c.bottom, fieldsY)}
		if counts[k] == nil {
			counts[k] = make([]int, len(cl.groups))
		}
		counts[k][p.group]++
	}
	w, h := (c.right-c.left)/fieldsX, (c.bottom-c.top)/fieldsY
	side := func(sc *scale, i, n int) float64 { return sc.value(float64(i) / float64(n)) }
	c.raw(`<g class="bands">`)
	for row := range fieldsY {
		for col := range fieldsX {
			n := counts[[2]int{col, row}]
			if n == nil {
				continue
			}
			var b strings.Builder
			b.WriteString(named(s.NameX, s.FormatX(side(c.xs, col, fieldsX))+" to "+s.FormatX(side(c.xs, col+1, fieldsX))))
			b.WriteString("\n" + named(s.NameY, s.FormatY(side(c.ys, fieldsY-row-1, fieldsY))+" to "+s.FormatY(side(c.ys, fieldsY-row, fieldsY))))
			for g, count := range n {
				if count > 0 {
					b.WriteString("\n" + named(cl.groups[g].name, Grouped(float64(count))))
				}
			}
			c.path(c.box(nil, c.left+float64(col)*w, c.top+float64(row)*h, w, h), mark{tip: b.String()})
		}
	}
	c.raw(`</g>`)
}
