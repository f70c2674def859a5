package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
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
	db, done, err := c.history(ctx, p, f)
	if err != nil {
		return nil, err
	}
	defer done()
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
	pauses, err := store.Pauses(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the pauses: %w", err)
	}
	for job := range pauses {
		states[job] = runner.Held
	}
	return states, nil
}

// history opens the database that the history is in: one that is up, or, for a verb that starts the services anyway, one
// that is started for the question.
func (c *call) history(ctx context.Context, p *plan.Plan, f *instance.Folder) (*pgxpool.Pool, func(), error) {
	url, err := postgresURL(p, f)
	if err != nil && slices.Contains([]string{"run", "test"}, c.name) {
		sv, done, err := c.attached(ctx, p, f, c.plainLog())
		if err != nil {
			return nil, nil, err
		}
		return sv.DB, done, nil
	}
	if err != nil {
		return nil, nil, err
	}
	octx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := pg.Open(octx, url)
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
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
