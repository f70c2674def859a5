package notebook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tillflow/lib/chart"
	"tillflow/lib/frame"
)

// Widths of the two variants of a chart, in pixels as they are seen: in a card over both columns, in one over one, and
// on a phone.
const (
	wideWidth   = 1200
	halfWidth   = 580
	narrowWidth = 360
)

// chartColumns are the columns of a chart cell, found.
type chartColumns struct {
	x, color, flag, note, label *frame.Column
	from, to, value, state      *frame.Column
	y                           []*frame.Column
}

// columnNames lists the columns a chart names, in the order its rows are shown in; some may be empty or stand twice.
func (s *chartSpec) columnNames() []string {
	out := append([]string{s.From, s.To, s.X}, s.Y...)
	return append(out, s.Value, s.State, s.Color, s.Flag, s.Note, s.Label)
}

// columns finds the columns a chart names.
func (d *Data) columns(c *cell, f *frame.Frame) (chartColumns, *CellError) {
	s := c.chart
	var out chartColumns
	var failed *CellError
	find := func(key, name string) *frame.Column {
		if name == "" || failed != nil {
			return nil
		}
		col := f.Column(name)
		if col == nil {
			wrong := noColumn(f.Names(), s.Data, name)
			failed = d.Report.errorAt(c, s.node.At(key), wrong.msg, wrong.hint)
		}
		return col
	}
	out.x = find("x", s.X)
	for _, y := range s.Y {
		out.y = append(out.y, find("y", y))
	}
	out.color, out.flag = find("color", s.Color), find("flag", s.Flag)
	out.note, out.label = find("note", s.Note), find("label", s.Label)
	out.from, out.to, out.state = find("from", s.From), find("to", s.To), find("state", s.State)
	if out.value = find("value", s.Value); out.value != nil && out.value.Kind != frame.Int && out.value.Kind != frame.Float {
		failed = d.Report.errorAt(c, s.node.At("value"), fmt.Sprintf("%s is a column of %s, value wants numbers", s.Value, out.value.Kind), "name another column, or cast it in the query")
	}
	return out, failed
}

// spec makes what lib/chart draws of a chart cell's rows.
func (d *Data) spec(c *cell, f *frame.Frame) (chart.Spec, *CellError) {
	s := c.chart
	cols, failed := d.columns(c, f)
	if failed != nil {
		return chart.Spec{}, failed
	}
	l := d.locale()
	spec := chart.Spec{
		Kind: chart.Kind(s.kind), ID: c.name, Title: d.plain(s.title), Height: s.Height, Location: l.location,
		Center: d.plain(s.center), CenterNote: d.plain(s.below),
		FormatX: func(v float64) string { return l.number(s.Format.X.or(cols.x), v, false) },
		AxisX:   func(v float64) string { return l.tick(s.Format.X.or(cols.x), format{decimals: -1}, v) },
		LogX:    s.ScaleX == "log", LogY: s.Scale == "log",
	}
	main := s.Format.Y.format // of the numbers a chart is about
	switch {
	case s.Value != "":
		main = s.Format.Value.or(cols.value)
	case len(cols.y) > 0:
		main = main.or(cols.y[0])
	}
	spec.FormatY = func(v float64) string { return l.number(main, v, false) }
	spec.AxisY = func(v float64) string { return l.tick(main, s.Format.Axis.format, v) }
	switch spec.Kind {
	case chart.Area, chart.Line, chart.TimeBars:
		if cols.x.Kind != frame.Time {
			return spec, d.Report.errorAt(c, s.node.At("x"), fmt.Sprintf("%s is a column of %s, a %s chart wants times", s.X, cols.x.Kind, s.kind), "use another column, or a chart of bars")
		}
		return spec, d.timeSeries(c, f, cols, &spec)
	case chart.Scatter:
		d.points(c, f, cols, &spec)
	case chart.Spark:
		spec.Series = []chart.Series{{Name: s.Y[0], Color: d.hue(s), Values: floats(cols.y[0])}}
	case chart.Histogram:
		d.histogram(c, cols, &spec)
	case chart.Heatmap:
		d.heatmap(c, f, cols, &spec)
	case chart.Flow:
		d.flow(c, cols, &spec)
	case chart.Graph:
		d.graph(c, cols, &spec)
	default:
		d.labelled(c, cols, &spec)
	}
	return spec, nil
}

func (d *Data) hue(s *chartSpec) int { return max(0, s.Hue-1) }

