package plan

import "slices"

type (
	producer interface{ Produces() []string }
	consumer interface{ Consumes() []string }
)

// Once is the order for a run that ends: jobs that write a topic come before the streams that read it, so that
// "the log ends seen at the start" include this run's own events, and reports come last. What a job needs comes before
// it always; where that and the topics contradict each other, the topics give way. Otherwise as Nodes.
func (p *Plan) Once() []*Node {
	before := p.topics()
	out := make([]*Node, 0, len(p.Nodes))
	done := map[*Node]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if done[n] {
			return
		}
		done[n] = true
		for _, up := range n.Needs {
			visit(up)
		}
		for _, w := range before[n] {
			visit(w)
		}
		out = append(out, n)
	}
	for _, reports := range []bool{false, true} {
		for _, n := range p.Nodes {
			if n.Job.Kind.Report == reports {
				visit(n)
			}
		}
	}
	return out
}

// topics gives, for each reader of a topic, the writers that come before it: all but those that would close a cycle
// with what is needed and with the writers accepted before them.
func (p *Plan) topics() map[*Node][]*Node {
	writers := map[string][]*Node{}
	for _, n := range p.Nodes {
		if w, ok := n.Job.Args.(producer); ok {
			for _, topic := range w.Produces() {
				writers[topic] = append(writers[topic], n)
			}
		}
	}
	before := map[*Node][]*Node{}
	for _, n := range p.Nodes {
		r, ok := n.Job.Args.(consumer)
		if !ok {
			continue
		}
		for _, topic := range r.Consumes() {
			for _, w := range writers[topic] {
				if w != n && !slices.Contains(before[n], w) && !comesAfter(w, n, before) {
					before[n] = append(before[n], w)
				}
			}
		}
	}
	return before
}

// comesAfter tells whether n must be before m, by needs or by the topics accepted so far.
func comesAfter(m, n *Node, before map[*Node][]*Node) bool {
	seen, open := map[*Node]bool{m: true}, []*Node{m}
	for len(open) > 0 {
		x := open[len(open)-1]
		open = open[:len(open)-1]
		if x == n {
			return true
		}
		for _, ups := range [][]*Node{x.Needs, before[x]} {
			for _, up := range ups {
				if !seen[up] {
					seen[up] = true
					open = append(open, up)
				}
			}
		}
	}
	return false
}
