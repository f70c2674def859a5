package main

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// eventLines writes the events of a run as lines of JSON, for programs. A reader that is slow holds back nothing but the
// lines: they wait in memory.
type eventLines struct {
	mu    sync.Mutex
	queue []runner.Event
	more  chan struct{} // holds one token when there may be lines
}

func newEventLines() *eventLines { return &eventLines{more: make(chan struct{}, 1)} }

func (l *eventLines) add(e runner.Event) {
	l.mu.Lock()
	l.queue = append(l.queue, shownEvent(e))
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// write puts the lines to w until ctx ends, and those that came before its end. It stops at the first error of w: the
// run goes on when its reader has gone.
func (l *eventLines) write(ctx context.Context, w io.Writer) {
	enc := json.NewEncoder(w)
	for {
		l.mu.Lock()
		lines := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, e := range lines {
			if enc.Encode(e) != nil {
				return
			}
		}
		if len(lines) > 0 {
			continue
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-l.more:
		case <-ctx.Done():
		}
	}
}

// follow adds a progress event of each running stream each second, until ctx ends.
func (l *eventLines) follow(ctx context.Context, jobs func() []runner.Status) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			for _, j := range jobs() {
				if j.Stream && j.State != string(run.Waiting) && j.State != string(run.Stopped) && j.State != runner.Held {
					l.add(runner.Event{Schema: runner.EventSchema, Time: now, Event: runner.Flowing, Job: j.Job, State: j.State,
						Stream: &runner.Flow{Rows: j.Rows, PerSecond: j.Rate, Lag: j.Lag, Watermark: j.Watermark, Restarts: j.Restarts}})
				}
			}
		}
	}
}

// tell begins to write the events of a run, if they were asked for. The returned function ends it when all are written.
func (c *call) tell(ctx context.Context, r *runner.Runner) func() {
	if c.events == nil {
		return func() {}
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { c.events.write(ctx, c.stdout) })
	wg.Go(func() { c.events.follow(ctx, r.Status) })
	return func() { end(); wg.Wait() }
}
