package chart

import (
	"cmp"
	"slices"
)

// layered is a directed graph with a layer for each node, so that every edge but those that close a cycle runs from an
// earlier layer to a later one. Nodes and edges keep their order.
//
// Model: Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981: break
// cycles, layer by longest path, order each layer by the middle of its neighbours. Cost: nodes + edges, times the layers
// an edge runs over.
type layered struct {
	nodes  int
	edges  [][2]int // from, to
	back   []bool   // edges that close a cycle, loops included
	layer  []int
	layers int
}

// layer sorts nodes into layers by the longest way from a start.
func newLayered(nodes int, edges [][2]int) *layered {
	g := &layered{nodes: nodes, edges: edges, back: make([]bool, len(edges)), layer: make([]int, nodes)}
	out := make([][]int, nodes) // edges by their start
	for i, e := range edges {
		out[e[0]] = append(out[e[0]], i)
	}
	const (
		unseen = iota
		open   // on the way that led here
		done
	)
	state := make([]int, nodes)
	var order []int // every node after all it leads to
	type frame struct{ node, next int }
	for start := range nodes {
		if state[start] != unseen {
			continue
		}
		state[start] = open
		for way := []frame{{start, 0}}; len(way) > 0; {
			f := &way[len(way)-1]
			if f.next == len(out[f.node]) {
				state[f.node] = done
				order = append(order, f.node)
				way = way[:len(way)-1]
				continue
			}
			i := out[f.node][f.next]
			f.next++
			switch to := edges[i][1]; state[to] {
			case open:
				g.back[i] = true
			case unseen:
				state[to] = open
				way = append(way, frame{to, 0})
			}
		}
	}
	slices.Reverse(order)
	hasIn := make([]bool, nodes)
	for _, n := range order {
		for _, i := range out[n] {
			if !g.back[i] {
				to := edges[i][1]
				g.layer[to] = max(g.layer[to], g.layer[n]+1)
				hasIn[to] = true
			}
		}
	}
	for n := range nodes { // a start stands next to what it leads to
		first := -1
		for _, i := range out[n] {
			if l := g.layer[edges[i][1]]; !g.back[i] && (first < 0 || l < first) {
				first = l
			}
		}
		if !hasIn[n] && first > 0 {
			g.layer[n] = first - 1
		}
	}
	for _, l := range g.layer {
		g.layers = max(g.layers, l+1)
	}
	return g
}

// listed is the nodes in one line: each after all that lead to it, and as near behind the last of them as can be; nodes
// without edges come last.
func (g *layered) listed() []int {
	waits, linked := make([]int, g.nodes), make([]bool, g.nodes)
	out := make([][]int, g.nodes)
	for i, e := range g.edges {
		linked[e[0]], linked[e[1]] = true, true
		if !g.back[i] {
			out[e[0]] = append(out[e[0]], e[1])
			waits[e[1]]++
		}
	}
	var order []int
	for _, alone := range []bool{false, true} {
		for start := range g.nodes {
			if waits[start] != 0 || linked[start] == alone {
				continue
			}
			for next := []int{start}; len(next) > 0; {
				n := next[len(next)-1]
				next = next[:len(next)-1]
				order = append(order, n)
				waits[n] = -1 // listed
				for _, to := range slices.Backward(out[n]) {
					if waits[to]--; waits[to] == 0 {
						next = append(next, to)
					}
				}
			}
		}
	}
	return order
}

// place is where a layer holds a node, or an edge on its way through: then node is -1.
type place struct {
	node, edge int
	near       [2][]*place // neighbours in the layer before and after
	at         int         // index in its layer
	middle     float64     // of its neighbours' indexes
	y          float64
}

// ordered lists the places of each layer, in an order that lets few edges cross. ways gives the places each edge goes
// through, both ends included; it is nil for one that closes a cycle.
func (g *layered) ordered() (layers [][]*place, ways [][]*place) {
	layers = make([][]*place, g.layers)
	of := make([]*place, g.nodes)
	add := func(l int, p *place) *place {
		p.at = len(layers[l])
		layers[l] = append(layers[l], p)
		return p
	}
	for n, l := range g.layer {
		of[n] = add(l, &place{node: n, edge: -1})
	}
	ways = make([][]*place, len(g.edges))
	for i, e := range g.edges {
		if g.back[i] {
			continue
		}
		way := []*place{of[e[0]]}
		for l := g.layer[e[0]] + 1; l < g.layer[e[1]]; l++ {
			way = append(way, add(l, &place{node: -1, edge: i}))
		}
		way = append(way, of[e[1]])
		for k := 1; k < len(way); k++ {
			way[k-1].near[1] = append(way[k-1].near[1], way[k])
			way[k].near[0] = append(way[k].near[0], way[k-1])
		}
		ways[i] = way
	}
	for round := range 8 {
		for k := range layers {
			l, side := layers[k], 0
			if round%2 == 1 {
				l, side = layers[len(layers)-1-k], 1
			}
			for _, p := range l {
				p.middle = float64(p.at)
				if len(p.near[0])+len(p.near[1]) == 0 {
					p.middle += float64(g.nodes) // what nothing leads to or from stands below the rest
				}
				if near := p.near[side]; len(near) > 0 {
					p.middle = 0
					for _, q := range near {
						p.middle += float64(q.at) / float64(len(near))
					}
				}
			}
			slices.SortStableFunc(l, func(a, b *place) int { return cmp.Compare(a.middle, b.middle) })
			for i, p := range l {
				p.at = i
			}
		}
	}
	return layers, ways
}
