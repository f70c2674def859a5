package plan

import (
	"fmt"
	"maps"
	"slices"

	"tillflow/lib/strictyaml"
)

type (
	keeper    interface{ KeepsRollups() []string }          // tables
	rollsFrom interface{ ReadsRollups() map[string]string } // setting -> table
)

// rollups finds names of rollups that look like a slip: no stream of the dagfile keeps such a table, but one keeps a similar
// one. Another dagfile may keep a table on the same database, so that alone is no problem.
func (p *Plan) rollups() []strictyaml.Problem {
	var kept []string
	for _, n := range p.Nodes {
		if k, ok := n.Job.Args.(keeper); ok {
			kept = append(kept, k.KeepsRollups()...)
		}
	}
	var problems []strictyaml.Problem
	for _, n := range p.Nodes {
		r, ok := n.Job.Args.(rollsFrom)
		if !ok {
			continue
		}
		names := r.ReadsRollups()
		for _, setting := range slices.Sorted(maps.Keys(names)) {
			table := names[setting]
			if hint := strictyaml.Suggest(table, kept); hint != "" && !slices.Contains(kept, table) {
				problems = append(problems, p.Spec.Problem(fmt.Sprintf("no stream keeps a rollup %q", table), hint, "jobs", n.Name, "with", setting))
			}
		}
	}
	return problems
}
