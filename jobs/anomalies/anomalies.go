// Package anomalies is the job kind `ml.anomalies`: it finds spikes and drops in the sales of each product, window by
// window, and brings table anomalies up to date.
//
// Only windows that the stream's watermark has closed are judged: a window that may still grow is no drop. Windows
// without sales have no row in the minute table; they are filled in, from a product's first window to the last closed
// one of all, or drops could not be seen. Tables that no stream keeps (a stream never ran, the rows were loaded by hand)
// have all their windows before as_of judged, to the last one there is.
//
// # What a run reads
//
// The first run judges all there is. A later one judges what was closed since the last, the `lookback` before the end in
// any case, and whatever windows the stream says late rows have changed since; when a setting changed, all again. It reads
// those windows and the days they are judged by (twice `days`), so its cost does not grow with the table. Its memory does
// not either: a first run of more than two million rows reads some series after the other.
//
// # What a run writes
//
// What it finds replaces what stood there for the judged time, in one transaction: an anomaly that is as it was is not
// touched, one that changed keeps its created_at, one that is gone is withdrawn. So the same input twice changes nothing,
// and run_id names the run that last changed a row; table anomaly_runs has its as_of, settings and rows read. Table
// anomaly_series says of each series whether it could be judged, or sells too little for a lack of sales to mean anything.
//
// Neighbouring windows that are all too high, or all too low, are one anomaly: window_start and window_minutes are its
// first window and length, observed and expected the revenue over all of it, score that of the event (or of its strongest
// window, if that is greater), negative for a drop.
//
// # Odd input
//
// An empty result, NaN, infinity, null, a negative number of orders, windows that do not lie on one calendar, amounts past
// 64 bits: all but the first are errors that name the row or the series, and in all cases the previous output stays.
// Negative revenue (refunds above sales) counts as nothing sold. A series that ends is a drop until the shape of its days
// is forgotten; then its state is silent.
package anomalies

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/publish"
)

// Deps is what the search works with.
type Deps struct {
	DB  *pgxpool.Pool
	Log *slog.Logger
	Dir string // folder of the dagfile
}

// Job searches for anomalies.
type Job struct {
	name  string
	with  With
	deps  Deps
	query dataset.Query

	batchRows int64
}

// New makes the job. A query of the dagfile's own is read now, so that a missing file shows before the first run.
func New(name string, w With, d Deps) (*Job, error) {
	if err := w.validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w.withDefaults()
	query, err := dataset.Find(w.Query, d.Dir, "anomalies_input")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Job{name: name, with: w, deps: d, query: query, batchRows: batchRows}, nil
}

// Run judges the windows that ended before in.AsOf and are closed.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	var result run.Result
	err := publish.Exclusive(ctx, j.deps.DB, j.with.Into, func(conn *pgx.Conn) error {
		var found []found
		var states []judged
		data, err := j.read(ctx, conn, in, func(w windows) error {
			events, judged, err := j.detect(w)
			found, states = append(found, events...), append(states, judged...)
			return err
		})
		if err != nil {
			return fmt.Errorf("read and judge windows: %w", err)
		}
		if err := publish.Like(ctx, conn, j.with.Into, "anomalies"); err != nil {
			return err
		}
		changed, err := j.write(ctx, conn, in, data, found, states)
		if err != nil {
			return err
		}
		result = run.Result{RowsRead: data.rows, RowsWritten: changed, Note: note(found, states)}
		return nil
	})
	if err != nil {
		return run.Result{}, fmt.Errorf("%s: %w", j.name, err)
	}
	return result, nil
}
