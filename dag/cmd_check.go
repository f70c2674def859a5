package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
	"tillflow/jobs/check"
)

// cmdTest runs the jobs of checks and shows what each check found.
func cmdTest(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	nodes, err := c.checks(ctx, p)
	if err != nil {
		return err
	}
	sv, done, err := c.attached(ctx, p, f, c.plainLog())
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	results, err := c.test(ctx, p, f, sv, nodes)
	if err != nil {
		return interrupted(ctx, err)
	}
	if c.format == "json" {
		err = encode(c.stdout, results)
	} else {
		err = writeChecks(c.stdout, results)
	}
	if err != nil {
		return err
	}
	return checksVerdict(nodes, results)
}

// checks are the jobs of checks that the arguments mean.
func (c *call) checks(ctx context.Context, p *plan.Plan) ([]*plan.Node, error) {
	nodes, err := c.chosen(ctx, p)
	if err != nil {
		return nil, err
	}
	var out []*plan.Node
	for _, n := range nodes {
		if _, ok := n.Job.Args.(*check.With); ok {
			out = append(out, n)
		} else if slices.Contains(c.args, n.Name) {
			return nil, usagef("%s is a %s; `dag test` runs jobs that use check", n.Name, n.Job.Uses)
		}
	}
	if len(out) == 0 {
		return nil, &exitError{exitNothing, errors.New("no job that uses check was selected")}
	}
	return out, nil
}

// test runs the jobs and reads what they found. A job that ended without any result is an error.
func (c *call) test(ctx context.Context, p *plan.Plan, f *instance.Folder, sv *instance.Services, nodes []*plan.Node) ([]check.Result, error) {
	id, err := f.ID()
	if err != nil {
		return nil, err
	}
	r, err := c.runner(p, sv, fmt.Sprintf("%s-%d", id, os.Getpid()), slog.New(slog.DiscardHandler)) // the table says it all
	if err != nil {
		return nil, err
	}
	var began time.Time // by the database's clock, as the results are
	if err := sv.DB.QueryRow(ctx, "select clock_timestamp()").Scan(&began); err != nil {
		return nil, fmt.Errorf("ask for the time: %w", err)
	}
	err = r.Once(ctx, nodes, runner.Request{Trigger: "dag test"})
	if err != nil && !errors.Is(err, runner.ErrFailed) {
		return nil, err
	}
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	results, err := check.Latest(ctx, sv.DB, names, began)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if slices.ContainsFunc(results, func(r check.Result) bool { return r.Job == name }) {
			continue
		}
		last, _, err := runstore.NewPostgres(sv.DB).Last(ctx, name)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s found nothing out: %s", name, last.Error)
	}
	return results, nil
}

// checksVerdict is the exit code of what was found: data that fails a check comes before a check that could not be asked.
func checksVerdict(nodes []*plan.Node, results []check.Result) error {
	counts := map[string]int{}
	for _, r := range results {
		counts[r.State]++
	}
	var parts []string
	for _, state := range []string{check.Failed, check.Broken, check.Warned} {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	text := fmt.Errorf("%d checks of %d jobs: %s", len(results), len(nodes), strings.Join(parts, ", "))
	switch {
	case counts[check.Failed] > 0:
		return &exitError{exitCheck, text}
	case counts[check.Broken] > 0:
		return &exitError{exitFailed, text}
	}
	return nil
}

func writeChecks(out io.Writer, results []check.Result) error {
	table := [][]string{{"JOB", "CHECK", "KIND", "TABLE", "RESULT", "MESSAGE"}}
	for _, r := range results {
		table = append(table, []string{r.Job, r.Name, r.Kind, dash(r.Target), r.State, dash(strings.ReplaceAll(r.Message, "\n", " "))})
	}
	if err := printColumns(out, widthOf(out), table); err != nil {
		return err
	}
	for _, r := range results {
		var rows []json.RawMessage
		if err := json.Unmarshal(r.Examples, &rows); err != nil {
			return fmt.Errorf("read the bad rows of %s: %w", r.Name, err)
		}
		if len(rows) > 0 {
			fmt.Fprintf(out, "\n%s %s, such as\n", r.Job, r.Name)
		}
		for _, row := range rows {
			fmt.Fprintf(out, "  %s\n", row)
		}
	}
	return nil
}
