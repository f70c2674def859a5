package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// drawFlow draws nodes as bars, layer by layer, and a ribbon for each edge in the colour of where it comes from.
func (s Spec) drawFlow(r *renderer) error {
	f, err := s.flow()
	if err != nil {
		return err
	}
	p := plot{x: &scale{lo: 0, hi: 1}, y: &scale{lo: 0, hi: 1}, bare: true}
	p.pad.Top, p.pad.Bottom, p.pad.Right, p.pad.Left = 14-padTop, 4-padBottom, 2-padRight, 2-padLeft
	p.draw = func(c *canvas) {
		c.ribbons(s, f)
		note := ""
		if n := countTrue(f.back); n > 0 {
			note = count(n, "ribbon") + " back, dashed"
		}
		if f.cut > 0 {
			note = joined(note, strconv.Itoa(len(f.names))+" of "+Grouped(float64(len(f.names)+f.cut))+" names")
		}
		c.note(note)
	}
	return p.render(r)
}

// bar is where a node is drawn, and how much of its sides is taken by ribbons so far.
type bar struct{ x, y, h, in, out float64 }

func (c *canvas) ribbons(s Spec, f stream) {
	layers, ways := f.ordered()
	if !s.Steps { // two sides keep the order of the rows
		for _, l := range layers {
			slices.SortFunc(l, func(a, b *place) int { return a.node - b.node })
		}
	}
	bars, left, right := c.flowBars(s, f, layers)
	// Ribbons leave and reach a bar in the order of their other ends, so that they do not cross at it.
	order := make([]int, len(f.edges))
	for i := range order {
		order[i] = i
	}
	y0, y1 := make([]float64, len(order)), make([]float64, len(order))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(bars[f.edges[a][1]].y, bars[f.edges[b][1]].y) })
	unit := c.flowUnit(f, layers)
	for _, i := range order {
		if e := f.edges[i]; !f.back[i] {
			y0[i] = bars[e[0]].y + bars[e[0]].out
			bars[e[0]].out += f.values[i] * unit
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(bars[f.edges[a][0]].y, bars[f.edges[b][0]].y) })
	for _, i := range order {
		if e := f.edges[i]; !f.back[i] {
			y1[i] = bars[e[1]].y + bars[e[1]].in
			bars[e[1]].in += f.values[i] * unit
		}
	}
	for i, e := range f.edges {
		from, to := bars[e[0]], bars[e[1]]
		tip := isolate(f.names[e[0]]) + " → " + isolate(f.names[e[1]]) + "\n" + s.value(f.values[i])
		if f.total > 0 && !f.back[i] {
			tip += " (" + percent(f.values[i]/f.total) + ")"
		}
		if f.back[i] {
			low := min(max(from.y+from.h, to.y+to.h)+10, c.bottom)
			d := c.to(nil, 'M', from.x+flowBar/2, min(from.y+from.h, c.bottom))
			c.path(c.curve(d, from.x+flowBar/2, low, to.x+flowBar/2, low, to.x+flowBar/2, min(to.y+to.h, c.bottom)), mark{class: "edge back", tip: tip})
			continue
		}
		if f.values[i] == 0 {
			continue
		}
		h := max(f.values[i]*unit, leastThick)
		points := [][2]float64{{from.x + flowBar, y0[i]}}
		for _, p := range ways[i][1 : len(ways[i])-1] {
			points = append(points, [2]float64{c.layerX(p, left, right, layers) + flowBar/2, c.top + p.y - h/2})
		}
		points = append(points, [2]float64{to.x, y1[i]})
		c.path(c.ribbon(points, h), mark{class: class('f', f.slot[e[0]]) + " ribbon", tip: tip})
	}
	c.flowNames(s, f, layers, bars, left, right)
}

// ribbon is a band of height h through points, which are its upper edge.
func (c *canvas) ribbon(points [][2]float64, h float64) []byte {
	y := func(v float64) float64 { return min(v, c.bottom) }
	d := c.to(nil, 'M', points[0][0], y(points[0][1]))
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		m := (a[0] + b[0]) / 2
		d = c.curve(d, m, y(a[1]), m, y(b[1]), b[0], y(b[1]))
	}
	last := points[len(points)-1]
	d = c.to(d, 'L', last[0], y(last[1]+h))
	for i := len(points) - 1; i > 0; i-- {
		a, b := points[i], points[i-1]
		m := (a[0] + b[0]) / 2
		d = c.curve(d, m, y(a[1]+h), m, y(b[1]+h), b[0], y(b[1]+h))
	}
	return append(d, 'Z')
}

// flowGap is the room between the bars of a layer of n.
func (c *canvas) flowGap(n int) float64 {
	return min(20, (c.bottom-c.top)*0.4/float64(max(n, 1)))
}

