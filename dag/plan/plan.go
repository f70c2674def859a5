// Package plan turns a spec into an order: which job comes after which, and which jobs a selector means.
package plan

import (
	"fmt"
	"slices"
	"strings"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// Node is one job in its place in the graph.
type Node struct {
	Name       string
	Job        *spec.Job
	Needs      []*Node // upstream, in the order of the dagfile
	Dependents []*Node // downstream, likewise
}

// Plan is a graph without cycles.
type Plan struct {
	Spec  *spec.Spec
	Nodes []*Node // every job after the jobs it needs, otherwise in the order of the dagfile
}

// New orders the jobs of a spec. A cycle is a problem, shown as its path. Needs that name no job are left out here;
// spec.Parse has reported them.
func New(s *spec.Spec) (*Plan, []strictyaml.Problem) {
	nodes := make([]*Node, s.Jobs.Len())
	byName := map[string]*Node{}
	for i := range s.Jobs.Entries {
		e := &s.Jobs.Entries[i]
		nodes[i] = &Node{Name: e.Key, Job: &e.Value}
		byName[e.Key] = nodes[i]
	}
	for _, n := range nodes {
		for _, need := range n.Job.Needs {
			if up := byName[need]; up != nil && up != n && !slices.Contains(n.Needs, up) {
				n.Needs = append(n.Needs, up)
				up.Dependents = append(up.Dependents, n)
			}
		}
	}
	p := &Plan{Spec: s}
	problems := p.order(nodes)
	return p, problems
}

// order fills Nodes by depth-first search; a node met again on its own path closes a cycle.
func (p *Plan) order(nodes []*Node) []strictyaml.Problem {
	var problems []strictyaml.Problem
	done, path := map[*Node]bool{}, []*Node{}
	var visit func(n *Node)
	visit = func(n *Node) {
		if i := slices.Index(path, n); i >= 0 {
			names := []string{}
			for _, m := range append(path[i:len(path):len(path)], n) {
				names = append(names, m.Name)
			}
			problems = append(problems, p.Spec.Problem("jobs form a cycle: "+strings.Join(names, " -> "), "", "jobs", n.Name, "needs"))
			return
		}
		if done[n] {
			return
		}
		path = append(path, n)
		for _, up := range n.Needs {
			visit(up)
		}
		path = path[:len(path)-1]
		done[n] = true
		p.Nodes = append(p.Nodes, n)
	}
	for _, n := range nodes {
		visit(n)
	}
	return problems
}

// Node finds a job by its name.
func (p *Plan) Node(name string) (*Node, bool) {
	for _, n := range p.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return nil, false
}

type (
	producer interface{ Produces() []string }
	consumer interface{ Consumes() []string }
)

// Once is the order for a run that ends: jobs that write a topic come before the streams that read it, so that
// "the log ends seen at the start" include this run's own events, and reports come last. Otherwise as Nodes.
func (p *Plan) Once() []*Node {
	writes := map[string][]*Node{}
	for _, n := range p.Nodes {
		if w, ok := n.Job.Args.(producer); ok {
			for _, topic := range w.Produces() {
				writes[topic] = append(writes[topic], n)
			}
		}
	}
	var out []*Node
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
		if r, ok := n.Job.Args.(consumer); ok {
			for _, topic := range r.Consumes() {
				for _, w := range writes[topic] {
					visit(w)
				}
			}
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

// Select finds the jobs that the selectors name, in plan order. A selector is a name or a pattern with *; a + before
// it adds all jobs upstream, a + after it all jobs downstream; kind:stream and kind:batch choose by kind.
// A selector that names nothing is an error with a suggestion.
func (p *Plan) Select(selectors ...string) ([]*Node, error) {
	chosen := map[*Node]bool{}
	for _, sel := range selectors {
		pattern, up := strings.CutPrefix(sel, "+")
		pattern, down := strings.CutSuffix(pattern, "+")
		found := false
		for _, n := range p.Nodes {
			if !matches(pattern, n) {
				continue
			}
			found, chosen[n] = true, true
			if up {
				walk(n, func(m *Node) []*Node { return m.Needs }, chosen)
			}
			if down {
				walk(n, func(m *Node) []*Node { return m.Dependents }, chosen)
			}
		}
		if !found {
			return nil, p.unknown(pattern)
		}
	}
	var out []*Node
	for _, n := range p.Nodes {
		if chosen[n] {
			out = append(out, n)
		}
	}
	return out, nil
}

// NoJobError says that a selector means no job.
type NoJobError struct{ Selector, Hint string }

func (e *NoJobError) Error() string {
	s := fmt.Sprintf("no job is called %q", e.Selector)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (p *Plan) unknown(pattern string) error {
	names := p.Spec.Jobs.Keys()
	hint := strictyaml.Suggest(pattern, names)
	if hint == "" {
		hint = "jobs: " + strings.Join(names, ", ")
	}
	return &NoJobError{pattern, hint}
}

func matches(pattern string, n *Node) bool {
	if kind, ok := strings.CutPrefix(pattern, "kind:"); ok {
		return kind == "stream" && n.Job.Kind.Stream || kind == "batch" && !n.Job.Kind.Stream
	}
	return glob(pattern, n.Name)
}

// glob matches a name against a pattern in which each * stands for any text.
func glob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

func walk(n *Node, next func(*Node) []*Node, seen map[*Node]bool) {
	for _, m := range next(n) {
		if !seen[m] {
			seen[m] = true
			walk(m, next, seen)
		}
	}
}
