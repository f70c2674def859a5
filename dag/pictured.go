package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/picture"
	"tillflow/dag/plan"
	"tillflow/dag/runner"
)

// pictured lets reports see what the jobs are doing, until the returned function is called: it writes what they did last.
// once is when each job began to be run once; zero in a full run.
func pictured(ctx context.Context, db *pgxpool.Pool, p *plan.Plan, r *runner.Runner, id string, once time.Time, log *slog.Logger) (end func()) {
	k := picture.New(picture.Config{DB: db, Plan: p, Instance: id, Status: r.Status, Once: once, Log: log})
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var keeps sync.WaitGroup
	keeps.Go(func() { k.Run(ctx) })
	return func() { cancel(); keeps.Wait() }
}
