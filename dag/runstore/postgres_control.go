package runstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/sql"
)

// Pauses gives the paused jobs by name.
func (p *Postgres) Pauses(ctx context.Context) (map[string]run.Pause, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_pauses"))
	if err != nil {
		return nil, err
	}
	out := map[string]run.Pause{}
	var job string
	var v run.Pause
	_, err = pgx.ForEachRow(rows, []any{&job, &v.Reason, &v.Since}, func() error { out[job] = v; return nil })
	return out, err
}

// Pause says that no new run of a job starts by itself, until Resume. Pausing again changes the reason only.
func (p *Postgres) Pause(ctx context.Context, job, reason string) error {
	_, err := p.db.Exec(ctx, sql.Query("run_pause"), job, reason)
	return err
}

// Resume ends a pause; a job that is not paused stays so.
func (p *Postgres) Resume(ctx context.Context, job string) error {
	_, err := p.db.Exec(ctx, sql.Query("run_resume"), job)
	return err
}

// Acquire takes cost of a pool's size for a run and tells whether there was room. The share is free again after Release,
// after the run's end, or when ttl passes without an Extend by the run's instance. Asking again renews it.
func (p *Postgres) Acquire(ctx context.Context, pool string, size, cost int, id run.ID, ttl time.Duration) (bool, error) {
	if err := fits(pool, size, cost); err != nil {
		return false, err
	}
	got := false
	err := pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error {
		// The lock comes in a statement of its own: the next one then sees what the holder before us has written.
		if _, err := tx.Exec(ctx, sql.Query("pool_lock"), pool); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, sql.Query("pool_acquire"), pool, string(id), cost, ttl, size)
		got = tag.RowsAffected() == 1
		return err
	})
	return got && err == nil, err
}

func fits(pool string, size, cost int) error {
	if cost < 1 || cost > size {
		return fmt.Errorf("pool %s has size %d: a cost of %d never fits", pool, size, cost)
	}
	return nil
}

// Release gives a run's share of a pool back.
func (p *Postgres) Release(ctx context.Context, pool string, id run.ID) error {
	_, err := p.db.Exec(ctx, sql.Query("pool_release"), pool, string(id))
	return err
}

// clean makes text storable: Postgres takes no zero byte and no broken UTF-8. No piece is longer than a whole log may be.
func clean(text string) string {
	text = text[:min(len(text), run.LogCap)]
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", "�"), "�")
}