// timeSeries fills in a chart over time: one series per y column, or one per value of the color column.
func (d *Data) timeSeries(c *cell, f *frame.Frame, cols chartColumns, spec *chart.Spec) *CellError {
	s := c.chart
	wide, x := f, cols.x
	seriesNames := []string(s.Y)
	if cols.color != nil {
		var err error
		if wide, err = f.Pivot(s.X, s.Color, s.Y[0]); err != nil {
			return d.Report.errorAt(c, s.node.At("color"), err.Error(), "")
		}
		x = &wide.Columns[0]
		seriesNames = wide.Names()[1:]
	}
	spec.Times = x.Times
	slots := d.slots(s, seriesNames)
	for i, name := range seriesNames {
		values := wide.Column(name)
		label := name
		if cols.color == nil {
			label = words(name)
		}
		spec.Series = append(spec.Series, chart.Series{Name: label, Color: slots[i], Values: floats(values)})
	}
	if len(spec.Series) == 1 && s.Palette == "" {
		spec.Series[0].Color = d.hue(s)
	}
	if cols.flag != nil {
		flagged := map[time.Time]bool{}
		for i := range f.Rows() {
			if cols.flag.Float(i) == 1 && cols.x.Kind == frame.Time {
				flagged[cols.x.Times[i]] = true
			}
		}
		spec.Flags = make([]bool, len(spec.Times))
		for i, t := range spec.Times {
			spec.Flags[i] = flagged[t]
		}
	}
	return nil
}

// labelled fills in bars and slices.
func (d *Data) labelled(c *cell, cols chartColumns, spec *chart.Spec) {
	s, l := c.chart, d.locale()
	for i := range cols.x.Len() {
		spec.Labels = append(spec.Labels, l.value(s.Format.X.format, cols.x, i, false))
		if cols.note != nil {
			spec.Notes = append(spec.Notes, cols.note.Text(i))
		}
	}
	for i, y := range cols.y {
		spec.Series = append(spec.Series, chart.Series{Name: words(s.Y[i]), Color: i, Values: floats(y)})
	}
	if len(spec.Series) == 1 {
		spec.Series[0].Color = d.hue(s)
	}
	ring := spec.Kind == chart.Pie || spec.Kind == chart.Donut
	switch {
	case cols.color != nil:
		spec.ColorBy = d.slots(s, texts(cols.color))
	case ring && s.Palette != "":
		spec.ColorBy = d.slots(s, texts(cols.x))
	case ring:
		spec.ColorBy = largestFirst(spec.Series[0].Values)
	}
}

// largestFirst gives the six largest values a slot each, in the order they stand in, and the rest Other: lib/chart draws
// the rest in that colour, and no other slice should look the same.
func largestFirst(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	out := make([]int, len(values))
	for i := range out {
		out[i] = chart.Other
	}
	kept := slices.Sorted(slices.Values(order[:min(chart.Other, len(order))]))
	for slot, i := range kept {
		out[i] = slot
	}
	return out
}

// points fills in a scatter.
func (d *Data) points(c *cell, f *frame.Frame, cols chartColumns, spec *chart.Spec) {
	s := c.chart
	spec.Xs, spec.Ys = floats(cols.x), floats(cols.y[0])
	spec.NameX, spec.NameY = words(s.X), words(s.Y[0])
	if cols.label != nil {
		spec.Labels = texts(cols.label)
	}
	if cols.note != nil {
		spec.Notes = texts(cols.note)
	}
	groups := []string{words(s.Y[0])}
	if cols.color != nil {
		groups = distinct(texts(cols.color))
		slices.SortFunc(groups, naturally)
		spec.Groups = make([]int, f.Rows())
		for i := range spec.Groups {
			spec.Groups[i] = slices.Index(groups, cols.color.Text(i))
		}
	}
	slots := d.slots(s, groups)
	for i, g := range groups {
		spec.Series = append(spec.Series, chart.Series{Name: g, Color: slots[i]})
	}
	if len(groups) == 1 {
		spec.Series[0].Color = d.hue(s)
	}
}

// slots gives the palette slot of each name. With a palette its rows decide, so that a name keeps its colour in every
// chart and whatever its rank; without one the order in which names first appear does.
func (d *Data) slots(s *chartSpec, of []string) []int {
	order := distinct(of)
	if cell, column, ok := strings.Cut(s.Palette, "."); ok {
		if f := d.Results[cell].Frame; f != nil && f.Column(column) != nil {
			order = distinct(append(texts(f.Column(column)), order...))
		}
	}
	out := make([]int, len(of))
	for i, name := range of {
		out[i] = min(slices.Index(order, name), chart.Other)
	}
	return out
}

func floats(c *frame.Column) []float64 {
	out := make([]float64, c.Len())
	for i := range out {
		out[i] = c.Float(i)
	}
	return out
}

func texts(c *frame.Column) []string {
	out := make([]string, c.Len())
	for i := range out {
		out[i] = c.Text(i)
	}
	return out
}

func distinct(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// naturally orders names as people count: Cluster 2 before Cluster 10.
func naturally(a, b string) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 && strings.TrimRight(a, "0123456789") == strings.TrimRight(b, "0123456789") {
		return c
	}
	return cmp.Compare(a, b)
}
