package picture

import (
	"regexp"
	"strings"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// row is a job as dag.jobs has it; the keys are its columns.
type row struct {
	Job        string      `json:"job"`
	Place      int         `json:"place"`
	Kind       string      `json:"kind"`
	Uses       string      `json:"uses"`
	Opens      string      `json:"opens"`
	Needs      []need      `json:"needs"`
	State      string      `json:"state"`
	Note       string      `json:"note"`
	WaitsFor   string      `json:"waits_for"`
	Conditions []condition `json:"conditions"`
	OpensAt    *time.Time  `json:"opens_at"`
	Trigger    string      `json:"trigger"`
	Paused     string      `json:"paused"`
	Restarts   int         `json:"restarts"`
	Error      string      `json:"error"`
}

// need is an edge to a job that is waited for.
type need struct {
	Job   string `json:"job"`
	Label string `json:"label"`
}

// condition is a part of a judgement, depth steps below the whole.
type condition struct {
	Depth   int        `json:"depth"`
	Text    string     `json:"text"`
	Holds   bool       `json:"holds"`
	OpensAt *time.Time `json:"opens_at,omitempty"`
}

// fromPlan gives of each job what does not change while the pipeline runs.
func fromPlan(p *plan.Plan) map[string]row {
	out := map[string]row{}
	g := p.Graph(p.Nodes)
	for _, j := range g.Jobs {
		out[j.Name] = row{Job: j.Name, Kind: j.Kind, Uses: j.Uses, Opens: j.When, Needs: []need{}}
	}
	for _, e := range g.Edges {
		r := out[e.To]
		r.Needs = append(r.Needs, need{e.From, e.Label()})
		out[e.To] = r
	}
	return out
}

// with gives the row of a job that does what s says.
func (r row) with(place int, s runner.Status) row {
	r.Place, r.State, r.Note, r.Trigger = place, s.State, s.Note, s.Trigger
	r.Paused, r.Restarts, r.Error = s.Paused, s.Restarts, strings.Join(strings.Fields(s.Error), " ")
	why := s.Why
	if s.Stream {
		r.Note, why = lasting(s.Note), gate.Answer{Due: true, Sub: s.Why.Sub}
		if s.Vitals != nil && s.Vitals.Lag >= 0 && s.State != "live" { // how it falls behind, or why it waits
			r.Note = lasting(s.Vitals.Why)
		}
	}
	r.Conditions = flat([]condition{}, why.Sub, 0)
	r.WaitsFor = lasting(obstacle(s.Why))
	r.OpensAt = opening(s.Why)
	return r
}

// once is the state of a job in a process that runs each once: nobody judges how well a stream keeps up, so it is running
// or has ended like any other.
func once(s runner.Status, since time.Time) string {
	switch {
	case !s.Stream || s.Began.Before(since):
		return s.State
	case s.Last.Started.Equal(s.Began):
		return string(s.Last.State)
	default:
		return string(run.Running)
	}
}

// flat lists the parts of a judgement in the order in which a tree of them is read.
func flat(list []condition, parts []gate.Answer, depth int) []condition {
	for _, a := range parts {
		list = append(list, condition{depth, lasting(a.Text), a.Due, opening(a)})
		list = flat(list, a.Sub, depth+1)
	}
	return list
}

// opening is when time alone opens a gate, to the second; nil when it is open, or only facts can open it. A guess by a
// stream's pace differs at each look and is left to the page.
func opening(a gate.Answer) *time.Time {
	if a.Due || a.About || a.Opens.IsZero() {
		return nil
	}
	t := a.Opens.UTC().Truncate(time.Second)
	return &t
}

// obstacle is the first thing that does not hold and has nothing below it.
func obstacle(a gate.Answer) string {
	if a.Due {
		return ""
	}
	for _, s := range a.Sub {
		if !s.Due {
			return obstacle(s)
		}
	}
	return a.Text
}

// lasting takes out of a text what is different a second later: how long ago something was.
func lasting(text string) string { return agoIn.ReplaceAllString(text, "") }

var agoIn = regexp.MustCompile(`(, last (began|ended))? \S+ ago\b`)
