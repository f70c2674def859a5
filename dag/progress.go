package main

import (
	"context"
	"log/slog"
	"time"

	"tillflow/dag/runner"
)

// logProgress writes, where there is no terminal to redraw, a line for each job whose state has changed, and for the
// streams one every half minute.
func logProgress(ctx context.Context, log *slog.Logger, r *runner.Runner) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	type shown struct {
		state string
		at    time.Time
	}
	last := map[string]shown{}
	for {
		now := time.Now()
		for _, j := range r.Status() {
			was, seen := last[j.Job]
			if seen && was.state == j.State && (!j.Stream || now.Sub(was.at) < 30*time.Second) {
				continue
			}
			if !j.Stream && seen && j.Error == "" && was.state != "failed" { // runs come and go; failures and first results are news
				continue
			}
			if !j.Stream && j.Last.Ended.IsZero() {
				continue
			}
			log.Info(j.State, "job", j.Job, "what", describe(j, now))
			last[j.Job] = shown{j.State, now}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
