package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tillflow/dag/runner"
)

// jobLines is one line a job, as a tree: a job stands below the last of those it needs. A line has a mark, the name, the
// state and what there is to say.
func jobLines(jobs []runner.Status, now time.Time, color bool) []string {
	rows := tree(jobs)
	name, state := 0, 0
	for _, r := range rows {
		name, state = max(name, utf8.RuneCountInString(r.lead+r.Job)), max(state, len(r.State))
	}
	var out []string
	for _, r := range rows {
		mark, code := markOf(r.Status)
		pad := strings.Repeat(" ", name-utf8.RuneCountInString(r.lead+r.Job))
		line := fmt.Sprintf("  %s%s %s%s  %-*s  %s", r.lead, mark, r.Job, pad, state, r.State, describe(r.Status, now))
		if color && code != "" {
			line = fmt.Sprintf("  %s\x1b[%sm%s\x1b[0m %s%s  \x1b[%sm%-*s\x1b[0m  %s", r.lead, code, mark, r.Job, pad, code, state, r.State, describe(r.Status, now))
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

// twig is a job in its place in the tree.
type twig struct {
	runner.Status
	lead string // the lines that lead to it
}

func tree(jobs []runner.Status) []twig {
	below := map[string][]runner.Status{} // "" holds those that need nothing
	for _, j := range jobs {
		parent := ""
		if n := len(j.Needs); n > 0 {
			parent = j.Needs[n-1]
		}
		below[parent] = append(below[parent], j)
	}
	var out []twig
	var grow func(parent, lead string)
	grow = func(parent, lead string) {
		for i, j := range below[parent] {
			head, next := lead, lead
			if parent != "" {
				head, next = lead+"├ ", lead+"│ "
				if i == len(below[parent])-1 {
					head, next = lead+"└ ", lead+"  "
				}
			}
			out = append(out, twig{j, head})
			grow(j.Job, next)
		}
	}
	grow("", "")
	return out
}
