package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runstore"
)

// cmdLogs prints what a run wrote: the newest run of a job, or the one that --run names. With -f it goes on as more is
// written: to the run's end, or with a job through its later runs too, until Ctrl-C.
func cmdLogs(ctx context.Context, c *call) error {
	if err := c.formats("text", "json"); err != nil {
		return err
	}
	if len(c.args) > 1 || len(c.args) == 0 && c.hist.run == "" {
		return usagef("say whose: dag logs JOB [-f], or dag logs --run RUN [-f]")
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, store, done, err := c.openHistory(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	named := c.hist.run
	if named == "" {
		if _, err := selectJobs(p, c.args); err != nil {
			return err
		}
		named = c.args[0]
	}
	l := &logReader{store: store, out: c.stdout, json: c.format == "json"}
	id, err := findRun(ctx, p, store, named)
	if err != nil && (!c.hist.follow || c.hist.run != "") {
		return interrupted(ctx, err)
	}
	if c.hist.run != "" && len(c.args) == 1 {
		r, _, err := store.Get(ctx, id)
		if err != nil {
			return interrupted(ctx, err)
		}
		if r.Job != c.args[0] {
			return usagef("run %s is of %s, not of %s; leave the job out", shortID(id), r.Job, c.args[0])
		}
	}
	if !c.hist.follow {
		err := l.print(ctx, id)
		if err == nil && l.after == 0 && !l.json {
			fmt.Fprintf(c.stderr, "run %s wrote nothing; `dag show %s` tells about it\n", shortID(id), shortID(id))
		}
		return interrupted(ctx, err)
	}
	if c.hist.run != "" {
		return interrupted(ctx, l.follow(ctx, id))
	}
	err = l.followJob(ctx, c.args[0], id, func(r run.Run) {
		fmt.Fprintf(c.stderr, "run %s began %s: %s\n", shortID(r.ID), r.Started.In(p.Spec.Location).Format(time.DateTime), r.Trigger)
	})
	if ctx.Err() != nil {
		return nil // Ctrl-C is how one leaves
	}
	return err
}

// logReader prints the log of a run from where it has come to.
type logReader struct {
	store *runstore.Postgres
	out   io.Writer
	json  bool
	after int64
}

// logPause is how often a log that is followed is looked at.
const logPause = 300 * time.Millisecond

// print writes what has come since the last time.
func (l *logReader) print(ctx context.Context, id run.ID) error {
	lines, err := l.store.Log(ctx, id, l.after)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", id, err)
	}
	for _, line := range lines {
		l.after = line.Seq
		if l.json {
			err = json.NewEncoder(l.out).Encode(struct {
				Run run.ID `json:"run"`
				run.Line
			}{id, line})
		} else {
			_, err = io.WriteString(l.out, line.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// follow prints until the run has ended.
func (l *logReader) follow(ctx context.Context, id run.ID) error {
	l.after = 0
	for {
		r, _, err := l.store.Get(ctx, id) // before the log: what it wrote before its end is there then
		if err != nil {
			return err
		}
		if err := l.print(ctx, id); err != nil || r.State.Ended() {
			return err
		}
		if !pause(ctx, logPause) {
			return context.Cause(ctx)
		}
	}
}

// followJob prints the log of a run, "" for none yet, and of those of its job that come after it.
func (l *logReader) followJob(ctx context.Context, job string, id run.ID, began func(run.Run)) error {
	for {
		if id != "" {
			if err := l.follow(ctx, id); err != nil {
				return err
			}
		}
		next, err := l.next(ctx, job, id)
		if err != nil {
			return err
		}
		if next.ID != "" {
			began(next)
			id = next.ID
		} else if !pause(ctx, logPause) {
			return context.Cause(ctx)
		}
	}
}

// next is the run of a job that began next after one, if there is any; ids sort by time.
func (l *logReader) next(ctx context.Context, job string, id run.ID) (next run.Run, err error) {
	runs, err := l.store.History(ctx, run.Filter{Job: job, Limit: 100})
	for _, r := range runs {
		if r.ID > id {
			next = r
		}
	}
	return next, err
}

// pause waits for d and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
