// Package runstore keeps the history of runs for the runner: in Postgres, where it outlives the process and every
// machine sees it, and in memory for runs that need no history. Both pass the same tests.
package runstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/sql"
)

// Postgres keeps runs in the tables of schema dag: runs, attempts, run_logs, gate_cursors, pauses, pool_leases,
// backfills.
type Postgres struct{ db *pgxpool.Pool }

// NewPostgres makes a store on a migrated database.
func NewPostgres(db *pgxpool.Pool) *Postgres { return &Postgres{db} }

// leaseTTL is how long a run counts as alive before its first renewal; as long as the runner renews it for.
const leaseTTL = 10 * time.Second

// Begin records a run that starts, or takes over one that Recover gave: same id, same fence. It is an error when the
// run exists otherwise.
func (p *Postgres) Begin(ctx context.Context, r run.Run) error {
	ledger, params := r.Ledger, r.Params
	if ledger == nil {
		ledger = map[string]int64{}
	}
	if params == nil {
		params = map[string]string{}
	}
	tag, err := p.db.Exec(ctx, sql.Query("run_begin"), string(r.ID), r.Job, string(r.State), r.Trigger, r.AsOf, ledger, r.Instance, leaseTTL,
		r.Started, params, known(r.From), known(r.To), r.Backfill, string(r.RetryOf), r.Fence)
	if err == nil && tag.RowsAffected() == 0 {
		err = errExists(r.ID)
	}
	return err
}

func errExists(id run.ID) error { return fmt.Errorf("run %s exists, and is not one to take over", id) }

// known is a time, or null for none.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Attempt records one try that ended.
func (p *Postgres) Attempt(ctx context.Context, id run.ID, a run.Attempt) error {
	_, err := p.db.Exec(ctx, sql.Query("run_attempt"), string(id), a.Number, string(a.State), a.Started, a.Ended, a.Error)
	return err
}

// Finish records the end of a run and the attempt that ended it. In the same transaction a success moves the job's cursors
// to the run's ledger position and marks, so that a row is counted for one run only, an interval of a backfill gets its state, and the run's
// shares of pools are free. The error is run.ErrFenced when the run was closed or taken over meanwhile.
func (p *Postgres) Finish(ctx context.Context, r run.Run) error {
	streams, rows, marks := cursorsOf(r)
	var closed int
	err := p.db.QueryRow(ctx, sql.Query("run_finish"), string(r.ID), string(r.State), r.Ended, r.Error, r.RowsRead, r.RowsWritten, r.Note,
		r.Warning, r.Fence, streams, rows, marks, r.Try.Number, string(r.Try.State), known(r.Try.Started), known(r.Try.Ended), r.Try.Error).Scan(&closed)
	if err == nil && closed == 0 {
		err = fmt.Errorf("run %s: %w", r.ID, run.ErrFenced)
	}
	return err
}

// cursorsOf is what a run moves: nothing unless it did its work on the job's own schedule.
func cursorsOf(r run.Run) (streams []string, rows []int64, marks []*time.Time) {
	if !r.State.OK() || r.Backfill != "" {
		return nil, nil, nil
	}
	all := map[string]bool{}
	for s := range r.Ledger {
		all[s] = true
	}
	for s := range r.Marks {
		all[s] = true
	}
	streams = slices.Sorted(maps.Keys(all)) // one lock order for all
	for _, s := range streams {
		rows, marks = append(rows, r.Ledger[s]), append(marks, known(r.Marks[s]))
	}
	return streams, rows, marks
}

// Extend renews the leases of an instance's runs and of their shares of pools.
func (p *Postgres) Extend(ctx context.Context, instance string, ttl time.Duration) error {
	_, err := p.db.Exec(ctx, sql.Query("run_extend"), instance, ttl)
	return err
}

// Recover closes the runs of this instance's earlier life and those of anyone whose lease has lapsed, and gives them
// with their new fence, so that the caller may Begin them again. A process that goes on names no instance, since its own
// runs are alive: it closes lapsed ones only. Each closed run is given to one caller.
func (p *Postgres) Recover(ctx context.Context, instance string) ([]run.Run, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_recover"), instance, run.Interrupted)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRun)
}

// Last gives the last run of a job that ended; the runs of backfills do not count.
func (p *Postgres) Last(ctx context.Context, job string) (run.Run, bool, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_last"), job)
	if err != nil {
		return run.Run{Job: job}, false, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return run.Run{Job: job}, false, nil
	}
	return r, err == nil, err
}

// Cursors gives the rows of each stream that the job's last successful run had seen.
func (p *Postgres) Cursors(ctx context.Context, job string) (map[string]int64, error) {
	out := map[string]int64{}
	err := p.cursors(ctx, job, func(stream string, rows int64, _ *time.Time) { out[stream] = rows })
	return out, err
}

// Marks gives, per stream, the watermark that the job's last successful run was for.
func (p *Postgres) Marks(ctx context.Context, job string) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := p.cursors(ctx, job, func(stream string, _ int64, mark *time.Time) {
		if mark != nil {
			out[stream] = *mark
		}
	})
	return out, err
}

func (p *Postgres) cursors(ctx context.Context, job string, each func(stream string, rows int64, mark *time.Time)) error {
	rows, err := p.db.Query(ctx, sql.Query("run_cursors"), job)
	if err != nil {
		return err
	}
	var stream string
	var n int64
	var mark *time.Time
	_, err = pgx.ForEachRow(rows, []any{&stream, &n, &mark}, func() error { each(stream, n, mark); return nil })
	return err
}

// Prune forgets runs that ended before t, but never the last one of a job's own schedule.
func (p *Postgres) Prune(ctx context.Context, t time.Time) error {
	_, err := p.db.Exec(ctx, sql.Query("run_prune"), t)
	return err
}

// scanRun reads the columns that run_recover, run_last, run_history and run_get share.
func scanRun(row pgx.CollectableRow) (run.Run, error) {
	var r run.Run
	var id, state, retry string
	var ended, from, to *time.Time
	err := row.Scan(&id, &r.Job, &state, &r.Trigger, &r.AsOf, &r.Ledger, &r.Instance, &r.Started, &ended, &r.Error, &r.RowsRead, &r.RowsWritten,
		&r.Note, &r.Warning, &r.Params, &from, &to, &r.Backfill, &retry, &r.Fence)
	r.ID, r.State, r.RetryOf = run.ID(id), run.State(state), run.ID(retry)
	for t, v := range map[*time.Time]*time.Time{&r.Ended: ended, &r.From: from, &r.To: to} {
		if v != nil {
			*t = *v
		}
	}
	if len(r.Params) == 0 {
		r.Params = nil
	}
	return r, err
}
