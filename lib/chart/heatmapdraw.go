package chart

import (
	"math"
	"strconv"
	"strings"
)

// field is the box of column i in row k of n, with a gap to its neighbours.
func (c *canvas) field(i, k, n int) (x, y, w, h float64) {
	x, y = c.x(float64(i)), c.y(float64(n-k))
	w, h = c.x(float64(i+1))-x, c.y(float64(n-k-1))-y
	gapX, gapY := min(1.5, w*0.15), min(1.5, h*0.15)
	return x + gapX/2, y + gapY/2, max(w-gapX, 0.2), max(h-gapY, 0.2)
}

// fieldTip is the tooltip of a field: its place, its state, its value, and the remark of the report.
func (s Spec) fieldTip(h raster, k, i int) string {
	tip := isolate(h.rows[k]) + " · " + isolate(h.names[i])
	if h.states != nil {
		tip += "\n" + isolate(h.states[k][i])
	}
	at := i
	if s.Times != nil { // the first columns may be left out
		at += len(s.Times) - len(h.names)
	}
	if v := s.Series[k].Values; at < len(v) && (h.states == nil || v[at] == v[at]) {
		tip += "\n" + s.value(v[at])
	}
	if s.Remarks != nil && s.Remarks[k][at] != "" {
		tip += "\n" + isolate(s.Remarks[k][at])
	}
	return tip
}

// valueFields draws the fields of each depth as one group.
func (c *canvas) valueFields(s Spec, h raster) {
	type key struct {
		hue   string
		depth int
	}
	groups := map[key][][2]int{}
	written := len(h.names)*len(h.rows) <= 400
	for k, row := range h.values {
		for i, v := range row {
			if math.IsNaN(v) {
				continue
			}
			g := key{hue(s, v), h.shade(v)}
			groups[g] = append(groups[g], [2]int{k, i})
			_, _, w, hgt := c.field(i, k, len(h.rows))
			written = written && hgt >= capHeight+5 && width(s.short(v), textSize) <= w-4
		}
	}
	tipped := len(h.names)*len(h.rows) <= mostFieldTips
	for _, g := range sortedKeys(groups, func(a, b key) int {
		if a.hue != b.hue {
			return strings.Compare(a.hue, b.hue)
		}
		return a.depth - b.depth
	}) {
		c.raw(`<g class="` + g.hue + ` h` + strconv.Itoa(g.depth) + `">`)
		var d []byte
		for _, at := range groups[g] {
			x, y, w, hgt := c.field(at[1], at[0], len(h.rows))
			if !tipped {
				d = c.box(d, x, y, w, hgt)
				continue
			}
			c.path(c.box(nil, x, y, w, hgt), mark{tip: s.fieldTip(h, at[0], at[1])})
		}
		c.path(d, mark{})
		c.raw(`</g>`)
	}
	if !written {
		return
	}
	for k, row := range h.values {
		for i, v := range row {
			if math.IsNaN(v) {
				continue
			}
			x, y, w, hgt := c.field(i, k, len(h.rows))
			look := "amount"
			if h.shade(v) > 4 { // so deep that text needs the colour of the ground
				look = "amount on"
			}
			c.label(x+w/2, y+hgt/2+capHeight/2-0.5, "middle", s.short(v), mark{class: look})
		}
	}
}

// stateFields draws a field per state, washed in the colour of its tone, and the shape of the tone on it.
func (c *canvas) stateFields(s Spec, h raster) {
	groups := map[Tone][][2]int{}
	for k, row := range h.states {
		for i, state := range row {
			if state != "" {
				t := s.tone(state)
				groups[t] = append(groups[t], [2]int{k, i})
			}
		}
	}
	tipped := len(h.names)*len(h.rows) <= mostFieldTips
	for _, t := range Tones() {
		if len(groups[t]) == 0 {
			continue
		}
		var boxes, shapes []byte
		c.raw(`<g class="` + t.class() + ` field">`)
		for _, at := range groups[t] {
			x, y, w, hgt := c.field(at[1], at[0], len(h.rows))
			if size := min(w, hgt) * 0.26; size >= 1.2 {
				shapes = c.outline(shapes, t.marker(), x+w/2, y+hgt/2, min(size, 5))
			}
			if !tipped {
				boxes = c.box(boxes, x, y, w, hgt)
				continue
			}
			c.path(c.box(nil, x, y, w, hgt), mark{tip: s.fieldTip(h, at[0], at[1])})
		}
		c.path(boxes, mark{})
		c.raw(`</g>`)
		c.path(shapes, mark{class: t.class() + " glyph"})
	}
}
