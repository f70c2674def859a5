package main

import (
	"fmt"
	"io"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
)

// forecast is what a plan says of one job: when it would run next, why, and over which events.
type forecast struct {
	Job    string    `json:"job"`
	Uses   string    `json:"uses"`
	Needs  []string  `json:"needs"`
	Runs   string    `json:"runs"` // always (a stream), now, later, or unknown: when facts come that nobody knows yet
	At     time.Time `json:"at,omitzero"`
	About  bool      `json:"about,omitempty"` // At is a guess by the pace of a stream
	Why    string    `json:"why"`
	Before time.Time `json:"events_before,omitzero"` // a run reads events up to here
	Since  time.Time `json:"new_since,omitzero"`     // the last successful run read events up to here
}

// foresee tells what each job would do at a moment. It changes nothing. known are the jobs of the running pipeline;
// for the others nothing has run yet and no stream has moved.
func foresee(nodes []*plan.Node, now time.Time, known map[string]runner.Status) []forecast {
	out := make([]forecast, len(nodes))
	for i, n := range nodes {
		f := forecast{Job: n.Name, Uses: n.Job.Uses, Needs: []string{}}
		for _, need := range n.Job.Needs {
			f.Needs = append(f.Needs, need.String())
		}
		s, ok := known[n.Name]
		var a gate.Answer
		switch {
		case n.Job.Kind.Stream:
			f.Runs, f.Why = "always", s.State
			out[i] = f
			continue
		case ok:
			a = s.Gate
			f.Since = s.Last.AsOf
		case n.Job.When == nil:
			a = gate.Answer{Due: true, Text: "at the start"}
		default:
			a = gate.Eval(n.Job.When, gate.Facts{Now: now, Since: now, Location: n.Job.Location})
		}
		f.judge(a, n, now)
		out[i] = f
	}
	return out
}

// judge fills in what the answer of a job's gate means for its next run.
func (f *forecast) judge(a gate.Answer, n *plan.Node, now time.Time) {
	switch {
	case a.Due:
		f.Runs, f.At, f.Why = "now", now, a.Reason()
	case !a.Opens.IsZero():
		f.Runs, f.At, f.About, f.Why = "later", a.Opens, a.About, n.Job.Opens()
	case n.Job.When == nil:
		f.Runs, f.Why = "unknown", "at the next start"
	default:
		f.Runs, f.Why = "unknown", n.Job.Opens()
	}
	if f.Before = a.AsOf; f.Before.IsZero() {
		f.Before = f.At
	}
}

// printForecast writes the plan for people: times in the pipeline's zone, those of another day with their date.
func printForecast(w io.Writer, all []forecast, now time.Time, source string) error {
	if _, err := fmt.Fprintf(w, "at %s, %s\n\n", now.Format("2006-01-02 15:04:05 MST"), source); err != nil {
		return err
	}
	clock := func(t time.Time) string {
		t = t.In(now.Location())
		if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
			return t.Format(time.TimeOnly)
		}
		return t.Format(time.DateTime)
	}
	rows := [][]string{{"JOB", "AFTER", "RUNS", "EVENTS"}}
	for _, f := range all {
		runs, over := "", "-"
		switch f.Runs {
		case "always":
			runs = "always"
			if f.Why != "" {
				runs += "; " + f.Why
			}
		case "now":
			runs = "now: " + f.Why
		case "later":
			runs = "at "
			if f.About {
				runs = "about "
			}
			runs += clock(f.At) + ": " + f.Why
		default:
			runs = f.Why
		}
		if !f.Before.IsZero() {
			over = "before " + clock(f.Before)
		}
		if !f.Since.IsZero() {
			over = "since " + clock(f.Since)
		}
		rows = append(rows, []string{f.Job, dash(list(f.Needs)), grouped(runs), over})
	}
	return printColumns(w, widthOf(w), rows)
}
