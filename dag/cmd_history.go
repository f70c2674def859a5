package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tillflow/dag/run"
)

// cmdHistory lists runs, the newest first: of one job, or of all.
func cmdHistory(ctx context.Context, c *call) error {
	if err := c.formats("table", "json"); err != nil {
		return err
	}
	if len(c.args) > 1 {
		return usagef("unexpected %q; name one job, or none for all", c.args[1])
	}
	if err := checkOutcome(c.hist.outcome); err != nil {
		return err
	}
	if c.hist.limit < 1 {
		return usagef("--limit must be 1 or more")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, store, done, err := c.openHistory(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	f := run.Filter{State: run.State(c.hist.outcome), Limit: c.hist.limit}
	if f.Since, err = since(c.hist.since, time.Now(), p.Spec.Location); err != nil {
		return err
	}
	if len(c.args) == 1 {
		f.Job = c.args[0]
	}
	runs, err := store.History(ctx, f)
	if err != nil {
		return interrupted(ctx, fmt.Errorf("read the history: %w", err))
	}
	if len(runs) == 0 && f.Job != "" { // a job that was renamed has a past under its old name, one that never was has none
		if _, err := selectJobs(p, c.args); err != nil {
			return err
		}
	}
	if c.format == "json" {
		return encode(c.stdout, shownRuns(runs))
	}
	return printHistory(c.stdout, runs, f.Job == "", p.Spec.Location, time.Now())
}

// checkOutcome refuses a state that no run ever has, for which there would never be a run.
func checkOutcome(word string) error {
	states := []string{string(run.Running), string(run.Queued), string(run.Succeeded), string(run.Warned), string(run.Failed), string(run.Skipped), string(run.Canceled), string(run.TimedOut)}
	if word == "" || slices.Contains(states, word) {
		return nil
	}
	return usagef("--outcome %q is no state of a run%s; %s", word, hint(word, states), strings.Join(states, ", "))
}

// printHistory is a table of runs for people.
func printHistory(w io.Writer, runs []run.Run, jobs bool, loc *time.Location, now time.Time) error {
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "no runs")
		return err
	}
	head := []string{"RUN", "JOB", "STATE", "BEGAN", "TOOK", "WHAT"}
	rows := [][]string{head}
	for _, r := range runs {
		rows = append(rows, []string{shortID(r.ID), r.Job, string(r.State), clock(r.Started, now, loc), took(r, now), told(r, loc)})
	}
	if !jobs {
		for i, r := range rows {
			rows[i] = append(r[:1:1], r[2:]...)
		}
	}
	return printColumns(w, widthOf(w), rows)
}

// shortID is the end of a run's id, by which `dag show` and the others find it.
func shortID(id run.ID) string {
	s := string(id)
	return s[strings.LastIndexByte(s, '-')+1:]
}

// clock is a time as a table shows it: without what all rows of today have in common.
func clock(t, now time.Time, loc *time.Location) string {
	t, now = t.In(loc), now.In(loc)
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04:05")
	case t.Year() == now.Year():
		return t.Format("01-02T15:04")
	default:
		return t.Format(time.DateOnly)
	}
}

// took is how long a run took, or has taken so far.
func took(r run.Run, now time.Time) string {
	if r.Ended.IsZero() {
		return short(now.Sub(r.Started)) + "…"
	}
	return short(r.Ended.Sub(r.Started))
}

// short is a duration with as many digits as one reads.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// told says in a line what there is to say about a run: why it did not do its work, or what it did; else what began it.
func told(r run.Run, loc *time.Location) string {
	var parts []string
	for _, s := range []string{firstLine(r.Error), grouped(r.Warning), grouped(r.Note)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if r.Backfill != "" {
		parts = append(parts, "backfill of "+r.From.In(loc).Format(time.DateOnly))
	}
	if len(parts) == 0 {
		parts = append(parts, grouped(r.Trigger))
	}
	return strings.Join(parts, "; ")
}

// firstLine is the part of an error that fits a table; `dag show` has all of it.
func firstLine(s string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if rest != "" {
		line += " …"
	}
	return line
}
