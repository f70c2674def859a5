package runner

import (
	"fmt"
	"strings"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// The rules: which outcomes of the needed jobs let a job run.
const (
	allDone   = "all-done"   // each has ended, however
	oneFailed = "one-failed" // one has failed; each failure is one cause
	finally   = "finally"    // each has ended or was skipped; hides no failure
	// all-success, the default: each has succeeded
)

// needs judges what a job needs: one answer for each need, with the rule's meaning. Streams must be as declared under
// every rule but one-failed, for which a stream counts when it has crash-looped.
func needs(m moment, n *plan.Node) gate.Answer {
	a := gate.Answer{Due: true, Text: "needs"}
	if n.Job.Rule == oneFailed {
		return failed(m, n)
	}
	for _, need := range n.Job.Needs {
		up := m.jobs[need.Job]
		var s gate.Answer
		if node := upstream(n, need.Job); node == nil || up == nil {
			continue // a need that names no job was reported when the dagfile was read
		} else if node.Job.Kind.Stream {
			s = streamNeed(need, up)
		} else {
			s = batchNeed(m.now, node, n.Job.Rule, up)
		}
		a.Due = a.Due && s.Due
		a.Sub = append(a.Sub, s)
	}
	return a
}

func upstream(n *plan.Node, name string) *plan.Node {
	for _, up := range n.Needs {
		if up.Name == name {
			return up
		}
	}
	return nil
}

// streamNeed tells whether a stream is as the need declares. Dependents wait through a restart: that is no failure.
func streamNeed(need spec.Need, up *past) gate.Answer {
	ok, want := up.health == run.Live, "live"
	switch need.Is {
	case "fresh":
		ok, want = up.fresh, "fresh"
	case "caught-up":
		ok, want = up.caughtUp, "caught up"
	}
	state := string(up.health)
	if up.health == "" {
		state = "not running"
	}
	if ok {
		return gate.Answer{Due: true, Text: fmt.Sprintf("%s is %s", need.Job, want)}
	}
	return gate.Answer{Text: fmt.Sprintf("%s is %s, wanted %s", need.Job, state, want)}
}

// batchNeed tells whether a batch job's last run ended as the rule wants. A job with a gate keeps its last run through a
// restart: it would be wrong to wait for tomorrow's tick, or to forget a failure. One without a gate runs at each start,
// so that run is waited for. A run that is to be gone on with has not ended.
func batchNeed(now time.Time, n *plan.Node, rule string, up *past) gate.Answer {
	name, ran := n.Name, up.ended > 0
	if gated(n) && up.last.ID != "" && !interrupted(up.last) {
		ran = true
	}
	switch {
	case !ran && (up.inHand != nil || up.resume != nil):
		return gate.Answer{Text: name + " has not ended yet"}
	case !ran && gated(n):
		return gate.Answer{Text: name + " has never run"}
	case !ran:
		return gate.Answer{Text: name + " has not run since the start"}
	case rule == allDone || rule == finally || up.last.State.OK():
		return gate.Answer{Due: true, Text: fmt.Sprintf("%s %s %s ago", name, up.last.State, short(now.Sub(up.last.Ended)))}
	default:
		return gate.Answer{Text: fmt.Sprintf("%s %s %s ago, wanted a success", name, up.last.State, short(now.Sub(up.last.Ended)))}
	}
}

// gated tells whether something must happen before a batch job runs; else it runs at each start.
func gated(n *plan.Node) bool { return n.Job.When != nil || n.Job.Rule == oneFailed }

// interrupted tells whether a run was left behind by a process that died.
func interrupted(rec run.Run) bool { return rec.State == run.Canceled && rec.Error == run.Interrupted }

// failed is the rule one-failed: true when a needed job has failed and no run was made for that failure.
func failed(m moment, n *plan.Node) gate.Answer {
	var causes, names []string
	for _, up := range n.Needs {
		names = append(names, up.Name)
		if id := failure(up, m.jobs[up.Name]); id != "" && m.jobs[n.Name].handled[up.Name] != id {
			causes = append(causes, up.Name+" failed")
		}
	}
	if len(causes) > 0 {
		return gate.Answer{Due: true, Text: strings.Join(causes, ", ")}
	}
	return gate.Answer{Text: "waits for a failure of " + strings.Join(names, ", ")}
}

// failure names the run by which a job has failed; "" when it has not.
func failure(n *plan.Node, p *past) run.ID {
	switch {
	case p == nil:
		return ""
	case n.Job.Kind.Stream:
		if p.health == run.CrashLooped {
			return p.last.ID
		}
		return ""
	case p.last.State.Bad():
		return p.last.ID
	}
	return ""
}

// answered gives the failures of needed jobs that a job under the rule one-failed had its run for before this process
// began: those that had ended when its last run began.
func answered(n *plan.Node, last run.Run, jobs map[string]*past) map[string]run.ID {
	if n.Job.Rule != oneFailed || last.ID == "" {
		return nil
	}
	out := map[string]run.ID{}
	for _, up := range n.Needs {
		if id := failure(up, jobs[up.Name]); id != "" && !last.Started.Before(jobs[up.Name].last.Ended) {
			out[up.Name] = id
		}
	}
	return out
}

func short(d time.Duration) string {
	return strictyaml.FormatDuration(d.Round(max(time.Second, d/100).Truncate(time.Second)))
}
