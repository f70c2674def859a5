package chart

import "strconv"

// drawGraph draws layers side by side, or, where they have no room, one box below the other and each layer further in.
func (s Spec) drawGraph(r *renderer) error {
	g, err := s.graph()
	if err != nil {
		return err
	}
	p := plot{x: &scale{lo: 0, hi: 1}, y: &scale{lo: 0, hi: 1}, bare: true}
	p.pad.Top, p.pad.Bottom, p.pad.Right, p.pad.Left = 14-padTop, 2-padBottom, 2-padRight, 2-padLeft
	p.draw = func(c *canvas) {
		if box, gap := g.columns(c.right - c.left); box > 0 {
			c.graphColumns(s, g, box, gap)
		} else {
			c.graphList(s, g)
		}
		note := ""
		if g.cut > 0 {
			note = strconv.Itoa(len(g.nodes)) + " of " + Grouped(float64(len(g.nodes)+g.cut)) + " boxes"
		}
		if g.dropped > 0 {
			note = joined(note, Grouped(float64(g.dropped))+" lines left out")
		}
		c.note(note)
	}
	return p.render(r)
}

func (c *canvas) graphColumns(s Spec, g network, box, gap float64) {
	layers, ways := g.ordered()
	g.spread(layers, c.bottom-c.top)
	whole := float64(g.layers)*(box+gap) - gap
	left := c.left + (c.right-c.left-whole)/2
	x := func(layer int) float64 { return left + float64(layer)*(box+gap) }
	y := func(p *place) float64 { return c.top + p.y }
	of := make([]*place, len(g.nodes))
	for _, l := range layers {
		for _, p := range l {
			if p.node >= 0 {
				of[p.node] = p
			}
		}
	}
	var lines, back, heads []byte
	for i, e := range g.edges {
		from, to := of[e[0]], of[e[1]]
		fx, tx := x(g.layer[e[0]])+box, x(g.layer[e[1]])
		if g.back[i] { // below both boxes, from the right side of one to the left side of the other
			low := min(max(y(from), y(to))+g.boxHeight()/2+boxGap*0.7, c.bottom)
			fx, tx = fx-box*0.25, tx+box*0.25
			back = c.to(back, 'M', fx, y(from)+g.boxHeight()/2)
			back = c.curve(back, fx, low, tx, low, tx, min(y(to)+g.boxHeight()/2, c.bottom))
			continue
		}
		px, py := fx, y(from)
		lines = c.to(lines, 'M', px, py)
		for k, p := range ways[i][1:] {
			nx := tx - 5
			if p.node < 0 {
				nx = x(g.layer[e[0]] + k + 1)
			}
			half := (nx - px) / 2
			lines = c.curve(lines, px+half, py, nx-half, y(p), nx, y(p))
			px, py = nx, y(p)
			if p.node < 0 { // level between the boxes of the layer it passes
				px += box
				lines = c.to(lines, 'L', px, py)
			}
		}
		heads = c.head(heads, tx, y(to))
	}
	c.path(lines, mark{class: "edge"})
	c.path(back, mark{class: "edge back"})
	c.path(heads, mark{class: "arrow"})
	for n, node := range g.nodes {
		c.nodeBox(s, g, node, x(g.layer[n]), y(of[n])-g.boxHeight()/2, box)
	}
	for i, e := range g.edges {
		if v := g.values[i]; !g.back[i] && v == v {
			at := (y(of[e[0]]) + y(of[e[1]])) / 2
			if len(ways[i]) > 2 {
				at = y(of[e[0]])
			}
			if text := s.short(v); width(text, textSize) < gap-8 {
				c.label(x(g.layer[e[0]])+box+gap/2, at-3, "middle", text, mark{class: "halo"})
			}
		}
	}
}

// graphList draws a row per box, each after those that lead to it, and lines in the room left of them.
func (c *canvas) graphList(s Spec, g network) {
	order := g.listed()
	row := make([]int, len(g.nodes))
	for i, n := range order {
		row[n] = i
	}
	pitch := (c.bottom - c.top) / float64(len(order))
	h := min(g.boxHeight(), pitch*0.85)
	step := min(18, (c.right-c.left)*0.35/float64(g.layers))
	x := func(n int) float64 { return c.left + step*float64(g.layer[n]) }
	y := func(n int) float64 { return c.top + pitch*float64(row[n]) }
	var lines, back, heads []byte
	for i, e := range g.edges {
		fx, tx := x(e[0])+step*0.5, x(e[1])
		d := &lines
		if g.back[i] {
			d = &back
			fx = c.left + 1
		}
		*d = c.to(*d, 'M', fx, y(e[0])+h/2)
		*d = c.to(*d, 'L', fx, y(e[1])+h/2)
		*d = c.to(*d, 'L', tx, y(e[1])+h/2)
		if !g.back[i] {
			heads = c.head(heads, tx, y(e[1])+h/2)
		}
	}
	c.path(lines, mark{class: "edge"})
	c.path(back, mark{class: "edge back"})
	c.path(heads, mark{class: "arrow"})
	for n, node := range g.nodes {
		c.nodeBox(s, g, node, x(n), y(n), c.right-x(n))
	}
}

// nodeBox draws one box: a frame in the colour of its state, the shape of its state, its name, and a second line.
func (c *canvas) nodeBox(s Spec, g network, n Node, x, y, w float64) {
	h, look, text := g.boxHeight(), "node", x+10
	if n.State != "" {
		look = s.tone(n.State).class() + " node"
		text = x + 26
	}
	tip := isolate(n.Label)
	if second := n.second(); second != "" {
		tip += "\n" + isolate(second)
	}
	c.path(c.round(x, y, w, h, 6), mark{class: look, tip: tip})
	if n.State != "" {
		t := s.tone(n.State)
		c.shape(t.marker(), x+14, y+h/2, 4.6, mark{class: t.class()})
	}
	room := x + w - 6 - text
	name, second := cut(n.Label, boldSize, room), cut(n.second(), textSize, room)
	if second == "" {
		c.label(text, y+h/2+capHeight/2-0.5, "start", name, mark{class: "value"})
		return
	}
	c.label(text, y+h/2-4, "start", name, mark{class: "value"})
	c.label(text, y+h/2+13, "start", second, mark{})
}

// round is a box with round corners.
func (r *renderer) round(x, y, w, h, k float64) []byte {
	k = min(k, w/2, h/2)
	d := r.to(nil, 'M', x+k, y)
	for _, corner := range [][4]float64{{x + w - k, y, x + w, y}, {x + w, y + h - k, x + w, y + h}, {x + k, y + h, x, y + h}, {x, y + k, x, y}} {
		d = r.to(d, 'L', corner[0], corner[1])
		d = r.to(d, 'Q', corner[2], corner[3])
		dx, dy := corner[2]-corner[0], corner[3]-corner[1]
		// The corner ends as far behind its tip as it began before it, a quarter turn to the right.
		d = r.to(d, ' ', corner[2]-dy, corner[3]+dx)
	}
	return append(d, 'Z')
}

// curve appends a cubic curve.
func (r *renderer) curve(d []byte, x1, y1, x2, y2, x, y float64) []byte {
	d = r.to(d, 'C', x1, y1)
	d = r.to(d, ' ', x2, y2)
	return r.to(d, ' ', x, y)
}

// head appends the point of an arrow to the right.
func (r *renderer) head(d []byte, x, y float64) []byte {
	d = r.to(d, 'M', x, y)
	d = r.to(d, 'L', x-7, y-3.5)
	d = r.to(d, 'L', x-7, y+3.5)
	return append(d, 'Z')
}
