package notebook

import (
	"math"
	"slices"

	"tillflow/lib/chart"
	"tillflow/lib/frame"
)

// tones are the words of a report that mean a tone.
func (s *chartSpec) tones() map[string]chart.Tone {
	out := map[string]chart.Tone{}
	for word, tone := range s.States {
		out[word] = chart.Tone(tone)
	}
	return out
}

// histogram fills in values, and how often each stands.
func (d *Data) histogram(c *cell, cols chartColumns, spec *chart.Spec) {
	s := c.chart
	spec.LogX, spec.LogY, spec.Bins = s.Scale == "log", false, s.Bins
	spec.Series = []chart.Series{{Name: words(s.X), Color: d.hue(s), Values: floats(cols.x)}}
	if len(cols.y) > 0 {
		spec.Weights = floats(cols.y[0])
	} else { // what is counted has no format of its own
		spec.FormatY = func(v float64) string { return comma(v, 0) }
	}
}

// heatmap sorts rows into fields. Times and numbers go across in their order, labels as they first appear. Of two rows
// for one field the last one counts, and its values are not added up: the query knows what that would mean.
func (d *Data) heatmap(c *cell, f *frame.Frame, cols chartColumns, spec *chart.Spec) {
	s, l := c.chart, d.locale()
	across := make([]string, f.Rows())
	for i := range across {
		across[i] = cols.x.Text(i)
	}
	order := make([]int, 0, len(across)) // the first row of each column
	column := map[string]int{}
	for i, name := range across {
		if _, ok := column[name]; !ok && !cols.x.IsNull(i) {
			column[name] = 0
			order = append(order, i)
		}
	}
	switch cols.x.Kind {
	case frame.Time:
		slices.SortStableFunc(order, func(a, b int) int { return cols.x.Times[a].Compare(cols.x.Times[b]) })
	case frame.Int, frame.Float:
		slices.SortStableFunc(order, func(a, b int) int { return int(math.Copysign(1, cols.x.Float(a)-cols.x.Float(b))) })
	}
	for k, i := range order {
		column[across[i]] = k
		if cols.x.Kind == frame.Time && s.Format.X.name == "" {
			spec.Times = append(spec.Times, cols.x.Times[i])
		} else {
			spec.Labels = append(spec.Labels, l.value(s.Format.X.format, cols.x, i, false))
		}
	}
	row := map[string]int{}
	for i := range across {
		k, ok := column[across[i]]
		if !ok || cols.x.IsNull(i) {
			continue
		}
		name := l.value(s.Format.Y.format, cols.y[0], i, false)
		at, known := row[name]
		if !known {
			at = len(spec.Series)
			row[name] = at
			empty := make([]float64, len(order))
			for j := range empty {
				empty[j] = math.NaN()
			}
			spec.Series = append(spec.Series, chart.Series{Name: name, Color: d.hue(s), Values: empty})
			if cols.state != nil {
				spec.States = append(spec.States, make([]string, len(order)))
			}
			if cols.note != nil {
				spec.Remarks = append(spec.Remarks, make([]string, len(order)))
			}
		}
		if cols.value != nil {
			spec.Series[at].Values[k] = cols.value.Float(i)
		}
		if cols.state != nil {
			spec.States[at][k] = cols.state.Text(i)
		}
		if cols.note != nil {
			spec.Remarks[at][k] = cols.note.Text(i)
		}
	}
	spec.Tones = s.tones()
}

// flow fills in a ribbon per row. The palette of a report gives names their colours; without one the order does.
func (d *Data) flow(c *cell, cols chartColumns, spec *chart.Spec) {
	s := c.chart
	for i := range cols.to.Len() {
		spec.Links = append(spec.Links, chart.Link{From: cols.from.Text(i), To: cols.to.Text(i), Value: cols.value.Float(i)})
	}
	spec.Steps = s.Steps
	if s.Palette == "" {
		return
	}
	names := distinct(append(texts(cols.from), texts(cols.to)...))
	for i, slot := range d.slots(s, names) {
		spec.Series = append(spec.Series, chart.Series{Name: names[i], Color: slot})
	}
}

// graph fills in a box per name in to, and a line per row with a from.
func (d *Data) graph(c *cell, cols chartColumns, spec *chart.Spec) {
	s := c.chart
	text := func(col *frame.Column, i int) string {
		if col == nil {
			return ""
		}
		return col.Text(i)
	}
	for i := range cols.to.Len() {
		spec.Nodes = append(spec.Nodes, chart.Node{Name: cols.to.Text(i), Label: text(cols.label, i), State: text(cols.state, i), Note: text(cols.note, i)})
		link := chart.Link{From: text(cols.from, i), To: cols.to.Text(i), Value: math.NaN()}
		if cols.value != nil {
			link.Value = cols.value.Float(i)
		}
		spec.Links = append(spec.Links, link)
	}
	spec.Tones = s.tones()
}
