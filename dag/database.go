package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/runner"
	"tillflow/lib/pg"
	"tillflow/sql"
)

// migrate brings the database up to date with sql/migrations beside the dagfile, or, where a pipeline has none of its
// own, with those built in.
func migrate(ctx context.Context, db *pgxpool.Pool, dir string) (applied int, err error) {
	migrations := sql.Migrations
	if own := filepath.Join(dir, "sql", "migrations"); isFolder(own) {
		migrations = os.DirFS(own)
	}
	return pg.Migrate(ctx, db, migrations)
}

func isFolder(path string) bool {
	st, err := fs.Stat(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	return err == nil && st.IsDir()
}

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
