// Package segments is the job kind `ml.segments`: it scores customers by recency, frequency and monetary value, names
// the segment of each, groups them by K-Means, and replaces table customer_segments.
//
// A run reads what was bought before as_of, in one snapshot, and writes in one transaction: readers see the segments of
// the run before until those of this one are complete. The same purchases and the same as_of give the same rows, but for
// the run's id.
//
// Recency is whole days before as_of; equal values are ranked by customer id (ties: first) or score the same (ties:
// value). K-Means works on log(1+x) of the three, standardised; clusters are numbered from 0 by descending mean monetary
// value. A customer who spent nothing, or got all of it back, has scores but no cluster.
package segments

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
)

// Deps is what a segmentation works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string // folder of the dagfile
}

// Job segments customers.
type Job struct {
	name  string
	with  With
	deps  Deps
	table rfm.Table
	query dataset.Query
}

// New makes the job. A query of the dagfile's own is read now, so that a missing file shows before the first run.
func New(name string, w With, d Deps) (*Job, error) {
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w.withDefaults()
	j := &Job{name: name, with: w, deps: d, table: rfm.Default}
	if w.Segments != nil {
		table, err := rfm.ParseTable(w.Segments)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		j.table = table
	}
	fallback := "segments_input"
	if w.Frequency == string(rfm.Orders) {
		fallback += "_orders"
	}
	if w.Net {
		fallback += "_net"
	}
	query, err := dataset.Find(w.Query, d.Dir, fallback)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	j.query = query
	return j, nil
}

// Run segments the customers who bought before in.AsOf.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var result run.Result
	err := publish.Exclusive(ctx, j.deps.DB, j.with.Into, func(conn *pgx.Conn) error {
		data, err := j.read(ctx, conn, in)
		if err != nil {
			return fmt.Errorf("read purchases: %w", err)
		}
		in.Progress(run.Progress{Rows: data.rows, Lag: -1, Note: fmt.Sprintf("%d customers", len(data.ids))})
		rows, err := j.segment(data, in)
		if err != nil {
			return err
		}
		if err := publish.Like(ctx, conn, j.with.Into, "customer_segments"); err != nil {
			return err
		}
		written, err := publish.Replace(ctx, conn, j.with.Into, columns, pgx.CopyFromRows(rows.cells))
		if err != nil {
			return err
		}
		result = run.Result{RowsRead: data.rows, RowsWritten: written, Note: rows.note}
		return nil
	})
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	return result, nil
}
