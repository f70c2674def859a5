package runstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/sql"
)

// OpenBackfill makes a backfill and its intervals known, as far as they are not. Finish of a run that names the backfill
// and an interval gives the interval its state.
func (p *Postgres) OpenBackfill(ctx context.Context, b run.Backfill, intervals []run.Interval) error {
	params := b.Params
	if params == nil {
		params = map[string]string{}
	}
	from, to := make([]time.Time, len(intervals)), make([]time.Time, len(intervals))
	for i, v := range intervals {
		from[i], to[i] = v.From, v.To
	}
	return pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql.Query("backfill_open"), b.ID, b.Job, b.Step, params); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, sql.Query("backfill_add"), b.ID, from, to)
		return err
	})
}

// Intervals gives the intervals of a backfill that have been asked for, by time.
func (p *Postgres) Intervals(ctx context.Context, backfill string) ([]run.Interval, error) {
	rows, err := p.db.Query(ctx, sql.Query("backfill_intervals"), backfill)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v run.Interval, err error) {
		var state, id string
		err = row.Scan(&v.From, &v.To, &state, &id)
		v.State, v.Run = run.State(state), run.ID(id)
		return v, err
	})
}

// LockBackfill makes this process the one that works on a backfill, until release or its end, however it ends. It is
// false when another one does.
func (p *Postgres) LockBackfill(ctx context.Context, backfill string) (release func(), ok bool, err error) {
	conn, err := p.db.Acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	if err := conn.QueryRow(ctx, sql.Query("backfill_lock"), backfill).Scan(&ok); err != nil || !ok {
		conn.Release()
		if err != nil {
			err = fmt.Errorf("lock the backfill: %w", err)
		}
		return nil, false, err
	}
	return func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := conn.Exec(back, sql.Query("backfill_unlock"), backfill); err != nil {
			_ = conn.Conn().Close(back) // the lock ends with the session
		}
		conn.Release()
	}, true, nil
}
