package gate

import (
	"fmt"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// Check reports the cron lines of a spec that cannot be read.
func Check(s *spec.Spec) []strictyaml.Problem {
	var ps []strictyaml.Problem
	for _, e := range s.Jobs.Entries {
		if e.Value.When != nil {
			check(s, e.Value.When, &ps, "jobs", e.Key, "when")
		}
	}
	return ps
}

func check(s *spec.Spec, w *spec.When, ps *[]strictyaml.Problem, path ...string) {
	at := func(more ...string) []string { return append(path[:len(path):len(path)], more...) }
	if w.Cron != "" {
		if _, err := parse(w.Cron); err != nil {
			*ps = append(*ps, s.Problem(fmt.Sprintf("%q is not a cron line: %s", w.Cron, err), `such as "*/5 * * * *" (minute hour day month weekday)`, at("cron")...))
		}
	}
	for i := range w.Any {
		check(s, &w.Any[i], ps, at("any", fmt.Sprint(i))...)
	}
	for i := range w.All {
		check(s, &w.All[i], ps, at("all", fmt.Sprint(i))...)
	}
	if w.Not != nil {
		check(s, w.Not, ps, at("not")...)
	}
}
