package plan

import (
	"encoding/json"
	"io"

	"tillflow/dag/spec"
)

// Graph is a plan, or a part of one, as it is drawn: in plan order.
type Graph struct {
	Schema int       `json:"schema"` // version of this form; 1
	Name   string    `json:"name"`   // of the pipeline
	Jobs   []Picture `json:"jobs"`
	Edges  []Edge    `json:"edges"`
}

// Picture is one job of a drawing.
type Picture struct {
	Name string   `json:"name"`
	Uses string   `json:"uses"`
	Kind string   `json:"kind"` // stream, batch, report or check
	When string   `json:"when"` // in words
	Tags []string `json:"tags"`
}

// Edge leads from a job to one that waits for it. An edge has a need, a gate's condition, or both.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	Need string `json:"need,omitempty"` // live, fresh, caught-up, succeeded; or ended, failed by the job's rule
	Gate string `json:"gate,omitempty"` // what the job's gate wants of From, in words
}

// Label is what stands on the edge.
func (e Edge) Label() string {
	if e.Need != "" && e.Gate != "" {
		return e.Need + ", " + e.Gate
	}
	return e.Need + e.Gate
}

// Graph gives the nodes and the edges among them.
func (p *Plan) Graph(nodes []*Node) Graph {
	g := Graph{Schema: 1, Name: p.Spec.Name, Jobs: []Picture{}, Edges: []Edge{}}
	in := map[string]bool{}
	for _, n := range nodes {
		in[n.Name] = true
	}
	for _, n := range nodes {
		g.Jobs = append(g.Jobs, Picture{n.Name, n.Job.Uses, n.Job.Kind.Word(), n.Job.Opens(), append([]string{}, n.Job.Tags...)})
		needed := map[string]bool{}
		for _, need := range n.Job.Needs {
			if up, ok := p.byName[need.Job]; ok && in[need.Job] {
				needed[need.Job] = true
				g.Edges = append(g.Edges, Edge{need.Job, n.Name, wanted(n.Job, need, up.Job), n.Job.When.On(need.Job)})
			}
		}
		for _, source := range n.Job.When.Sources() {
			if in[source] && !needed[source] {
				g.Edges = append(g.Edges, Edge{source, n.Name, "", n.Job.When.On(source)})
			}
		}
	}
	return g
}

// wanted says what a job must be for another that needs it.
func wanted(j *spec.Job, need spec.Need, up *spec.Job) string {
	switch {
	case up.Kind.Stream && need.Is != "":
		return need.Is
	case up.Kind.Stream:
		return "live"
	case j.Rule == "one-failed":
		return "failed"
	case j.Rule == "all-done" || j.Rule == "finally":
		return "ended"
	default:
		return "succeeded"
	}
}

// WriteJSON writes the graph for programs.
func (g Graph) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(g)
}
