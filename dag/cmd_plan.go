package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

func cmdPlan(_ context.Context, c *call) error {
	p, err := c.plan()
	if err != nil {
		return err
	}
	nodes := p.Once()
	if len(c.args) > 0 {
		if nodes, err = selectJobs(p, c.args); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "JOB\tUSES\tNEEDS\tWHEN")
	for _, n := range nodes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Name, n.Job.Uses, dash(strings.Join(n.Job.Needs, ", ")), when(n.Job))
	}
	return w.Flush()
}

func cmdValidate(_ context.Context, c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %d jobs, no problem\n", c.dagfile, len(p.Nodes))
	return nil
}

// selectJobs finds the jobs that the arguments name; naming none is its own exit code.
func selectJobs(p *plan.Plan, args []string) ([]*plan.Node, error) {
	nodes, err := p.Select(args...)
	var none *plan.NoJobError
	if errors.As(err, &none) {
		return nil, &exitError{exitNothing, err}
	}
	return nodes, err
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// when puts a job's gate in words.
func when(j *spec.Job) string {
	switch {
	case j.Kind.Stream:
		return "always"
	case j.When == nil:
		return "at the start"
	default:
		return gateText(j.When)
	}
}

func gateText(w *spec.When) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	group := func(ws []spec.When, word string) {
		var texts []string
		for i := range ws {
			texts = append(texts, gateText(&ws[i]))
		}
		if len(texts) > 0 {
			add("%s", strings.Join(texts, word))
		}
	}
	if w.Every != 0 {
		add("every %s", strictyaml.FormatDuration(w.Every))
	}
	if w.Cron != "" {
		add("cron %s", w.Cron)
	}
	if w.Rows != 0 {
		add("%d rows of %s", w.Rows, w.Of)
	}
	if w.LagBelow != nil {
		add("lag of %s below %d", w.Of, *w.LagBelow)
	}
	if w.FreshWithin != 0 {
		add("%s fresh within %s", w.Of, strictyaml.FormatDuration(w.FreshWithin))
	}
	group(w.Any, " or ")
	group(w.All, " and ")
	if w.Not != nil {
		add("not (%s)", gateText(w.Not))
	}
	if w.MinGap != 0 {
		add("%s apart", strictyaml.FormatDuration(w.MinGap))
	}
	return strings.Join(parts, ", ")
}
