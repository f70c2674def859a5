package main

import (
	"maps"
	"slices"

	"tillflow/dag/plan"
)

// takesParams is what the `with` of a kind tells whose runs take parameters: which ones, or any.
type takesParams interface {
	TakesParams() (names []string, any bool)
}

// checkParams refuses a --param that none of the jobs takes: a name with a mistake in it would change nothing, silently.
func checkParams(nodes []*plan.Node, given params) error {
	var known []string
	for _, n := range nodes {
		t, ok := n.Job.Args.(takesParams)
		if !ok {
			continue
		}
		names, any := t.TakesParams()
		if any {
			return nil
		}
		known = append(known, names...)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			return usagef("--param %s: no chosen job takes a parameter of this name%s; a `sql` job takes those in its `params`, an `exec` job any", name, hint(name, known))
		}
	}
	return nil
}
