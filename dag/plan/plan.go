// Package plan turns a spec into an order: which job comes after which, and which jobs a selector means. It is pure: the
// same spec gives the same plan, and nothing is read or written on the way.
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
	rank       int     // place in Plan.Nodes
}

// Plan is a graph without cycles.
type Plan struct {
	Spec   *spec.Spec
	Nodes  []*Node // every job after the jobs it needs, otherwise in the order of the dagfile
	byName map[string]*Node
}

// New orders the jobs of a spec. A cycle is a problem, shown as its path, and so are a notification about jobs that
// cannot be selected and a rollup that no stream keeps but for a slip of the pen. Needs that name no job are left out here; spec.Parse has reported them.
func New(s *spec.Spec) (*Plan, []strictyaml.Problem) {
	p := &Plan{Spec: s, byName: make(map[string]*Node, s.Jobs.Len())}
	nodes := make([]*Node, s.Jobs.Len())
	for i := range s.Jobs.Entries {
		e := &s.Jobs.Entries[i]
		nodes[i] = &Node{Name: e.Key, Job: &e.Value}
		p.byName[e.Key] = nodes[i]
	}
	for _, n := range nodes {
		for _, need := range n.Job.Needs {
			if up := p.byName[need.Job]; up != nil && up != n && !slices.Contains(n.Needs, up) {
				n.Needs = append(n.Needs, up)
				up.Dependents = append(up.Dependents, n)
			}
		}
	}
	problems := p.order(nodes)
	for i, n := range p.Nodes {
		n.rank = i
	}
	return p, slices.Concat(problems, p.notify(), p.rollups())
}

// order fills Nodes by depth-first search; a node met again on its own path closes a cycle.
func (p *Plan) order(nodes []*Node) []strictyaml.Problem {
	var problems []strictyaml.Problem
	done, place, path := map[*Node]bool{}, map[*Node]int{}, []*Node{} // place: on the path, from 1
	var visit func(n *Node)
	visit = func(n *Node) {
		if i := place[n]; i > 0 {
			var names []string
			for _, m := range append(slices.Clone(path[i-1:]), n) {
				names = append(names, m.Name)
			}
			problems = append(problems, p.Spec.Problem("jobs form a cycle: "+strings.Join(names, " -> "), "", "jobs", n.Name, "needs"))
			return
		}
		if done[n] {
			return
		}
		path = append(path, n)
		place[n] = len(path)
		for _, up := range n.Needs {
			visit(up)
		}
		path = path[:len(path)-1]
		delete(place, n)
		done[n] = true
		p.Nodes = append(p.Nodes, n)
	}
	for _, n := range nodes {
		visit(n)
	}
	return problems
}

// notify checks the selectors of those who are told of incidents.
func (p *Plan) notify() []strictyaml.Problem {
	var problems []strictyaml.Problem
	for i, n := range p.Spec.Notify {
		if n.Jobs == "" {
			continue
		}
		if _, err := p.Select(n.Jobs); err != nil {
			problems = append(problems, p.Spec.Problem("jobs: "+err.Error(), "", "notify", fmt.Sprint(i), "jobs"))
		}
	}
	return problems
}

// Node finds a job by its name.
func (p *Plan) Node(name string) (*Node, bool) {
	n, ok := p.byName[name]
	return n, ok
}
