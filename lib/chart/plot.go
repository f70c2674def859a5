package chart

import (
	"io"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Room around a plot in px, beyond what go-chart adds for labels.
const (
	padTop, padRight, padBottom, padLeft = 12, 14, 5, 2

	axisRoom  = 10 + capHeight // go-chart's margin and the labels below the x axis
	lineRoom  = 15.0           // one more line of text
	minWidth  = 160            // narrower than this, axes leave no room for a plot
	minHeight = 100
	maxSide   = 8000
)

// plot is a chart with axes: go-chart lays them out and draws labels and grid, then each draw adds marks.
type plot struct {
	x, y         *scale
	gridX, gridY bool
	bare         bool        // no axes at all
	pad          gochart.Box // beyond the usual room
	draw         func(c *canvas)
}

// canvas is where marks are drawn: the renderer with the laid out scales.
type canvas struct {
	*renderer
	left, right, top, bottom float64
	xs, ys                   *scale
}

func (c *canvas) x(v float64) float64 { return c.left + c.xs.at(v) }
func (c *canvas) y(v float64) float64 { return c.bottom - c.ys.at(v) }

// series makes a draw function a gochart.Series on the left axis, which go-chart calls the secondary one.
type series struct{ draw func(*canvas) }

func (series) GetName() string             { return "" }
func (series) GetYAxis() gochart.YAxisType { return gochart.YAxisSecondary }
func (series) GetStyle() gochart.Style     { return gochart.Style{} }
func (series) Validate() error             { return nil }

func (s series) Render(r gochart.Renderer, b gochart.Box, x, y gochart.Range, _ gochart.Style) {
	s.draw(&canvas{
		renderer: r.(*renderer), xs: x.(*scale), ys: y.(*scale),
		left: float64(b.Left), right: float64(b.Right), top: float64(b.Top), bottom: float64(b.Bottom),
	})
}

// palette turns off every colour go-chart would choose; only tokens set below are drawn.
type palette struct{}

func (palette) BackgroundColor() drawing.Color       { return drawing.Color{} }
func (palette) BackgroundStrokeColor() drawing.Color { return drawing.Color{} }
func (palette) CanvasColor() drawing.Color           { return drawing.Color{} }
func (palette) CanvasStrokeColor() drawing.Color     { return drawing.Color{} }
func (palette) AxisStrokeColor() drawing.Color       { return drawing.Color{} }
func (palette) TextColor() drawing.Color             { return drawing.Color{} }
func (palette) GetSeriesColor(int) drawing.Color     { return drawing.Color{} }

// render draws the plot through go-chart.
func (p plot) render(r *renderer) error {
	r.labels = [2][]tickLabel{p.x.labels(), p.y.labels()}
	c := gochart.Chart{
		Width: r.w, Height: r.h, DPI: 72, ColorPalette: palette{},
		Background: gochart.Style{Padding: gochart.Box{
			IsSet: true, Top: padTop + p.pad.Top, Left: padLeft + p.pad.Left,
			Right: padRight + p.pad.Right, Bottom: padBottom + p.pad.Bottom,
		}},
		XAxis: gochart.XAxis{Range: p.x, TickStyle: tickStyle(classTickX)},
		// go-chart needs a primary axis with a range even where nothing is drawn on it.
		YAxis:          gochart.YAxis{Style: gochart.Hidden(), Range: &gochart.ContinuousRange{Min: 0, Max: 1}},
		YAxisSecondary: gochart.YAxis{Range: p.y, TickStyle: tickStyle(classTickY), Zero: gochart.GridLine{Style: gochart.Hidden()}},
		Series:         []gochart.Series{series{p.draw}},
	}
	c.XAxis.GridLines, c.XAxis.GridMajorStyle, c.XAxis.GridMinorStyle = grid(p.gridX, p.x)
	c.YAxisSecondary.GridLines, c.YAxisSecondary.GridMajorStyle, c.YAxisSecondary.GridMinorStyle = grid(p.gridY, p.y)
	if p.bare {
		c.XAxis.Style, c.YAxisSecondary.Style = gochart.Hidden(), gochart.Hidden()
	}
	return c.Render(r.provider, io.Discard)
}

// tickStyle carries the class the renderer knows a part by. The width keeps go-chart from taking its default.
func tickStyle(class string) gochart.Style {
	return gochart.Style{ClassName: class, FontSize: textSize, StrokeWidth: 0.001}
}

// grid is a line at every tick; go-chart's own would leave out the first and the last.
func grid(on bool, s *scale) (lines []gochart.GridLine, major, minor gochart.Style) {
	if !on {
		return nil, gochart.Hidden(), gochart.Hidden()
	}
	for _, t := range s.ticks {
		lines = append(lines, gochart.GridLine{Value: t.at})
	}
	return lines, gochart.Style{StrokeColor: token(tokenGrid), StrokeWidth: 1}, gochart.Hidden()
}

// zeroLine draws the line bars and areas stand on, after them, so that their gaps do not thin it.
func (c *canvas) zeroLine() {
	y := c.y(min(max(0, c.ys.lo), c.ys.hi))
	d := c.to(nil, 'M', c.left, y)
	d = append(d, 'H')
	c.path(c.num(d, c.right), mark{class: "axis"})
}

// zeroLineX is the same for bars that lie.
func (c *canvas) zeroLineX() {
	x := c.x(min(max(0, c.xs.lo), c.xs.hi))
	d := c.to(nil, 'M', x, c.top)
	d = append(d, 'V')
	c.path(c.num(d, c.bottom), mark{class: "axis"})
}

// note writes a remark about the whole chart into its top right corner.
func (c *canvas) note(text string) {
	if text != "" {
		c.label(c.right, c.top-3, "end", text, mark{class: "note"})
	}
}

// plotHeight and plotWidth guess the inside of a plot before go-chart has laid it out; gutter is the widest label left
// of it.
func (s Spec) plotHeight() float64 { return max(float64(s.Height)-padTop-padBottom-axisRoom, 20) }

func (s Spec) plotWidth(gutter float64) float64 {
	return max(float64(s.Width)-padLeft-padRight-10-gutter, 40)
}

// ticksY and ticksX are how many ticks an axis has room for: six, fewer on a small chart.
func (s Spec) ticksY() int { return min(max(int(s.plotHeight()/36), 3), 6) }
func (s Spec) ticksX() int { return min(max(s.Width/82, 3), 6) }

// ticksTime may be more: a wide chart of hours reads better with them.
func (s Spec) ticksTime() int { return min(max(s.Width/72, 3), 12) }

// narrow says that a chart draws its variant for phones.
func (s Spec) narrow() bool { return s.Width <= 480 }

// headroom raises the high end so that free px stay empty above value v. The ticks stay where they are.
func (s *scale) headroom(v, free, height float64) {
	if height > 2*free {
		s.hi = max(s.hi, s.lo+(v-s.lo)*height/(height-free))
	}
}

// footroom is headroom for the low end.
func (s *scale) footroom(v, free, height float64) {
	if height > 2*free {
		s.lo = min(s.lo, s.hi-(s.hi-v)*height/(height-free))
	}
}

// widest is the room the labels of an axis take.
func (s *scale) widest() float64 {
	w := 0.0
	for _, t := range s.ticks {
		w = max(w, width(t.label.text, textSize))
	}
	return w
}

// cutLabels shortens the labels of a scale to room px. What the format of a report prints is not ours to trust.
func (s *scale) cutLabels(room float64) {
	for i := range s.ticks {
		l := &s.ticks[i].label
		if short := cut(l.text, textSize, room); short != l.text {
			l.text, l.full = short, l.text
		}
	}
}