// flowUnit is the height of a value of one.
func (c *canvas) flowUnit(f stream, layers [][]*place) float64 {
	unit := math.Inf(1)
	for _, l := range layers {
		sum := 0.0
		for _, p := range l {
			sum += f.passing(p)
		}
		if sum > 0 {
			unit = min(unit, (c.bottom-c.top-c.flowGap(len(l))*float64(len(l)-1))/sum)
		}
	}
	if math.IsInf(unit, 1) {
		return 0
	}
	return unit
}

// passing is how much goes through a place.
func (f stream) passing(p *place) float64 {
	if p.node < 0 {
		return f.values[p.edge]
	}
	return f.size[p.node]
}

// flowBars places the nodes; left and right are the room of names beside the outer layers.
func (c *canvas) flowBars(s Spec, f stream, layers [][]*place) (bars []bar, left, right float64) {
	room := func(l []*place) (w float64) {
		for _, p := range l {
			if p.node >= 0 {
				w = max(w, width(f.names[p.node], textSize), width(s.short(f.size[p.node]), textSize))
			}
		}
		return min(w+7, (c.right-c.left)*0.3)
	}
	if len(layers) > 1 {
		left = room(layers[0])
	}
	right = room(layers[len(layers)-1])
	unit := c.flowUnit(f, layers)
	bars = make([]bar, len(f.names))
	for _, l := range layers {
		gap, used := c.flowGap(len(l)), 0.0
		for _, p := range l {
			used += f.passing(p)*unit + gap
		}
		y := (c.bottom - c.top - (used - gap)) / 2
		for _, p := range l {
			h := f.passing(p) * unit
			p.y = y + h/2
			if p.node >= 0 {
				h := max(h, leastNode)
				top := min(max(c.top+y, c.top), c.bottom-h)
				bars[p.node] = bar{x: c.layerX(p, left, right, layers), y: top, h: h}
			}
			y += h + gap
		}
	}
	return bars, left, right
}

// layerX is the left side of the bars of a place's layer.
func (c *canvas) layerX(p *place, left, right float64, layers [][]*place) float64 {
	k := slices.IndexFunc(layers, func(l []*place) bool { return slices.Contains(l, p) })
	from, to := c.left+left, c.right-right-flowBar
	if len(layers) == 1 {
		return from
	}
	return from + (to-from)*float64(k)/float64(len(layers)-1)
}

// flowNames draws the bars and writes names beside them, with their values where there is the room.
func (c *canvas) flowNames(s Spec, f stream, layers [][]*place, bars []bar, left, right float64) {
	for k, l := range layers {
		var names []flowName
		for _, p := range l {
			if p.node < 0 {
				continue
			}
			b := bars[p.node]
			n := flowName{bar: b, y: b.y + b.h/2, h: nameRoom, name: f.names[p.node], value: s.short(f.size[p.node])}
			if b.h+c.flowGap(len(l)) >= 2*nameRoom+2 {
				n.h = 2 * nameRoom
			}
			names = append(names, n)
			c.path(c.box(nil, b.x, b.y, flowBar, b.h), mark{class: class('f', f.slot[p.node]), tip: isolate(n.name) + "\n" + s.value(f.size[p.node])})
		}
		apart(names, c.top-4, c.bottom+4)
		for _, n := range names {
			x, anchor, room, look := n.bar.x+flowBar+6, "start", right-6, "name"
			switch {
			case k == 0 && len(layers) > 1:
				x, anchor, room = n.bar.x-6, "end", left-6
			case k < len(layers)-1:
				room = (c.right-c.left-left-right)/float64(len(layers)-1) - flowBar - 10
				look = "name halo"
			}
			y := n.y - n.h/2 + capHeight + 2
			if n.name == "" {
				n.name = "–"
			}
			c.label(x, y, anchor, cut(n.name, textSize, room), mark{class: look})
			if n.h > nameRoom {
				c.label(x, y+nameRoom, anchor, cut(n.value, textSize, room), mark{class: "halo"})
			}
		}
	}
}

// flowName is the text beside a bar: its middle and its height.
type flowName struct {
	bar         bar
	y, h        float64
	name, value string
}

// apart moves names that touch away from each other. There is always room: a side has few names.
func apart(names []flowName, top, bottom float64) {
	for i := range names {
		n := &names[i]
		n.y = max(n.y, top+n.h/2)
		top = n.y + n.h/2
	}
	for i := len(names) - 1; i >= 0; i-- {
		n := &names[i]
		n.y = min(n.y, bottom-n.h/2)
		bottom = n.y - n.h/2
	}
}
