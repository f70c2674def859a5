// Package segments is the job kind `ml.segments`: it scores customers by recency, frequency and monetary value, names
// the segment of each, groups them by K-Means, and replaces table customer_segments.
//
// A run reads what was bought before as_of, in one snapshot, and writes in one transaction: readers see the segments of
// the run before until those of this one are complete. The same purchases and the same as_of give the same rows, but for
// the run's id. Which run it was, from how many rows and with which settings, stands in segment_runs.
//
// Recency is whole days before as_of; equal values are ranked by customer id (ties: first) or score the same (ties:
// value). K-Means works on log(1+x) of the three, standardised; clusters are numbered from 0 by descending mean monetary
// value. A customer who spent nothing, or got all of it back, has scores but no cluster. cluster_profiles says who the
// customers of each cluster are, and once a day cluster_sweep how 2 to 10 clusters would do, which helps to choose k.
//
// # Kept totals
//
// With from: the run begins with the totals that a stream keeps by customer (rollup: on its sink) and adds the purchases since
// those were last raised, in one snapshot. The rows it writes are those of a run over all purchases, to the cent. For a
// time before what the rollup holds, as in most backfills, it reads all purchases and the run's note says so.
//
// # History and movements
//
// A run also keeps what it found in customer_segment_history when it is as of a whole second, as one that was asked for
// with --as-of is, and when it is the first of a day in UTC. An interval of a backfill writes its snapshot there and
// leaves customer_segments alone; its rows are those that a run of that day by itself would have made. segment_movements
// lists who is in another segment than in the last snapshot before: for each snapshot, and for the segments of now. It is
// a function of what the history holds, so that snapshots may come in any order. keep: 400d has each run by the clock remove
// the snapshots that are older, with the movements to them; by default all stay.
//
// # What is wrong with the input
//
// No customer at all gives empty tables; one customer scores 5, 1, 1; equal customers are ranked by id with ties: first.
// A line with a negative amount is money given back: net: true subtracts it, otherwise it is left out, and it is never a
// purchase. A null customer, time or amount, NaN and infinity, more decimals than the scale, money that does not fit an
// int64, and a purchase at or after as_of are errors that name the place; the tables stay as they were.
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
	names tables
}

// New makes the job. A query of the dagfile's own is read now, so that a missing file shows before the first run.
func New(name string, w With, d Deps) (*Job, error) {
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w.withDefaults()
	j := &Job{name: name, with: w, deps: d, table: rfm.Default, names: tablesOf(w.Into)}
	if w.Segments.Table != nil {
		j.table = *w.Segments.Table
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
	if j.query = query; w.From != "" {
		j.query = dataset.Query{Origin: "rollup " + w.From}
	}
	return j, nil
}

// Run segments the customers who bought before in.AsOf.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	if !in.From.IsZero() && j.with.History == HistoryNone {
		return run.Result{}, fmt.Errorf("%s: a backfill writes the history, and the dagfile says history: none", j.name)
	}
	var result run.Result
	err := publish.Exclusive(ctx, j.deps.DB, j.with.Into, func(conn *pgx.Conn) error {
		before := j.before(in)
		data, err := j.read(ctx, conn, before)
		if err != nil {
			return fmt.Errorf("read purchases: %w", err)
		}
		in.Progress(run.Progress{Rows: data.rows, Lag: -1, Note: fmt.Sprintf("%d customers", len(data.ids))})
		s, err := j.segment(data, j.asOf(in, before, data))
		if err != nil {
			return err
		}
		if s.sweep, err = j.sweep(ctx, conn, s.groups, s.asOf, in.From.IsZero()); err != nil {
			return err
		}
		moves, err := j.write(ctx, conn, s, in)
		if err != nil {
			return err
		}
		result = run.Result{RowsRead: data.rows, RowsWritten: int64(s.Len()), Note: j.note(s) + moves}
		return nil
	})
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	return result, nil
}
