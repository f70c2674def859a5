package segments

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/kmeans"
	"tillflow/sql"
)

var (
	qSweepDay    = sql.Query("segments_sweep_day")
	qSweepForget = sql.Query("segments_sweep_forget")
)

// A sweep tries 2 to 10 clusters, and takes the silhouette of at most sweepSample customers.
const (
	sweepFrom, sweepTo = 2, 10
	sweepSample        = 10_000
)

// sweep tries other numbers of clusters, when it is time to, and returns nil when it is not. When nobody has a cluster
// there are no trials.
func (j *Job) sweep(ctx context.Context, conn *pgx.Conn, g groups, asOf time.Time, live bool) (*kmeans.Sweep, error) {
	if !live || j.with.Sweep == HistoryNone {
		return nil, nil
	}
	if g.set == nil {
		return &kmeans.Sweep{}, nil
	}
	if j.with.Sweep == HistoryDay {
		var there bool
		if err := conn.QueryRow(ctx, qSweepDay, j.with.Into, asOf).Scan(&there); err != nil {
			return nil, fmt.Errorf("look for the day's sweep: %w", err)
		}
		if there {
			return nil, nil
		}
	}
	o := kmeans.Defaults(0)
	o.Starts, o.Seed = j.with.Starts, j.with.Seed
	s, err := g.set.Sweep(sweepFrom, sweepTo, sweepSample, o)
	if err != nil {
		return nil, fmt.Errorf("try %d to %d clusters: %w", sweepFrom, sweepTo, err)
	}
	return s, nil
}

// writeSweep replaces the table's sweep.
func (j *Job) writeSweep(ctx context.Context, tx pgx.Tx, sweep *kmeans.Sweep, s scored, id run.ID) error {
	if _, err := tx.Exec(ctx, qSweepForget, j.with.Into); err != nil {
		return fmt.Errorf("write cluster_sweep: %w", err)
	}
	var rows [][]any
	for _, t := range sweep.Trials {
		customers := 0
		for _, size := range t.Sizes {
			customers += size
		}
		var silhouette any
		if !math.IsNaN(t.Silhouette) {
			silhouette = t.Silhouette
		}
		rows = append(rows, []any{
			j.with.Into, int32(t.K), t.Inertia, t.Bend, t.K == sweep.Elbow, silhouette, int32(sweep.Sample), t.K == j.with.K,
			int64(customers), string(id), s.asOf,
		})
	}
	columns := []string{"table_name", "k", "inertia", "bend", "elbow", "silhouette", "sample", "chosen", "customers", "run_id", "as_of"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"cluster_sweep"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("write cluster_sweep: %w", err)
	}
	return nil
}
