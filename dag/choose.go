package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/runstore"
	"tillflow/lib/pg"
)

// choosing are the verbs that take selectors and --exclude.
var choosing = []string{"run", "plan", "ls", "graph", "status", "test", "pause", "resume"}

// excludeFlag adds --exclude, which may be given several times.
func (c *call) excludeFlag(fs *flag.FlagSet) {
	fs.Func("exclude", "leave out jobs of this `SELECTOR`; may be given several times", func(sel string) error {
		c.exclude = append(c.exclude, sel)
		return nil
	})
}

// chosen finds the jobs that the arguments mean without those of --exclude; without arguments, every job.
func (c *call) chosen(ctx context.Context, p *plan.Plan) ([]*plan.Node, error) {
	choice := plan.Choice{Selectors: c.args, Exclude: c.exclude}
	if strings.Contains(strings.Join(slices.Concat(c.args, c.exclude), " "), "state:") {
		states, err := c.states(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("state: is not known: %w", err)
		}
		choice.State = func(job string) string { return states[job] }
	}
	return choose(p, choice)
}

// states tells what each job does now, as the running pipeline says; where none runs, how its last run ended, from the
// history in a Postgres that is up.
func (c *call) states(ctx context.Context, p *plan.Plan) (map[string]string, error) {
	f, err := instance.Open(c.state)
	if err != nil {
		return nil, err
	}
	states := map[string]string{}
	jobs, err := askPipeline(ctx, f)
	if err == nil {
		for _, j := range jobs {
			states[j.Job] = j.State
		}
		return states, nil
	}
	url, err := postgresURL(p, f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := pg.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	store := runstore.NewPostgres(db)
	for _, n := range p.Nodes {
		last, ok, err := store.Last(ctx, n.Name)
		if err != nil {
			return nil, fmt.Errorf("read the last run of %s: %w", n.Name, err)
		}
		if ok {
			states[n.Name] = string(last.State)
		}
	}
	return states, nil
}

// selectJobs finds the jobs that the arguments name; naming none is its own exit code.
func selectJobs(p *plan.Plan, args []string) ([]*plan.Node, error) {
	return choose(p, plan.Choice{Selectors: args})
}

// choose gives the errors of a choice their exit codes.
func choose(p *plan.Plan, choice plan.Choice) ([]*plan.Node, error) {
	nodes, err := p.Choose(choice)
	var none *plan.NoJobError
	switch {
	case errors.As(err, &none):
		return nil, &exitError{exitNothing, err}
	case err != nil:
		return nil, &exitError{exitUsage, err}
	}
	return nodes, nil
}

// only keeps what is said of the chosen jobs.
func (c *call) only(p *plan.Plan, all []jobStatus) ([]jobStatus, error) {
	if len(c.args)+len(c.exclude) == 0 {
		return all, nil
	}
	if p == nil {
		return nil, &exitError{exitUsage, errSaid} // the mistakes of the dagfile have been printed
	}
	states := map[string]string{}
	for _, j := range all {
		states[j.Job] = j.State
	}
	nodes, err := choose(p, plan.Choice{Selectors: c.args, Exclude: c.exclude, State: func(job string) string { return states[job] }})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(j jobStatus) bool {
		return !slices.ContainsFunc(nodes, func(n *plan.Node) bool { return n.Name == j.Job })
	}), nil
}
