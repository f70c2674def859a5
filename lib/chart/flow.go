package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	mostSide   = 12 // names on a side; the smallest of more are one
	mostSteps  = 40 // names of a flow over several layers
	flowBar    = 12.0
	nameRoom   = 15.0 // from one name to the next, px
	leastNode  = 2.0
	leastThick = 0.8
	otherNames = "Other"
)

// stream is a flow as it is drawn.
type stream struct {
	*layered
	names  []string
	slot   []int
	size   []float64 // of a node: the larger of what comes and what goes
	values []float64 // of the edges
	total  float64   // all that flows; over several layers what leaves their starts
	cut    int       // names left out
	pairs  int       // sides only: nodes of the left side
}

// flow adds up links of the same pair. Without Steps the names on the left and those on the right are different nodes.
func (s Spec) flow() (stream, error) {
	var f stream
	links := make([]Link, 0, len(s.Links))
	for i, l := range s.Links {
		switch {
		case math.IsNaN(l.Value) || math.IsInf(l.Value, 0):
		case l.Value < 0:
			return f, s.fail("row %d, %q to %q, is %s: a flow cannot be below zero", i+1, l.From, l.To, s.FormatY(l.Value))
		case l.Value > largestValue:
			return f, s.fail("row %d, %q to %q, is %g, more than a chart can show", i+1, l.From, l.To, l.Value)
		default:
			links = append(links, l)
		}
	}
	if len(links) == 0 {
		return f, ErrEmpty
	}
	if s.Steps {
		links, f.cut = fewerNames(links, mostSteps)
	} else {
		links = fewerSides(links, func(l *Link) *string { return &l.From })
		links = fewerSides(links, func(l *Link) *string { return &l.To })
	}
	at := map[[2]string]int{}
	side := func(where, name string) int {
		if s.Steps {
			where = ""
		}
		k := [2]string{where, name}
		i, ok := at[k]
		if !ok {
			i = len(f.names)
			at[k] = i
			f.names = append(f.names, name)
		}
		return i
	}
	if !s.Steps { // the left side first, so that both sides keep the order of the rows
		for _, l := range links {
			side("from", l.From)
		}
		f.pairs = len(f.names)
	}
	var edges [][2]int
	seen := map[[2]int]int{}
	for _, l := range links {
		e := [2]int{side("from", l.From), side("to", l.To)}
		i, ok := seen[e]
		if !ok {
			i = len(edges)
			seen[e] = i
			edges = append(edges, e)
			f.values = append(f.values, 0)
		}
		f.values[i] += l.Value
	}
	f.layered = newLayered(len(f.names), edges)
	f.measure()
	f.slot = s.nameSlots(f.names)
	return f, nil
}

// measure sums up what flows through each node.
func (f *stream) measure() {
	in, out := make([]float64, len(f.names)), make([]float64, len(f.names))
	for i, e := range f.edges {
		if !f.back[i] {
			out[e[0]] += f.values[i]
			in[e[1]] += f.values[i]
		}
	}
	f.size = make([]float64, len(f.names))
	for n := range f.names {
		f.size[n] = max(in[n], out[n])
		f.total += max(0, out[n]-in[n])
	}
}

// nameSlots gives names the slot of the series that is called so, others the next free ones in order.
func (s Spec) nameSlots(names []string) []int {
	slot := map[string]int{}
	var taken [colours]bool
	for _, one := range s.Series {
		if _, ok := slot[one.Name]; !ok {
			slot[one.Name] = one.Color
			if one.Color >= 0 && one.Color < colours {
				taken[one.Color] = true
			}
		}
	}
	out := make([]int, len(names))
	for i, name := range names {
		if _, ok := slot[name]; !ok {
			slot[name] = Other
			if free := slices.Index(taken[:], false); free >= 0 && len(s.Series) == 0 && !strings.HasPrefix(name, otherNames+" (") {
				slot[name] = free
				taken[free] = true
			}
		}
		out[i] = slot[name]
	}
	return out
}

// fewerSides groups the smallest names of one side beyond what it has room for.
func fewerSides(links []Link, name func(*Link) *string) []Link {
	size := map[string]float64{}
	var order []string
	for i := range links {
		n := *name(&links[i])
		if _, ok := size[n]; !ok {
			order = append(order, n)
		}
		size[n] += links[i].Value
	}
	if len(order) <= mostSide {
		return links
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(size[b], size[a]) })
	kept := map[string]bool{}
	for _, n := range order[:mostSide-1] {
		kept[n] = true
	}
	other := otherNames + " (" + strconv.Itoa(len(order)-len(kept)) + ")"
	var out, last []Link // the rest stands below the others
	for _, l := range links {
		if n := name(&l); kept[*n] {
			out = append(out, l)
		} else {
			*n = other
			last = append(last, l)
		}
	}
	return append(out, last...)
}

// fewerNames keeps the links between the first most names.
func fewerNames(links []Link, most int) ([]Link, int) {
	kept, cut := map[string]bool{}, map[string]bool{}
	var out []Link
	for _, l := range links {
		ok := true
		for _, n := range []string{l.From, l.To} {
			switch {
			case kept[n]:
			case len(kept) < most:
				kept[n] = true
			default:
				cut[n] = true
				ok = false
			}
		}
		if ok {
			out = append(out, l)
		}
	}
	return out, len(cut)
}

func (f stream) summary(s Spec) string {
	ends := strconv.Itoa(f.pairs) + " to " + strconv.Itoa(len(f.names)-f.pairs) + " names"
	if s.Steps {
		ends = count(len(f.names), "name") + " in " + count(f.layers, "layer")
	}
	top := 0
	for i, v := range f.values {
		if v > f.values[top] {
			top = i
		}
	}
	text := s.FormatY(f.total) + " in total, " + ends
	if e := f.edges[top]; f.total > 0 {
		text += ", most of it " + isolate(f.names[e[0]]) + " to " + isolate(f.names[e[1]]) + " with " + s.FormatY(f.values[top])
	}
	if n := countTrue(f.back); n > 0 {
		text += "; " + count(n, "ribbon") + " back"
	}
	return text
}
