package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// colours is how many series of a chart have a colour of their own; Other is the slot after them.
const colours = 6

// layer is a series as it is drawn.
type layer struct {
	name   string
	slot   int
	values []float64
}

// class is the palette class of a slot: fill f0 to f5 or fo, stroke s0 to s5 or so.
func class(kind byte, slot int) string {
	if slot < 0 || slot >= colours {
		return string([]byte{kind, 'o'})
	}
	return string([]byte{kind, '0' + byte(slot)})
}

// mostOthers is how many series past six a line chart still draws, the first ones; more would be a grey carpet.
const mostOthers = 24

// layers gives each series its slot and groups the smallest past six. sum says that values may be added up, so that the
// group is one series; without it each stays its own, up to mostOthers, and all share the slot Other.
func layers(in []Series, sum bool) []layer {
	out := make([]layer, len(in))
	for i, s := range in {
		out[i] = layer{name: s.Name, slot: s.Color, values: s.Values}
	}
	if len(out) > colours {
		kept := largest(in)
		other := layer{name: "Other", slot: Other}
		var shown, rest []layer
		for i, l := range out {
			if kept[i] {
				shown = append(shown, l)
				continue
			}
			l.slot = Other
			rest = append(rest, l)
			other.values = addUp(other.values, l.values)
		}
		switch {
		case sum && len(rest) > 1:
			other.name = "Other (" + strconv.Itoa(len(rest)) + ")"
			rest = []layer{other}
		case len(rest) > mostOthers:
			rest = rest[:mostOthers]
		}
		out = append(shown, rest...)
	}
	distinct(out)
	return out
}

// largest marks the six series with the largest sums of absolute values; of equal ones the earlier.
func largest(in []Series) []bool {
	size := make([]float64, len(in))
	order := make([]int, len(in))
	for i, s := range in {
		order[i] = i
		for _, v := range s.Values {
			if !math.IsNaN(v) {
				size[i] += math.Abs(v)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(size[b], size[a]) })
	kept := make([]bool, len(in))
	for _, i := range order[:colours] {
		kept[i] = true
	}
	return kept
}

// addUp adds two columns; a gap stays one only where both have it.
func addUp(a, b []float64) []float64 {
	if a == nil {
		return slices.Clone(b)
	}
	for i, v := range b {
		switch {
		case math.IsNaN(a[i]):
			a[i] = v
		case !math.IsNaN(v):
			a[i] += v
		}
	}
	return a
}

// distinct moves a layer whose slot is taken to the lowest free one. Other may be taken by many.
func distinct(ls []layer) {
	var taken [colours]bool
	for i := range ls {
		slot := ls[i].slot
		if slot < 0 || slot >= colours {
			ls[i].slot = Other
			continue
		}
		if taken[slot] {
			slot = Other
			for free := range taken {
				if !taken[free] {
					slot = free
					break
				}
			}
			ls[i].slot = slot
		}
		if slot != Other {
			taken[slot] = true
		}
	}
}
