package chart

import (
	"math"
	"slices"
	"strconv"
)

// How many fields a heatmap has room for. Of times the last columns stay, of labels the first.
const (
	mostColumns       = 120
	mostColumnsNarrow = 48
	mostRows          = 40
	mostFieldTips     = 1600 // more fields have no tooltips of their own: they are most of the bytes
)

// shades is how many depths of colour a heatmap has, without that of zero.
const shades = 6

// raster is a heatmap as it is drawn: rows from the top, fields from the left.
type raster struct {
	names  []string // of the columns, for tooltips
	rows   []string
	values [][]float64 // NaN is an empty field
	states [][]string  // nil draws values
	size   float64     // the largest absolute value
	signed bool
	note   string
}

func (s Spec) raster() (raster, error) {
	var h raster
	n := len(s.Labels)
	if s.Times != nil {
		n = len(s.Times)
	}
	most := mostColumns
	if s.narrow() {
		most = mostColumnsNarrow
	}
	if s.States != nil { // a shape needs its room
		most = min(most, max(s.Width*7/10/12, 12))
	}
	from, to := 0, n
	switch {
	case n > most && s.Times != nil:
		from = n - most
		h.note = "last " + strconv.Itoa(most) + " of " + Grouped(float64(n)) + " columns"
	case n > most:
		to = most
		h.note = "first " + strconv.Itoa(most) + " of " + Grouped(float64(n)) + " columns"
	}
	for i := from; i < to; i++ {
		if s.Times != nil {
			h.names = append(h.names, s.Times[i].In(s.Location).Format("2 Jan 15:04"))
		} else {
			h.names = append(h.names, s.Labels[i])
		}
	}
	series := s.Series
	if len(series) > mostRows {
		h.note = joined(h.note, "first "+strconv.Itoa(mostRows)+" of "+Grouped(float64(len(series)))+" rows")
		series = series[:mostRows]
	}
	known := false
	for i, one := range series {
		h.rows = append(h.rows, one.Name)
		if s.States != nil {
			row := s.States[i][from:to]
			h.states = append(h.states, row)
			known = known || slices.ContainsFunc(row, func(w string) bool { return w != "" })
			continue
		}
		row := one.Values[from:to]
		h.values = append(h.values, row)
		if lo, hi, _, ok := extent(row); ok {
			known = true
			h.size = max(h.size, hi, -lo)
			h.signed = h.signed || lo < 0
		}
	}
	if !known {
		return h, ErrEmpty
	}
	return h, nil
}

// shade is the depth of a value: 0 for zero, 1 to shades above it.
func (h raster) shade(v float64) int {
	if v == 0 || h.size == 0 {
		return 0
	}
	return min(max(int(math.Ceil(math.Abs(v)/h.size*shades-1e-9)), 1), shades)
}

// hue is the fill class of a value: values below zero have a colour of their own, and their sign in the tooltip.
func hue(s Spec, v float64) string {
	slot := s.Series[0].Color
	if v < 0 {
		slot = (slot + 1) % colours
	}
	return class('f', slot)
}

// drawHeatmap draws a field per column and row: deeper in colour for more, or with the shape and colour of its state.
// Values are written into the fields where all of them have the room.
func (s Spec) drawHeatmap(r *renderer) error {
	h, err := s.raster()
	if err != nil {
		return err
	}
	rows := make([]tickLabel, len(h.rows))
	for i, name := range h.rows {
		rows[i].text = name
	}
	y := slots(rows, true)
	y.cutLabels(min(float64(s.Width)*0.36, 240))
	slot := s.plotWidth(y.widest()) / float64(len(h.names))
	columns, lines := underSlots(h.names, slot)
	if s.Times != nil {
		columns, lines = s.timeLabels(len(h.names), slot), 1
	}
	p := plot{x: slots(columns, false), y: y}
	p.pad.Bottom = int(float64(lines-1) * lineRoom)
	p.draw = func(c *canvas) {
		if h.states != nil {
			c.stateFields(s, h)
		} else {
			c.valueFields(s, h)
		}
		c.note(h.note)
	}
	return p.render(r)
}

// timeLabels names every so many of the last n times, as an axis of time would: the clock, and the day where it changes.
func (s Spec) timeLabels(n int, slot float64) []tickLabel {
	times := s.Times[len(s.Times)-n:]
	out := make([]tickLabel, n)
	every := max(1, int(math.Ceil(56/slot)))
	step := clock{seconds: 60}
	whole := true
	for _, t := range times {
		whole = whole && secondsOfDay(t.In(s.Location)) == 0
	}
	if whole {
		step = clock{days: 1}
	}
	for i := 0; i < n; i += every {
		if i == 0 {
			out[i] = step.label(times[0].In(s.Location), times[0].In(s.Location))
			continue
		}
		out[i] = step.label(times[i].In(s.Location), times[i-every].In(s.Location))
	}
	return out
}

// legend explains states by their marks, and values by the range of each depth.
func (h raster) legend(s Spec) (out []Entry) {
	if h.states != nil {
		return s.stateLegend(slices.Concat(h.states...))
	}
	if h.size == 0 {
		return nil
	}
	for d := 1; d <= shades; d++ {
		to := h.size * float64(d) / shades
		c := hue(s, 1) + " h" + strconv.Itoa(d)
		out = append(out, Entry{Name: "to " + s.short(to), Slot: s.Series[0].Color, Class: c, Mark: keyOf(square, c)})
	}
	if h.signed {
		c := hue(s, -1) + " h4"
		out = append(out, Entry{Name: "below zero", Slot: Other, Class: c, Mark: keyOf(square, c)})
	}
	return out
}

func (h raster) summary(s Spec) string {
	size := count(len(h.rows), "row") + " by " + count(len(h.names), "column")
	if h.states != nil {
		return s.countStates(slices.Concat(h.states...)) + " in " + size
	}
	var high, low [2]int
	first := true
	for k, row := range h.values {
		for i, v := range row {
			if math.IsNaN(v) {
				continue
			}
			if first || v > h.values[high[0]][high[1]] {
				high = [2]int{k, i}
			}
			if first || v < h.values[low[0]][low[1]] {
				low = [2]int{k, i}
			}
			first = false
		}
	}
	place := func(at [2]int) string {
		return s.FormatY(h.values[at[0]][at[1]]) + " at " + isolate(h.rows[at[0]]) + ", " + isolate(h.names[at[1]])
	}
	return "highest " + place(high) + "; lowest " + place(low) + "; " + size
}

// sortedKeys lists the keys of a map in an order, so that the same Spec gives the same bytes.
func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, compare)
	return out
}
