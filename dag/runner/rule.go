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
			s = batchNeed(m.now, need.Job, n.Job.Rule, up)
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

// batchNeed tells whether a batch job's last run of this process's life ended as the rule wants.
func batchNeed(now time.Time, name, rule string, up *past) gate.Answer {
	switch {
	case up.ended == 0 && up.inHand != nil:
		return gate.Answer{Text: name + " has not ended yet"}
	case up.ended == 0:
		return gate.Answer{Text: name + " has not run since the start"}
	case rule == allDone || rule == finally || up.last.State.OK():
		return gate.Answer{Due: true, Text: fmt.Sprintf("%s %s %s ago", name, up.last.State, short(now.Sub(up.last.Ended)))}
	default:
		return gate.Answer{Text: fmt.Sprintf("%s %s %s ago, wanted a success", name, up.last.State, short(now.Sub(up.last.Ended)))}
	}
}

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
	case p.ended > 0 && p.last.State.Bad():
		return p.last.ID
	}
	return ""
}

func short(d time.Duration) string {
	return strictyaml.FormatDuration(d.Round(max(time.Second, d/100).Truncate(time.Second)))
}
