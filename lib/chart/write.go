package chart

import (
	"math"
	"strings"
)

// num appends a position and notes one that is no number.
func (r *renderer) num(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.bad = true
		v = 0
	}
	return px(b, v)
}

// to appends a path step to a point.
func (r *renderer) to(b []byte, op byte, x, y float64) []byte {
	b = append(b, op)
	b = r.num(b, x)
	b = append(b, ' ')
	return r.num(b, y)
}

// box appends a closed rectangle to a path.
func (r *renderer) box(b []byte, x, y, w, h float64) []byte {
	b = r.to(b, 'M', x, y)
	b = append(b, 'h')
	b = r.num(b, w)
	b = append(b, 'v')
	b = r.num(b, h)
	b = append(b, 'h')
	b = r.num(b, -w)
	return append(b, 'Z')
}

func (r *renderer) raw(s string) { r.out = append(r.out, s...) }

// path writes a path element with its tooltip.
func (r *renderer) path(d []byte, m mark) {
	if len(d) == 0 {
		return
	}
	m.tip = r.tip(m.tip)
	r.raw("<path")
	r.open(m)
	r.raw(` d="`)
	r.out = append(r.out, d...)
	r.raw(`"`)
	r.close("path", m)
}

// tip is the text of a tooltip as it is written, empty where there are none.
func (r *renderer) tip(text string) string {
	if r.tips == TipsNone {
		return ""
	}
	return escape(text)
}

// open writes the attributes every mark has. Its tooltip is escaped by now.
func (r *renderer) open(m mark) {
	if m.class != "" {
		r.raw(` class="` + m.class + `"`)
	}
	if m.tip != "" {
		r.raw(` data-tip="` + m.tip + `"`)
	}
}

func (r *renderer) close(element string, m mark) {
	if m.tip == "" || r.tips != TipsBoth {
		r.raw("/>")
		return
	}
	r.raw("><title>" + m.tip + "</title></" + element + ">")
}

// label writes a text. It is moved, and cut if need be, so that it stays inside the viewBox. The tooltip, if any, is
// the full name of a text that was cut.
func (r *renderer) label(x, y float64, anchor, body string, m mark) {
	size := textSize
	if m.class == "value" || strings.HasPrefix(m.class, "value ") {
		size = boldSize
	}
	r.sized(x, y, anchor, body, size, m)
}

// sized is label for a text whose width is that of thin text of a size.
func (r *renderer) sized(x, y float64, anchor, body string, size float64, m mark) {
	const edge = 1.0
	body = cut(body, size, float64(r.w)-2*edge)
	if body == "" {
		return
	}
	w := width(body, size)
	before := map[string]float64{"middle": w / 2, "end": w}[anchor] // room the text takes left of x
	x = min(max(x, edge+before), float64(r.w)-edge-w+before)
	y = min(max(y, capHeight), float64(r.h)-3) // letters below the line need 3 px
	m.tip = r.tip(m.tip)
	r.raw("<text")
	r.open(m)
	r.raw(` x="`)
	r.out = r.num(r.out, x)
	r.raw(`" y="`)
	r.out = r.num(r.out, y)
	r.raw(`"`)
	if anchor != "start" {
		r.raw(` text-anchor="` + anchor + `"`)
	}
	r.raw(">")
	if m.tip != "" && r.tips == TipsBoth {
		r.raw("<title>" + m.tip + "</title>")
	}
	r.raw(escape(body) + "</text>")
}
