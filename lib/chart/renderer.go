package chart

import (
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/golang/freetype/truetype"
	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Class names that tell the renderer which part of go-chart is drawing.
const (
	classTickX = "xt"
	classTickY = "yt"
	classSlice = "slice" // followed by the index of the sector
)

// errPosition is the error of a chart that came out with a position that is no number: our own mistake, caught before a
// page shows it.
var errPosition = errors.New("a position is not a finite number")

// renderer is a gochart.Renderer that writes SVG with classes in place of styles.
//
// go-chart asks for colours; ours are tokens (see token) that turn into class names. It draws axis lines and tick marks
// that we do not want, which are told by the class of the style they are drawn with and left out. Our own series write
// through path, text and mark, with exact positions.
type renderer struct {
	w, h  int
	out   []byte
	where []byte // path being built by go-chart
	arc   *sector
	inner float64 // radius of a donut's hole as a part of its radius; 0 for a pie

	class  string
	stroke drawing.Color
	fill   drawing.Color
	strokW float64

	ticks  [2]int                                    // labels drawn so far, x and y
	labels [2][]tickLabel                            // what those labels are
	slice  func(i int) (m mark, from, share float64) // looks and place of the i-th sector, as parts of a turn
	tips   Tips                                      // TipsBoth means titles too
	bad    bool                                      // a position was not finite
}

// sector is a part of a pie: centre, radius, start and sweep in radians, clockwise from twelve o'clock.
type sector struct{ cx, cy, r, start, sweep float64 }

// mark is the look of one drawn thing.
type mark struct {
	class string
	tip   string // text of the tooltip; empty has none
}

// token is a colour that means a class name. go-chart only hands it through.
func token(i uint8) drawing.Color { return drawing.Color{R: 7, G: 77, B: i, A: 255} }

const (
	tokenGrid = 1 + iota
	tokenSlice
)

func isToken(c drawing.Color, i uint8) bool { return c == token(i) }

func (r *renderer) provider(w, h int) (gochart.Renderer, error) {
	r.w, r.h = w, h
	return r, nil
}

func (r *renderer) ResetStyle() {
	r.class, r.stroke, r.fill, r.strokW = "", drawing.Color{}, drawing.Color{}, 0
}
func (r *renderer) GetDPI() float64                { return 72 } // a point is a pixel
func (r *renderer) SetDPI(float64)                 {}
func (r *renderer) SetClassName(c string)          { r.class = c }
func (r *renderer) SetStrokeColor(c drawing.Color) { r.stroke = c }
func (r *renderer) SetFillColor(c drawing.Color)   { r.fill = c }
func (r *renderer) SetStrokeWidth(w float64)       { r.strokW = w }
func (r *renderer) SetStrokeDashArray([]float64)   {}
func (r *renderer) SetFont(*truetype.Font)         {}
func (r *renderer) SetFontColor(drawing.Color)     {}
func (r *renderer) SetFontSize(float64)            {}
func (r *renderer) SetTextRotation(float64)        {}
func (r *renderer) ClearTextRotation()             {}

func (r *renderer) MoveTo(x, y int) {
	r.where, r.arc = r.where[:0], nil
	r.step('M', x, y)
}
func (r *renderer) LineTo(x, y int)              { r.step('L', x, y) }
func (r *renderer) QuadCurveTo(cx, cy, x, y int) { r.step('Q', cx, cy, x, y) }
func (r *renderer) Close()                       { r.where = append(r.where, 'Z') }
func (r *renderer) Stroke()                      { r.flush() }
func (r *renderer) Fill()                        { r.flush() }
func (r *renderer) FillStroke()                  { r.flush() }
func (r *renderer) step(op byte, at ...int) {
	r.where = append(r.where, op)
	for i, v := range at {
		if i > 0 {
			r.where = append(r.where, ' ')
		}
		r.where = strconv.AppendInt(r.where, int64(v), 10)
	}
}

// ArcTo keeps the sector; go-chart starts at three o'clock, we read its angles from twelve, where a reader begins.
func (r *renderer) ArcTo(cx, cy int, rx, _, start, sweep float64) {
	r.arc = &sector{float64(cx), float64(cy), rx, start, sweep}
}

// Circle is what go-chart draws for a pie of one slice.
func (r *renderer) Circle(radius float64, x, y int) {
	r.class = classSlice + "0"
	r.fill = token(tokenSlice)
	r.arc = &sector{float64(x), float64(y), radius, 0, 2 * math.Pi}
	r.flush()
}

// flush writes the path go-chart has drawn, if it is one we want: a grid line or a sector. Backgrounds, axis lines and
// tick marks end here.
func (r *renderer) flush() {
	path, arc := r.where, r.arc
	r.where, r.arc = r.where[:0], nil
	switch {
	case arc != nil && isToken(r.fill, tokenSlice):
		i, err := strconv.Atoi(r.class[len(classSlice):])
		if err != nil || r.slice == nil {
			return
		}
		m, from, share := r.slice(i) // go-chart rounds shares down to 0.01 %, which leaves a gap at the end
		arc.start, arc.sweep = 2*math.Pi*from, 2*math.Pi*share
		r.path(r.ring(*arc), m)
	case isToken(r.stroke, tokenGrid) && r.class == "" && r.strokW > 0:
		r.path(path, mark{class: "grid"})
	}
}

// ring is the outline of a sector, with the hole of a donut taken out. A whole turn is drawn as two halves, because an
// arc that ends where it starts is not drawn at all.
func (r *renderer) ring(s sector) []byte {
	var b []byte
	hole := s.r * r.inner
	arc := func(op byte, radius, from, to float64, sweep byte) {
		x, y := s.cx+radius*math.Sin(from), s.cy-radius*math.Cos(from)
		b = r.to(b, op, x, y)
		for _, a := range []float64{(from + to) / 2, to} {
			b = append(b, 'A')
			b = r.num(b, radius)
			b = append(b, ' ')
			b = r.num(b, radius)
			b = append(b, " 0 0 "...)
			b = append(b, sweep, ' ')
			b = r.num(b, s.cx+radius*math.Sin(a))
			b = append(b, ' ')
			b = r.num(b, s.cy-radius*math.Cos(a))
		}
	}
	whole := s.sweep > 2*math.Pi-1e-3
	if whole {
		s.sweep = 2 * math.Pi
	}
	arc('M', s.r, s.start, s.start+s.sweep, '1')
	switch {
	case hole > 0 && whole:
		b = append(b, 'Z')
		arc('M', hole, s.start+s.sweep, s.start, '0')
	case hole > 0:
		arc('L', hole, s.start+s.sweep, s.start, '0')
	case !whole:
		b = r.to(b, 'L', s.cx, s.cy)
	}
	return append(b, 'Z')
}

// Text writes the label of a tick. go-chart has already turned the alignment into a left edge by our width of the text;
// the anchor is given back to it, so that a reader with another font still sees it aligned.
func (r *renderer) Text(body string, x, y int) {
	axis := 0
	switch r.class {
	case classTickX:
	case classTickY:
		axis = 1
	default:
		return
	}
	label := tickLabel{text: body}
	if i := r.ticks[axis]; i < len(r.labels[axis]) {
		label = r.labels[axis][i]
	}
	r.ticks[axis]++
	w := float64(r.MeasureText(body).Width())
	class := "tick"
	if label.strong {
		class = "tick day"
	}
	if axis == 0 {
		r.label(float64(x)+w/2, float64(y), "middle", body, mark{class: class, tip: label.full})
		r.label(float64(x)+w/2, float64(y)+lineRoom, "middle", label.second, mark{class: class, tip: label.full})
		return
	}
	r.label(float64(x)+w, float64(y), "end", body, mark{class: class, tip: label.full})
}

// MeasureText is the box go-chart lays a label out by.
func (r *renderer) MeasureText(body string) gochart.Box {
	return gochart.Box{Right: ceil(width(body, textSize)), Bottom: capHeight}
}

// Save does nothing: document writes the whole element once go-chart is done.
func (r *renderer) Save(io.Writer) error { return nil }
