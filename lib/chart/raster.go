package chart

import (
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// largestPNG is the most pixels of a picture, about 400 MB of memory while it is drawn.
const largestPNG = 100_000_000

// PNG writes the same picture as StandAlone as a PNG, drawn by go-chart's raster side. Its font has Latin, Greek and
// Cyrillic letters: others, such as Arabic and Chinese ones, come out as boxes; take the SVG for those.
func PNG(w io.Writer, s Spec, p Picture) error {
	file, width, height, err := standAlone(s, p)
	if err != nil {
		return err
	}
	scale := p.Scale
	switch {
	case scale == 0:
		scale = 2
	case !(scale >= 0.1 && scale <= 8):
		return s.fail("scale %g is out of range: 0.1 to 8", scale)
	}
	if width*height*scale*scale > largestPNG {
		return s.fail("a picture of %.0f by %.0f pixels is too large; take a smaller scale", width*scale, height*scale)
	}
	img := image.NewRGBA(image.Rect(0, 0, int(math.Ceil(width*scale)), int(math.Ceil(height*scale))))
	gc, err := drawing.NewRasterGraphicContext(img)
	if err != nil {
		return s.fail("%w", err)
	}
	font, err := gochart.GetDefaultFont()
	if err != nil {
		return s.fail("%w", err)
	}
	gc.SetDPI(64) // go-chart takes size times DPI for 64ths of a pixel
	gc.SetFont(font)
	gc.SetLineJoin(drawing.RoundJoin)
	gc.SetFillRule(drawing.FillRuleWinding)
	b := brush{gc: gc, scale: scale, sheet: sheets[p.Dark]()}
	if err := b.draw(file); err != nil {
		return s.fail("%w", err)
	}
	return png.Encode(w, img)
}

// brush paints an SVG of ours: paths, texts, and groups that move them.
type brush struct {
	gc     *drawing.RasterGraphicContext
	scale  float64
	sheet  sheet
	line   []element
	moves  [][2]float64
	text   strings.Builder
	anchor map[string]string // attributes of the open text
}

func (b *brush) draw(svg string) error {
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the drawing: %w", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if name := e.Name.Local; name == "title" || name == "desc" || name == "style" {
				if err := dec.Skip(); err != nil {
					return fmt.Errorf("read the drawing: %w", err)
				}
				continue
			}
			b.open(e)
		case xml.CharData:
			if b.anchor != nil {
				b.text.Write(e)
			}
		case xml.EndElement:
			if e.Name.Local == "text" {
				b.write()
				b.anchor = nil
			}
			b.line, b.moves = b.line[:len(b.line)-1], b.moves[:len(b.moves)-1]
		}
	}
}

var translate = regexp.MustCompile(`^translate\(([-0-9.]+) ([-0-9.]+)\)$`)

func (b *brush) open(e xml.StartElement) {
	attr := map[string]string{}
	for _, a := range e.Attr {
		attr[a.Name.Local] = a.Value
	}
	var move [2]float64
	if n := len(b.moves); n > 0 {
		move = b.moves[n-1]
	}
	if m := translate.FindStringSubmatch(attr["transform"]); m != nil {
		for i := range move {
			v, _ := strconv.ParseFloat(m[i+1], 64) // our own number
			move[i] += v
		}
	}
	b.moves = append(b.moves, move)
	b.line = append(b.line, element{compound: compound{e.Name.Local, strings.Fields(attr["class"])}})
	b.sheet.compute(b.line)
	switch e.Name.Local {
	case "path":
		b.paint(attr["d"])
	case "text":
		b.anchor = attr
		b.text.Reset()
	}
}

// ink is the colour of a property, see-through where there is none.
func (e element) ink(property, opacity string) color.NRGBA {
	hex, ok := strings.CutPrefix(e.style[property], "#")
	if v, err := strconv.ParseUint(hex, 16, 32); ok && err == nil && len(hex) == 6 {
		a := min(max(e.length(opacity, 1), 0), 1)
		return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), uint8(math.Round(255 * a))}
	}
	return color.NRGBA{}
}

// paint fills and strokes a path; where the page strokes below the fill, so do we.
func (b *brush) paint(d string) {
	e := b.line[len(b.line)-1]
	fill, stroke := e.ink("fill", "fill-opacity"), e.ink("stroke", "stroke-opacity")
	stroked := func() {
		if stroke.A == 0 {
			return
		}
		b.gc.SetStrokeColor(stroke)
		b.gc.SetLineWidth(e.length("stroke-width", 1) * b.scale)
		b.gc.SetLineCap(drawing.ButtCap)
		if e.style["stroke-linecap"] == "round" {
			b.gc.SetLineCap(drawing.RoundCap)
		}
		var dash []float64
		for f := range strings.FieldsSeq(e.style["stroke-dasharray"]) {
			if v, err := strconv.ParseFloat(f, 64); err == nil {
				dash = append(dash, v*b.scale)
			}
		}
		b.gc.SetLineDash(dash, 0)
		b.path(d)
		b.gc.Stroke()
	}
	filled := func() {
		if fill.A > 0 {
			b.gc.SetFillColor(fill)
			b.path(d)
			b.gc.Fill()
		}
	}
	if e.style["paint-order"] == "stroke" {
		stroked()
		filled()
		return
	}
	filled()
	stroked()
}

// write draws the open text, its halo first.
func (b *brush) write() {
	e, move := b.line[len(b.line)-1], b.moves[len(b.moves)-1]
	body := b.text.String()
	b.gc.SetFontSize(e.length("font-size", textSize) * b.scale)
	px, errX := strconv.ParseFloat(b.anchor["x"], 64)
	py, errY := strconv.ParseFloat(b.anchor["y"], 64)
	left, _, right, _, err := b.gc.GetStringBounds(body)
	if errX != nil || errY != nil || err != nil || body == "" {
		return
	}
	x, y := (px+move[0])*b.scale, (py+move[1])*b.scale
	x -= map[string]float64{"middle": (right + left) / 2, "end": right}[b.anchor["text-anchor"]]
	if halo := e.ink("stroke", "stroke-opacity"); halo.A > 0 {
		b.gc.SetStrokeColor(halo)
		b.gc.SetLineDash(nil, 0)
		b.gc.SetLineWidth(e.length("stroke-width", 1) * b.scale)
		_, _ = b.gc.StrokeStringAt(body, x, y) // the error is about a font that is missing, and GetStringBounds had it
	}
	b.gc.SetFillColor(e.ink("fill", "fill-opacity"))
	_, _ = b.gc.FillStringAt(body, x, y)
}
