package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
	"tillflow/dag/spec"
)

// cmdPlan shows what would run, in which order, why and over which events, without touching anything: as the running
// pipeline knows it, or, where none runs and with --now, on a history in which nothing has run.
func cmdPlan(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	chosen, err := c.chosen(ctx, p)
	if err != nil {
		return err
	}
	now, err := parseTime("--now", c.at, p.Spec.Location)
	if err != nil {
		return err
	}
	known, source := map[string]runner.Status{}, "before anything has run"
	if now.IsZero() {
		now = time.Now()
		if jobs := c.running(ctx); len(jobs) > 0 {
			source = "as the running pipeline knows it"
			for _, s := range jobs {
				known[s.Job] = s
			}
		}
	}
	now = now.In(p.Spec.Location)
	all := foresee(inOrder(p, chosen, len(c.args) == 0), now, known)
	if c.format == "json" {
		return encode(c.stdout, struct {
			Schema int        `json:"schema"`
			Now    time.Time  `json:"now"`
			Jobs   []forecast `json:"jobs"`
		}{1, now, all})
	}
	return printForecast(c.stdout, all, now, source)
}

// running asks the pipeline that runs on the state folder; none when none does. No folder is made for asking.
func (c *call) running(ctx context.Context) []runner.Status {
	if _, err := os.Stat(c.state); err != nil {
		return nil
	}
	f, err := instance.Open(c.state)
	if err != nil {
		return nil
	}
	jobs, _ := askPipeline(ctx, f) // one that does not answer is as good as none
	return jobs
}

// inOrder gives the chosen jobs in the order of a run that ends: of the whole plan, or of those jobs alone.
func inOrder(p *plan.Plan, chosen []*plan.Node, whole bool) []*plan.Node {
	if !whole {
		return chosen
	}
	in := map[*plan.Node]bool{}
	for _, n := range chosen {
		in[n] = true
	}
	var nodes []*plan.Node
	for _, n := range p.Once() {
		if in[n] {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func cmdValidate(_ context.Context, c *call) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	p, err := c.plan()
	if err != nil {
		return err
	}
	reports, err := c.validateReports(p)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "%s: %d jobs, no problem\n", c.dagfile, len(p.Nodes))
	if reports > 0 {
		fmt.Fprintf(c.stdout, "%s, no problem\n", counted(reports, "report file"))
	}
	return nil
}

// list joins words with commas.
func list(words []string) string { return strings.Join(words, ", ") }

// needs lists the jobs that must be in order first.
func needs(j *spec.Job) string {
	var names []string
	for _, need := range j.Needs {
		names = append(names, need.String())
	}
	return list(names)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
