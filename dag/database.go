package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/runner"
	"tillflow/sql"
)

// facts answers the runner's question about what streams have committed, from the ledger.
type facts struct{ db *pgxpool.Pool }

func (f facts) Streams(ctx context.Context) (map[string]runner.Ledger, error) {
	rows, err := f.db.Query(ctx, sql.Query("stream_rows"))
	if err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	out := map[string]runner.Ledger{}
	var job string
	var l runner.Ledger
	_, err = pgx.ForEachRow(rows, []any{&job, &l.Rows, &l.Offset, &l.Lag}, func() error { out[job] = l; return nil })
	return out, err
}
