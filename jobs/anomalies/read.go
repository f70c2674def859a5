package anomalies

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
)

// windows are what a run works on, one row a series and window that has sales. Times are microseconds since the epoch.
type windows struct {
	names []string // of the series, ascending
	of    []int32  // the series of each row

	start, value, orders []int64

	cut, end int64 // windows that start from cut and end by end are judged
	rows     int64
}

// read finds out which windows are closed and reads them and their baseline, in one snapshot.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, in run.Input) (windows, error) {
	var w windows
	var names []string
	known := false // is there a stream whose watermark says what is closed?
	err := publish.Snapshot(ctx, conn, func(tx pgx.Tx) error {
		closed, closes, err := j.closed(ctx, tx, in.AsOf.UTC())
		if err != nil {
			return err
		}
		known = closes
		from := time.Unix(0, 0).UTC()
		if known {
			size := j.with.Size.Microseconds()
			w.end = closed.UnixMicro() / size * size
			from = closed.Add(-j.with.Lookback - time.Duration(j.with.Days+1)*day)
		}
		_, err = j.query.Read(ctx, tx.Conn(), []any{from, closed}, dataset.Shape{
			"series": pg.Strings(&names), "window_start": pg.Micros(&w.start),
			"value": pg.Minor(&w.value, *j.with.Scale), "orders": pg.Int64s(&w.orders),
		})
		return err
	})
	if err != nil {
		return windows{}, err
	}
	w.rows = int64(len(w.start))
	w.names, w.of = dataset.Encode(names)
	if w.rows > 0 && !known {
		w.end = slices.Max(w.start) + j.with.Size.Microseconds()
	}
	w.cut = w.end - j.with.Lookback.Microseconds()
	return w, nil
}

// closed is the end of the last window that can be complete: the stream's watermark, or as_of when that is earlier or
// when no stream ever ran (then closes is false). A stream that ran and has no watermark has closed nothing.
func (j *Job) closed(ctx context.Context, tx pgx.Tx, asOf time.Time) (at time.Time, closes bool, err error) {
	partitions, err := ledger.Progress(ctx, tx, j.with.Stream)
	if err != nil || len(partitions) == 0 {
		return asOf, false, err
	}
	at, ok, err := ledger.Watermark(ctx, tx, j.with.Stream)
	switch {
	case err != nil:
		return at, true, err
	case !ok:
		return time.Unix(0, 0).UTC(), true, nil
	case at.After(asOf):
		return asOf, true, nil
	}
	return at, true, nil
}
