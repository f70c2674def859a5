package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
)

// cmdRetry makes a run again as it was: the same parameters, the same as-of, the same position of the streams, whatever
// has come since. With --downstream the batch jobs that need its job follow.
func cmdRetry(ctx context.Context, c *call) error {
	if len(c.args) != 1 {
		return usagef("say which run: dag retry RUN, by its id or the end of it, or a job for its newest run; `dag history` lists them")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	log := c.plainLog()
	sv, done, err := c.attached(ctx, p, f, log)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	store := runstore.NewPostgres(sv.DB)
	id, err := findRun(ctx, p, store, c.args[0])
	if err != nil {
		return interrupted(ctx, err)
	}
	old, _, err := store.Get(ctx, id)
	if err != nil {
		return interrupted(ctx, err)
	}
	nodes, err := retryNodes(p, old, c.hist.downstream)
	if err != nil {
		return err
	}
	req := again(old)
	if c.hist.dryRun {
		return printDryRun(c.stdout, nodes, req, p.Spec.Location)
	}
	member, err := memberID(f)
	if err != nil {
		return err
	}
	r, err := c.runner(p, sv, member, log)
	if err != nil {
		return err
	}
	return outcome(ctx, r.Once(ctx, nodes, req))
}

// again asks for a run as it was.
func again(old run.Run) runner.Request {
	return runner.Request{
		Trigger: "dag retry " + string(old.ID), AsOf: old.AsOf, Params: old.Params, Ledger: old.Ledger,
		From: old.From, To: old.To, Backfill: old.Backfill, RetryOf: old.ID,
	}
}

// retryNodes are the job of a run, and with downstream the batch jobs that come after it.
func retryNodes(p *plan.Plan, old run.Run, downstream bool) ([]*plan.Node, error) {
	n, ok := p.Node(old.Job)
	switch {
	case !ok:
		return nil, &exitError{exitNothing, fmt.Errorf("run %s is of job %q, which this dagfile does not have", old.ID, old.Job)}
	case n.Job.Kind.Stream:
		return nil, usagef("%s is a stream: it goes on from the ledger by itself, there is no run of it to make again", old.Job)
	case !old.State.Ended():
		return nil, usagef("run %s has not ended", old.ID)
	case downstream && old.Backfill != "":
		return nil, usagef("an interval of a backfill has nothing downstream: it is not on the jobs' schedule")
	}
	if !downstream {
		return []*plan.Node{n}, nil
	}
	after, err := p.Select(old.Job + "+")
	var nodes []*plan.Node
	for _, n := range after {
		if !n.Job.Kind.Stream {
			nodes = append(nodes, n)
		}
	}
	return nodes, err
}

// withUpstream adds all that the nodes need, in the order of a run that ends.
func withUpstream(p *plan.Plan, nodes []*plan.Node) []*plan.Node {
	in := map[*plan.Node]bool{}
	var add func(n *plan.Node)
	add = func(n *plan.Node) {
		if in[n] {
			return
		}
		in[n] = true
		for _, up := range n.Needs {
			add(up)
		}
	}
	for _, n := range nodes {
		add(n)
	}
	var out []*plan.Node
	for _, n := range p.Once() {
		if in[n] {
			out = append(out, n)
		}
	}
	return out
}

// printDryRun says what would run, in which order and on what, without touching anything.
func printDryRun(w io.Writer, nodes []*plan.Node, req runner.Request, loc *time.Location) error {
	on := []string{"as of now"}
	if !req.AsOf.IsZero() {
		on[0] = "as of " + req.AsOf.In(loc).Format("2006-01-02 15:04:05 MST")
	}
	if len(req.Params) > 0 {
		on = append(on, "with "+params(req.Params).words())
	}
	if _, err := fmt.Fprintf(w, "would run, %s:\n", strings.Join(on, ", ")); err != nil {
		return err
	}
	rows := [][]string{{"", "JOB", "USES", "AFTER"}}
	for i, n := range nodes {
		rows = append(rows, []string{fmt.Sprint(i + 1), n.Name, n.Job.Uses, dash(needs(n.Job))})
	}
	return printColumns(w, widthOf(w), rows)
}
