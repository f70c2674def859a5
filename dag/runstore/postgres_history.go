package runstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/sql"
)

// History gives the runs that a filter chooses, the newest first. A run whose lease has lapsed is told as canceled, also
// before anybody has closed it.
func (p *Postgres) History(ctx context.Context, f run.Filter) ([]run.Run, error) {
	var limit *int
	if f.Limit > 0 {
		limit = &f.Limit
	}
	rows, err := p.db.Query(ctx, sql.Query("run_history"), f.Job, known(f.Since), f.Backfill, run.Interrupted, string(f.State), limit, f.Own)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRun)
}

// Get gives one run and its tries that ended. The error is run.ErrUnknown when there is no such run.
func (p *Postgres) Get(ctx context.Context, id run.ID) (run.Run, []run.Attempt, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_get"), string(id), run.Interrupted)
	if err != nil {
		return run.Run{}, nil, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, nil, fmt.Errorf("%s: %w", id, run.ErrUnknown)
	} else if err != nil {
		return r, nil, err
	}
	if rows, err = p.db.Query(ctx, sql.Query("run_attempts"), string(id)); err != nil {
		return r, nil, err
	}
	attempts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a run.Attempt, err error) {
		var state string
		err = row.Scan(&a.Number, &state, &a.Started, &a.Ended, &a.Error)
		a.State = run.State(state)
		return a, err
	})
	return r, attempts, err
}

// Find gives the one run whose id begins or ends with what a person typed. The error is run.ErrUnknown when there is
// none, and says so when there are several.
func (p *Postgres) Find(ctx context.Context, text string) (run.ID, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_find"), text)
	if err != nil {
		return "", err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	return one(text, ids)
}

func one(text string, ids []string) (run.ID, error) {
	switch len(ids) {
	case 0:
		return "", fmt.Errorf("%s: %w", text, run.ErrUnknown)
	case 1:
		return run.ID(ids[0]), nil
	default:
		return "", fmt.Errorf("%s is several runs, such as %s and %s", text, ids[0], ids[1])
	}
}

// cutNote ends a log that is as long as it may be.
const cutNote = "\n[the log is cut here: it is longer than what is kept of a run]\n"

// AppendLog adds a piece to a run's log. What comes after the cap of run.LogCap bytes is dropped; the log says so.
func (p *Postgres) AppendLog(ctx context.Context, id run.ID, attempt int, text string) error {
	if text == "" {
		return nil
	}
	_, err := p.db.Exec(ctx, sql.Query("run_log_append"), string(id), attempt, clean(text), run.LogCap, cutNote)
	return err
}

// Log gives the pieces of a run's log after a place in it, 0 for all of it.
func (p *Postgres) Log(ctx context.Context, id run.ID, after int64) ([]run.Line, error) {
	rows, err := p.db.Query(ctx, sql.Query("run_log"), string(id), after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[run.Line])
}
