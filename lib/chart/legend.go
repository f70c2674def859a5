package chart

// Entry is one line of a legend.
type Entry struct {
	Name  string
	Slot  int     // palette slot, 0 to 5, or Other
	Class string  // fill class of its marks: f0 to f5, or fo
	Mark  string  // small decorative SVG of its mark, safe to put into HTML: its colour, and in a scatter its shape
	Value float64 // sum of its values; in a scatter the number of its points
	Share float64 // its part of the whole, 0 to 1; 0 where parts do not add up to a whole
}

// Legend lists what the colours of a chart mean, in drawing order and after grouping: the same names and slots as SVG
// draws. It is empty where one colour means nothing of its own, or where the chart cannot be drawn. Bars coloured by
// ColorBy are explained by their Notes.
func Legend(s Spec) (out []Entry) {
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	s, err := s.ready()
	if err != nil {
		return nil
	}
	shape := square
	switch s.Kind {
	case Spark, Histogram, Flow:
		return nil // one colour, or names beside the marks
	case Heatmap:
		if h, err := s.raster(); err == nil {
			out = h.legend(s)
		}
	case Graph:
		if g, err := s.graph(); err == nil {
			out = s.stateLegend(g.states())
		}
	case Pie, Donut:
		parts, _, err := s.sectors()
		if err != nil {
			return nil
		}
		for _, p := range parts {
			out = append(out, Entry{Name: p.name, Slot: p.slot, Value: p.value, Share: p.share})
		}
	case Scatter:
		c, err := s.cloud()
		if err != nil {
			return nil
		}
		counts := make([]float64, len(c.groups))
		for _, p := range c.points {
			counts[p.group]++
		}
		for i, g := range c.groups {
			if g.name != "" && len(c.groups) > 1 {
				out = append(out, Entry{Name: g.name, Slot: g.slot, Value: counts[i], Share: counts[i] / float64(len(c.points))})
			}
		}
		for i := range out {
			out[i].Mark = key(markerOf(out[i].Slot), out[i].Slot)
		}
	case Line:
		out = s.layerLegend()
		for i := range out {
			out[i].Mark = key(markerOf(out[i].Slot), out[i].Slot)
		}
	default:
		out = s.layerLegend()
	}
	for i := range out {
		if out[i].Class == "" {
			out[i].Class = class('f', out[i].Slot)
		}
		if out[i].Mark == "" {
			out[i].Mark = key(shape, out[i].Slot)
		}
	}
	return out
}

// layerLegend is the legend of charts made of series. All lines that share Other are one entry.
func (s Spec) layerLegend() (out []Entry) {
	ls := layers(s.Series, s.Kind != Line)
	if len(ls) < 2 {
		return s.noteLegend()
	}
	total, wholes := 0.0, true
	for _, l := range ls {
		e := Entry{Name: l.name, Slot: l.slot}
		for _, v := range l.values {
			if v == v {
				e.Value += v
				wholes = wholes && v >= 0
			}
		}
		total += e.Value
		if n := len(out); s.Kind == Line && len(ls) > colours+1 && l.slot == Other && n > 0 && out[n-1].Slot == Other {
			out[n-1].Name = "Other"
			continue
		}
		out = append(out, e)
	}
	if wholes && total > 0 && s.Kind != Line {
		for i := range out {
			out[i].Share = out[i].Value / total
		}
	}
	return out
}

// noteLegend names the colours of ColorBy by the notes of their bars.
func (s Spec) noteLegend() (out []Entry) {
	at := map[int]int{}
	for i, slot := range s.ColorBy {
		if i >= len(s.Notes) || s.Notes[i] == "" {
			continue
		}
		if slot < 0 || slot >= colours {
			slot = Other
		}
		k, ok := at[slot]
		if !ok {
			k = len(out)
			at[slot] = k
			out = append(out, Entry{Name: s.Notes[i], Slot: slot})
		}
		if v := s.Series[0].Values[i]; v == v {
			out[k].Value += v
		}
	}
	return out
}

// key draws a mark for a legend.
func key(k marker, slot int) string { return keyOf(k, class('f', slot)) }

func keyOf(k marker, class string) string {
	r := &renderer{w: 12, h: 12}
	size := 4.4
	if k == square {
		size = 5
	}
	r.shape(k, 6, 6, size, mark{class: class})
	return `<svg class="key" viewBox="0 0 12 12" aria-hidden="true">` + string(r.out) + `</svg>`
}
