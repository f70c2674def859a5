package main

import (
	"context"
	"log/slog"

	"tillflow/dag/notify"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// alerts starts what tells people of failures and their end, as the dagfile's `notify` says. The returned function ends
// it, when what is to be told has been told. c.alerted hands it the runner's events.
func (c *call) alerts(ctx context.Context, p *plan.Plan, store runner.Store, log *slog.Logger) (end func(), err error) {
	n, err := notify.New(notify.Config{Plan: p, Log: log})
	if err != nil || n == nil {
		return func() {}, err
	}
	for _, node := range p.Nodes {
		last, _, err := store.Last(ctx, node.Name)
		if err != nil {
			return nil, err
		}
		n.Remember(last)
	}
	c.notifier = n
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	return func() { cancel(); <-done }, nil
}

// alerted passes events on, and tells the notifier of those that matter to it.
func (c *call) alerted(next func(runner.Event)) func(runner.Event) {
	n := c.notifier
	if n == nil {
		return next
	}
	return func(e runner.Event) {
		switch e.Event {
		case runner.RunStarted:
			n.Started(e.Job, e.Run)
		case runner.RunEnded:
			if e.Result != nil {
				n.Ended(*e.Result)
			}
		case runner.HealthNow:
			n.Health(e.Job, run.Health(e.State), e.Why)
		}
		if next != nil {
			next(e)
		}
	}
}
