package chart

import (
	"slices"
	"strings"
)

const (
	mostNodes = 60
	mostLinks = 400

	boxTall, boxLow  = 46.0, 32.0 // height of a box with two lines and with one
	boxGap           = 12.0       // below a box
	wayGap           = 14.0       // room of a line that passes a layer
	boxWide, boxLean = 210.0, 112.0
	leastLayerGap    = 26.0
	mostLayerGap     = 130.0
)

// network is a graph as it is drawn.
type network struct {
	*layered
	nodes   []Node
	values  []float64 // of the edges
	tall    bool      // boxes have a second line
	cut     int       // nodes left out
	dropped int       // lines left out
}

func (g network) states() []string {
	out := make([]string, len(g.nodes))
	for i, n := range g.nodes {
		out[i] = n.State
	}
	return out
}

// second is the second line of a box: its state in words, and its note.
func (n Node) second() string {
	if n.State == "" || n.Note == "" {
		return n.State + n.Note
	}
	return n.State + " · " + n.Note
}

// graph collects nodes, those of Nodes first, and lines between them. A line that stands twice is one.
func (s Spec) graph() (network, error) {
	var g network
	at := map[string]int{}
	add := func(name string) int {
		if i, ok := at[name]; ok {
			return i
		}
		if len(g.nodes) == mostNodes {
			at[name] = -1
			g.cut++
			return -1
		}
		at[name] = len(g.nodes)
		g.nodes = append(g.nodes, Node{Name: name, Label: name})
		return at[name]
	}
	for _, n := range s.Nodes {
		if n.Name == "" {
			continue
		}
		_, known := at[n.Name]
		if i := add(n.Name); i >= 0 && !known {
			if n.Label == "" {
				n.Label = n.Name
			}
			g.nodes[i] = n
		}
	}
	var edges [][2]int
	seen := map[[2]int]bool{}
	for _, l := range s.Links {
		if l.From == "" || l.To == "" {
			continue
		}
		e := [2]int{add(l.From), add(l.To)}
		switch {
		case e[0] < 0 || e[1] < 0 || seen[e]:
		case len(edges) == mostLinks:
			g.dropped++
		default:
			seen[e] = true
			edges = append(edges, e)
			g.values = append(g.values, l.Value)
		}
	}
	if len(g.nodes) == 0 {
		return g, ErrEmpty
	}
	for _, n := range g.nodes {
		g.tall = g.tall || n.second() != ""
	}
	g.layered = newLayered(len(g.nodes), edges)
	return g, nil
}

func (g network) boxHeight() float64 {
	if g.tall {
		return boxTall
	}
	return boxLow
}

// columns is the width of the boxes when layers stand side by side, 0 when they have no room to, and the gap between.
func (g network) columns(width float64) (box, gap float64) {
	n := float64(g.layers)
	box = min((width-leastLayerGap*(n-1))/n, boxWide)
	if box < boxLean {
		return 0, 0
	}
	if n > 1 {
		gap = min((width-n*box)/(n-1), mostLayerGap)
	}
	return box, gap
}

// graphHeight is the height a graph needs at the width of the Spec.
func (s Spec) graphHeight() int {
	g, err := s.graph()
	if err != nil {
		return 120
	}
	if box, _ := g.columns(float64(s.Width - 4)); box == 0 {
		return int(float64(len(g.nodes))*(g.boxHeight()+boxGap)) + 22
	}
	layers, _ := g.ordered()
	tallest := 0.0
	for _, l := range layers {
		tallest = max(tallest, g.room(l))
	}
	return max(int(tallest)+22, minHeight)
}

// room is the height a layer needs.
func (g network) room(layer []*place) float64 {
	h := 0.0
	for _, p := range layer {
		h += g.pitch(p)
	}
	return h
}

func (g network) pitch(p *place) float64 {
	if p.node < 0 {
		return wayGap / max(1, float64(len(g.edges))/60) // a thicket of lines lies closer
	}
	return g.boxHeight() + boxGap
}

// spread gives every place its height: at the middle of its neighbours, in order and without touching.
func (g network) spread(layers [][]*place, height float64) {
	for _, l := range layers {
		y := (height - g.room(l)) / 2
		for _, p := range l {
			p.y = y + g.pitch(p)/2
			y += g.pitch(p)
		}
	}
	for round := range 10 {
		for k := range layers {
			l := layers[k]
			if round%2 == 1 {
				l = layers[len(layers)-1-k]
			}
			g.settle(l, height)
		}
	}
}

func (g network) settle(l []*place, height float64) {
	for _, p := range l {
		sum, n := 0.0, 0
		for _, near := range p.near {
			for _, q := range near {
				sum += q.y
				n++
			}
		}
		if n > 0 {
			p.y = sum / float64(n)
		}
	}
	floor := 0.0
	for _, p := range l {
		p.y = max(p.y, floor+g.pitch(p)/2)
		floor = p.y + g.pitch(p)/2
	}
	roof := height
	for _, p := range slices.Backward(l) {
		p.y = min(p.y, roof-g.pitch(p)/2)
		roof = p.y - g.pitch(p)/2
	}
}

func (g network) summary(s Spec) string {
	text := count(len(g.nodes)+g.cut, "box")
	if n := len(g.nodes) + g.cut; n != 1 {
		text = Grouped(float64(n)) + " boxes"
	}
	text += " in " + count(g.layers, "layer")
	if states := s.countStates(g.states()); states != "" {
		text = states + ", of " + text
	}
	var bad []string
	for _, n := range g.nodes {
		if n.State != "" && s.tone(n.State) == Bad {
			bad = append(bad, isolate(n.Label)+" "+n.State)
		}
	}
	if len(bad) > 4 {
		bad = append(bad[:4], "and others")
	}
	if len(bad) > 0 {
		text += "; " + strings.Join(bad, ", ")
	}
	if n := countTrue(g.back); n > 0 {
		text += "; " + count(n, "line") + " closing a cycle"
	}
	return text
}

func countTrue(in []bool) (n int) {
	for _, b := range in {
		if b {
			n++
		}
	}
	return n
}
