package runner

import (
	"fmt"
	"maps"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// verdict is what is to be done about a batch job, and why.
type verdict struct {
	start  *Request // a run begins now
	resume *run.Run // an interrupted run goes on now
	follow *Request // a run is to follow the one in hand (overlap: queue)
	cancel bool     // and the one in hand ends for it (overlap: replace)

	gate gate.Answer // the job's own gate
	why  gate.Answer // all that decides: needs, gate, and what else holds it back
}

// decide judges a batch job. It is pure: the same moment gives the same verdict.
func decide(m moment, n *plan.Node) verdict {
	p := m.jobs[n.Name]
	v := verdict{gate: opening(m, n)}
	need, held := needs(m, n), holds(m, n)
	v.why = gate.Answer{Due: need.Due && v.gate.Due, Text: "all"}
	if len(n.Job.Needs) > 0 {
		v.why.Sub = append(v.why.Sub, need)
	}
	v.why.Sub = append(v.why.Sub, v.gate)
	for _, h := range held {
		v.why.Due = v.why.Due && h.Due
		v.why.Sub = append(v.why.Sub, h)
	}
	opens(&v.why)
	if p.inHand != nil {
		if v.why.Due && p.next == nil && p.inHand.State == run.Running {
			v.follow, v.cancel = request(m, n, v.gate), n.Job.Overlap == "replace"
		}
		return v
	}
	ready := need.Due || n.Job.Rule == oneFailed && (p.resume != nil || p.next != nil) // these have had their failure
	for _, h := range held {
		ready = ready && h.Due
	}
	switch {
	case !ready:
	case p.resume != nil:
		v.resume = p.resume
	case p.next != nil:
		v.start = p.next
	case v.gate.Due:
		v.start = request(m, n, v.gate)
	}
	return v
}

// opens finds the next possible opening of a whole: when its last part opens, if each of them says when.
func opens(a *gate.Answer) {
	if a.Due {
		return
	}
	var at time.Time
	about := false
	for _, s := range a.Sub {
		if s.Due {
			continue
		}
		if s.Opens.IsZero() {
			return
		}
		if s.Opens.After(at) {
			at = s.Opens
		}
		about = about || s.About
	}
	a.Opens, a.About = at, about
}

// request makes the run that a gate asks for.
func request(m moment, n *plan.Node, a gate.Answer) *Request {
	q := &Request{Trigger: a.Reason(), AsOf: a.AsOf, Marks: a.Marks, tick: a.Tick, missed: a.Missed}
	if n.Job.Rule == oneFailed {
		q.Trigger = failed(m, n).Text
		q.handled = maps.Clone(m.jobs[n.Name].handled)
		if q.handled == nil {
			q.handled = map[string]run.ID{}
		}
		for _, up := range n.Needs {
			if id := failure(up, m.jobs[up.Name]); id != "" {
				q.handled[up.Name] = id
			}
		}
	}
	return q
}

// opening judges a job's gate. While a run is in hand it is judged as of that run's start, so that it says whether there
// is cause for another one.
func opening(m moment, n *plan.Node) gate.Answer {
	p := m.jobs[n.Name]
	if n.Job.When == nil {
		return atStart(p, n.Job.Rule)
	}
	f := gate.Facts{
		Now: m.now, Since: m.since, LastStart: p.last.Started, LastEnd: p.last.Ended, LastTick: p.tick, SkipTo: p.skipTo,
		Location: n.Job.Location, Streams: m.streams, Cursors: p.cursors, Marks: p.marks,
	}
	if p.inHand != nil && p.inHand.State == run.Running {
		f.LastStart, f.Cursors, f.SkipTo = p.inHand.Started, p.inHand.Ledger, time.Time{}
		f.Marks = maps.Clone(p.marks)
		if f.Marks == nil {
			f.Marks = map[string]time.Time{}
		}
		maps.Copy(f.Marks, p.inHand.Marks)
	}
	for _, name := range gate.Jobs(n.Job.When) {
		if other := m.jobs[name]; other != nil {
			if f.Jobs == nil {
				f.Jobs = map[string]gate.Job{}
			}
			f.Jobs[name] = other.count()
		}
	}
	return gate.Eval(n.Job.When, f)
}

// atStart is the gate of a job without one: once in the life of this process, and again only after a failure. Under the
// rule one-failed each failure is a cause, which the needs tell.
func atStart(p *past, rule string) gate.Answer {
	switch {
	case rule == oneFailed:
		return gate.Answer{Due: true, Text: "on a failure"}
	case p.began.IsZero():
		return gate.Answer{Due: true, Text: "start"}
	case p.inHand == nil && p.fails > 0:
		return gate.Answer{Due: true, Text: "again after a failure"}
	default:
		return gate.Answer{Text: "has run since the start, and has no gate to open again"}
	}
}

// holds is what keeps a job back beside its needs and its gate: a person, its own failures, a run in hand.
func holds(m moment, n *plan.Node) []gate.Answer {
	p := m.jobs[n.Name]
	var out []gate.Answer
	if p.pause != nil {
		text := fmt.Sprintf("paused %s ago", short(m.now.Sub(p.pause.Since)))
		if p.pause.Reason != "" {
			text += ": " + p.pause.Reason
		}
		out = append(out, gate.Answer{Text: text})
	}
	if p.fails > 0 && p.inHand == nil {
		again := p.last.Ended.Add(min(time.Second<<min(p.fails, 6), time.Minute))
		a := gate.Answer{Due: !again.After(m.now), Text: fmt.Sprintf("failed %s in a row", times(p.fails))}
		if !a.Due {
			a.Opens = again
			a.Text += ", rests before it tries again"
		}
		out = append(out, a)
	}
	if p.inHand != nil && !n.Job.Kind.Stream && n.Job.Overlap != "queue" && n.Job.Overlap != "replace" {
		out = append(out, gate.Answer{Text: "a run is in hand"})
	}
	return out
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
