package runner

import (
	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// outcomeOf is what a job that has ended in a pass over the plan means for the jobs that need it.
type outcomeOf int

const (
	good outcomeOf = iota + 1
	bad            // it failed, was canceled, or was skipped because of a failure
	idle           // it was skipped, and nothing is wrong
)

// byRule tells whether a job runs, when all it needs has ended, or what its skip means and why. Needed jobs that are
// not part of the pass count as good: a person who names a job wants it to run.
func byRule(n *plan.Node, out map[string]outcomeOf) (runs bool, skipped outcomeOf, why string) {
	firstBad, firstIdle, part := "", "", false
	for _, up := range n.Needs {
		o, ended := out[up.Name]
		part = part || ended
		switch o {
		case bad:
			if firstBad == "" {
				firstBad = up.Name
			}
		case idle:
			if firstIdle == "" {
				firstIdle = up.Name
			}
		}
	}
	switch n.Job.Rule {
	case allDone, finally:
		return true, 0, ""
	case oneFailed:
		if firstBad != "" || !part { // without a needed job in the pass, it was named for its own sake
			return true, 0, ""
		}
		return false, idle, "nothing it needs has failed"
	}
	switch {
	case firstBad != "":
		return false, bad, firstBad + " did not succeed"
	case firstIdle != "":
		return false, idle, firstIdle + " was skipped"
	}
	return true, 0, ""
}

// standing is what the end of a job's run means for the jobs that need it. A finally job that succeeded after a failure
// does not stand for a success: it cleans up, and hides nothing.
func standing(n *plan.Node, state run.State, out map[string]outcomeOf) outcomeOf {
	if !state.OK() {
		return bad
	}
	if n.Job.Rule == finally {
		for _, up := range n.Needs {
			if out[up.Name] == bad {
				return bad
			}
		}
	}
	return good
}
