package spec

import (
	"fmt"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// Opens says in words when a job runs: "always" for a stream, "at the start" for a batch job without a gate.
func (j *Job) Opens() string {
	switch {
	case j.Kind.Stream:
		return "always"
	case j.When == nil:
		return "at the start"
	default:
		return j.When.String()
	}
}

// String says in words when the gate is open: "5000 rows of stream.orders or every 1m, 10s apart".
func (w *When) String() string {
	return strings.Join(w.parts(), ", ")
}

// parts are the conditions that must all hold.
func (w *When) parts() []string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if w.Every != 0 {
		add("every %s", strictyaml.FormatDuration(w.Every))
	}
	if w.Cron != "" {
		add("cron %s", w.Cron)
	}
	for _, c := range w.about(w.Of) {
		if w.Of != "" {
			c += " of " + w.Of
		}
		parts = append(parts, c)
	}
	if len(w.Checks) > 0 {
		add("passed %s", strings.Join(w.Checks, " and "))
	}
	if len(w.After) > 0 {
		add("after %s", strings.Join(w.After, " and "))
	}
	if len(w.Any) > 0 {
		parts = append(parts, group(w.Any, " or "))
	}
	if len(w.All) > 0 {
		parts = append(parts, group(w.All, " and "))
	}
	if w.Not != nil {
		add("not (%s)", w.Not)
	}
	if w.Debounce != 0 && w.Of == "" {
		add("held for %s", strictyaml.FormatDuration(w.Debounce))
	}
	if w.MinGap != 0 {
		add("%s apart", strictyaml.FormatDuration(w.MinGap))
	}
	return parts
}

// group joins gates; one with several conditions stands in brackets, so that the words between them bind.
func group(ws []When, word string) string {
	texts := make([]string, len(ws))
	for i := range ws {
		parts := ws[i].parts()
		texts[i] = strings.Join(parts, " and ")
		if len(parts) > 1 || len(ws) > 1 && len(ws[i].Any)+len(ws[i].All) > 0 {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, word)
}

// about are the conditions of this level on a job, without its name.
func (w *When) about(job string) []string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if w.Of == job {
		if w.Rows != 0 {
			add("%d rows", w.Rows)
		}
		if w.Watermark != 0 {
			add("each %s of event time", strictyaml.FormatDuration(w.Watermark))
		}
		if w.LagBelow != nil {
			add("lag below %d", *w.LagBelow)
		}
		if w.FreshWithin != 0 {
			add("freshness within %s", strictyaml.FormatDuration(w.FreshWithin))
		}
		if w.Debounce != 0 && job != "" {
			add("%s without rows", strictyaml.FormatDuration(w.Debounce))
		}
	}
	return parts
}

// Sources lists the jobs that a gate looks at, each once, in the order they stand in the file.
func (w *When) Sources() []string {
	var names []string
	seen := map[string]bool{}
	w.visit(false, func(w *When, _ bool) {
		for _, name := range slices.Concat([]string{w.Of}, w.Checks, w.After) {
			if name != "" && !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	})
	return names
}

// On says in words what the gate wants of one of its sources: "5000 rows", "passed", "not succeeded since".
func (w *When) On(job string) string {
	var parts []string
	w.visit(false, func(w *When, negated bool) {
		here := w.about(job)
		if slices.Contains(w.Checks, job) {
			here = append(here, "passed")
		}
		if slices.Contains(w.After, job) {
			here = append(here, "succeeded since")
		}
		for _, part := range here {
			if negated {
				part = "not " + part
			}
			parts = append(parts, part)
		}
	})
	return strings.Join(parts, ", ")
}

// visit calls f for the gate and each one inside it, and tells whether it stands under an odd number of nots. A nil gate
// has none.
func (w *When) visit(negated bool, f func(w *When, negated bool)) {
	if w == nil {
		return
	}
	f(w, negated)
	for i := range w.Any {
		w.Any[i].visit(negated, f)
	}
	for i := range w.All {
		w.All[i].visit(negated, f)
	}
	w.Not.visit(!negated, f)
}
