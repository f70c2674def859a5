package runner

import (
	"context"
	"time"

	"tillflow/dag/run"
)

// Job is what the runner needs of a job. Run returns context.Cause(ctx) when it was stopped.
type Job interface {
	Run(ctx context.Context, in run.Input) (run.Result, error)
}

// Store keeps the history of runs; the implementations are in runstore, which says more about each method.
type Store interface {
	Begin(ctx context.Context, r run.Run) error                  // with a lease; a run that Recover gave is taken over under its new fence
	Attempt(ctx context.Context, id run.ID, a run.Attempt) error // of a run that goes on; the last one comes with Finish
	Finish(ctx context.Context, r run.Run) error                 // a success moves the job's cursors, in one transaction; run.ErrFenced when it is not ours any more
	Extend(ctx context.Context, instance string, ttl time.Duration) error
	Recover(ctx context.Context, instance string) (closed []run.Run, err error) // instance "": only runs whose lease has lapsed
	Last(ctx context.Context, job string) (run.Run, bool, error)
	Cursors(ctx context.Context, job string) (map[string]int64, error)
	Marks(ctx context.Context, job string) (map[string]time.Time, error)
	Prune(ctx context.Context, before time.Time) error

	Pauses(ctx context.Context) (map[string]run.Pause, error)
	Pause(ctx context.Context, job, reason string) error
	Resume(ctx context.Context, job string) error
	Acquire(ctx context.Context, pool string, size, cost int, id run.ID, ttl time.Duration) (bool, error) // Finish and Recover free it too
	Release(ctx context.Context, pool string, id run.ID) error

	AppendLog(ctx context.Context, id run.ID, attempt int, text string) error
	Log(ctx context.Context, id run.ID, after int64) ([]run.Line, error)
	History(ctx context.Context, f run.Filter) ([]run.Run, error)
	Get(ctx context.Context, id run.ID) (run.Run, []run.Attempt, error)
	Find(ctx context.Context, text string) (run.ID, error)

	OpenBackfill(ctx context.Context, b run.Backfill, intervals []run.Interval) error // Finish gives the interval of a run its state
	Intervals(ctx context.Context, backfill string) ([]run.Interval, error)
	LockBackfill(ctx context.Context, backfill string) (release func(), ok bool, err error)
}

// Facts tells what each stream has committed, by job name.
type Facts interface {
	Streams(ctx context.Context) (map[string]Ledger, error)
}

// Ledger is how far a stream is, over all its partitions: committed facts only.
type Ledger struct {
	Rows   int64 // inserted since the log began; gates count with it
	Offset int64 // sum of the next offsets; grows with each message that was dealt with, rows or not
	Lag    int64 // messages in the log that are not stored yet, as their owners last saw its end
}
