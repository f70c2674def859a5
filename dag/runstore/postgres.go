// Package runstore keeps the history of runs for the runner: in Postgres, where it outlives the process and every
// machine sees it, and in memory for runs that need no history. Both pass the same tests.
package runstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/sql"
)

// Postgres keeps runs in dag.runs, dag.attempts and dag.gate_cursors.
type Postgres struct{ db *pgxpool.Pool }

// NewPostgres makes a store on a migrated database.
func NewPostgres(db *pgxpool.Pool) *Postgres { return &Postgres{db} }

// leaseTTL is how long a new run counts as alive before its first renewal.
const leaseTTL = 15 * time.Second

// Begin records a run that starts.
func (p *Postgres) Begin(ctx context.Context, r run.Run) error {
	ledger := r.Ledger
	if ledger == nil {
		ledger = map[string]int64{}
	}
	_, err := p.db.Exec(ctx, sql.Query("run_begin"), string(r.ID), r.Job, string(r.State), r.Trigger, r.AsOf, ledger, r.Instance, leaseTTL, r.Started)
	return err
}

// Attempt records one try that ended.
func (p *Postgres) Attempt(ctx context.Context, id run.ID, a run.Attempt) error {
	_, err := p.db.Exec(ctx, sql.Query("run_attempt"), string(id), a.Number, string(a.State), a.Started, a.Ended, a.Error)
	return err
}

// Finish records the end of a run. A success moves the job's cursors to the run's ledger position in the same
// transaction, so that a row is counted for one run only. A run that was closed meanwhile is ErrClosed.
func (p *Postgres) Finish(ctx context.Context, r run.Run) error {
	return pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql.Query("run_finish"), string(r.ID), string(r.State), r.Ended, r.Error, r.RowsRead, r.RowsWritten, r.Note)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("run %s: %w", r.ID, ErrClosed)
		}
		if r.State != run.Succeeded || len(r.Ledger) == 0 {
			return nil
		}
		var streams []string
		for s := range r.Ledger {
			streams = append(streams, s)
		}
		slices.Sort(streams) // one lock order for all
		rows := make([]int64, len(streams))
		for i, s := range streams {
			rows[i] = r.Ledger[s]
		}
		_, err = tx.Exec(ctx, sql.Query("run_cursors_move"), r.Job, streams, rows)
		return err
	})
}

// ErrClosed says that a run had been closed by another process, which took this one for dead.
var ErrClosed = errors.New("the run was closed by another process")

// Extend renews the leases of an instance's runs.
func (p *Postgres) Extend(ctx context.Context, instance string, ttl time.Duration) error {
	_, err := p.db.Exec(ctx, sql.Query("run_extend"), instance, ttl)
	return err
}

// Recover closes the runs of this instance's earlier life and those whose lease has lapsed.
func (p *Postgres) Recover(ctx context.Context, instance string) (int, error) {
	tag, err := p.db.Exec(ctx, sql.Query("run_recover"), instance)
	return int(tag.RowsAffected()), err
}

// Last gives the last run of a job that ended.
func (p *Postgres) Last(ctx context.Context, job string) (run.Run, bool, error) {
	r := run.Run{Job: job}
	var id, state string
	err := p.db.QueryRow(ctx, sql.Query("run_last"), job).Scan(&id, &state, &r.Trigger, &r.AsOf, &r.Ledger, &r.Instance,
		&r.Started, &r.Ended, &r.Error, &r.RowsRead, &r.RowsWritten, &r.Note)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, false, nil
	}
	r.ID, r.State = run.ID(id), run.State(state)
	return r, err == nil, err
}

// Cursors gives the rows of each stream that the job's last successful run had seen.
func (p *Postgres) Cursors(ctx context.Context, job string) (map[string]int64, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_cursors"), job)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	var stream string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&stream, &n}, func() error { out[stream] = n; return nil })
	return out, err
}

// Prune forgets runs that ended before t, but never a job's last one.
func (p *Postgres) Prune(ctx context.Context, t time.Time) error {
	_, err := p.db.Exec(ctx, sql.Query("run_prune"), t)
	return err
}
