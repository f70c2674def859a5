package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// cmdPause keeps jobs from starting new runs, until `dag resume`; without a job it lists the pauses. A pause outlives the
// process: it is in the database, and whoever runs the pipeline keeps to it.
func cmdPause(ctx context.Context, c *call) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, store, done, err := c.openHistory(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	if len(c.args) == 0 && c.hist.reason != "" {
		return usagef("say which jobs: dag pause SELECTOR ... --reason TEXT")
	}
	if len(c.args) > 0 {
		nodes, err := c.chosen(ctx, p)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if err := store.Pause(ctx, n.Name, c.hist.reason); err != nil {
				return interrupted(ctx, fmt.Errorf("pause %s: %w", n.Name, err))
			}
		}
		c.untilTaken(ctx, nodes)
	}
	pauses, err := store.Pauses(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	if c.format == "json" {
		return encode(c.stdout, pauses)
	}
	if len(pauses) == 0 {
		fmt.Fprintln(c.stdout, "no job is paused")
		return nil
	}
	rows := [][]string{{"PAUSED", "SINCE", "REASON"}}
	for _, job := range slices.Sorted(maps.Keys(pauses)) {
		rows = append(rows, pauseRow(job, pauses[job], p.Spec.Location, time.Now()))
	}
	return printColumns(c.stdout, widthOf(c.stdout), rows)
}

// untilTaken waits until the pipeline that runs here has seen the pauses: when the command has ended, no run of the jobs
// begins any more. One that does not answer will see them in its own time.
func (c *call) untilTaken(ctx context.Context, nodes []*plan.Node) {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		free := 0
		for _, s := range c.running(ctx) {
			if s.Paused == "" && slices.ContainsFunc(nodes, func(n *plan.Node) bool { return n.Name == s.Job }) {
				free++
			}
		}
		if free == 0 || !pause(ctx, 50*time.Millisecond) {
			return
		}
	}
}

func pauseRow(job string, p run.Pause, loc *time.Location, now time.Time) []string {
	return []string{job, clock(p.Since, now, loc), dash(p.Reason)}
}

// cmdResume ends pauses.
func cmdResume(ctx context.Context, c *call) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	if len(c.args) == 0 {
		return usagef("say which jobs: dag resume SELECTOR ...; `dag pause` lists the paused ones")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, store, done, err := c.openHistory(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	nodes, err := c.chosen(ctx, p)
	if err != nil {
		return err
	}
	pauses, err := store.Pauses(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	resumed := []string{}
	for _, n := range nodes {
		if _, ok := pauses[n.Name]; !ok {
			continue
		}
		if err := store.Resume(ctx, n.Name); err != nil {
			return interrupted(ctx, fmt.Errorf("resume %s: %w", n.Name, err))
		}
		resumed = append(resumed, n.Name)
	}
	if c.format == "json" {
		return encode(c.stdout, map[string][]string{"resumed": resumed})
	}
	for _, job := range resumed {
		fmt.Fprintf(c.stdout, "%s goes on\n", job)
	}
	if len(resumed) == 0 {
		fmt.Fprintln(c.stdout, "none of these was paused")
	}
	return nil
}
