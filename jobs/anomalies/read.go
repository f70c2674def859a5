package anomalies

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/dataset"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
	"tillflow/lib/publish"
	"tillflow/sql"
)

var (
	qLast = sql.Query("anomalies_last")
	qLate = sql.Query("anomalies_late")
)

// noCut is the cut of a run that judges whatever there is.
const noCut = math.MinInt64

// windows are what a run works on, one row a series and window that has sales. Times are microseconds since the epoch.
type windows struct {
	names []string // of the series, ascending
	of    []int32  // the series of each row

	start, value, orders []int64

	cut, end int64 // windows that end after cut and by end are judged
	rows     int64

	parameters []byte // JSON
}

// read finds out which windows are closed and which of them have to be judged, and reads them and what they are judged
// by, in one snapshot.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, in run.Input) (windows, error) {
	parameters, err := j.with.parameters(j.query.Text)
	if err != nil {
		return windows{}, err
	}
	w := windows{parameters: parameters}
	var names []string
	err = publish.Snapshot(ctx, conn, func(tx pgx.Tx) error {
		closed, closes, err := j.closed(ctx, tx, in.AsOf.UTC())
		if err != nil {
			return err
		}
		size := j.with.Size.Microseconds()
		if closes {
			w.end = closed.UnixMicro() / size * size
		} else if w.end, err = j.lastEnd(ctx, tx, closed); err != nil {
			return err
		}
		if w.cut, err = j.cut(ctx, tx, w); err != nil {
			return err
		}
		_, err = j.query.Read(ctx, tx.Conn(), []any{time.UnixMicro(j.from(w.cut)).UTC(), closed}, j.shape(&w, &names))
		return err
	})
	if err != nil {
		return windows{}, err
	}
	w.rows = int64(len(w.start))
	w.names, w.of = dataset.Encode(names)
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

// lastEnd is the end of the last window there is before a time, for tables that no stream keeps; 0 when there is none.
func (j *Job) lastEnd(ctx context.Context, tx pgx.Tx, before time.Time) (int64, error) {
	rows := "(\n" + strings.TrimRight(strings.TrimSpace(j.query.Text), ";") + "\n) as windows"
	args := []any{time.Unix(0, 0).UTC(), before}
	ask := func(text string, s dataset.Shape) error {
		_, err := dataset.Query{Text: text, Origin: j.query.Origin}.Read(ctx, tx.Conn(), args, s)
		return err
	}
	var start []int64
	// First without a row, so that a query with other columns is told which ones are wanted.
	if err := ask("select * from "+rows+" limit 0", j.shape(&windows{}, new([]string))); err != nil {
		return 0, err
	}
	if err := ask("select coalesce(max(window_start), 'epoch') as window_start from "+rows, dataset.Shape{"window_start": pg.Micros(&start)}); err != nil {
		return 0, err
	}
	if slices.Max(start) == 0 {
		return 0, nil
	}
	return start[0] + j.with.Size.Microseconds(), nil
}

// shape is what the query gives.
func (j *Job) shape(w *windows, names *[]string) dataset.Shape {
	return dataset.Shape{
		"series": pg.Strings(names), "window_start": pg.Micros(&w.start),
		"value": pg.Minor(&w.value, *j.with.Scale), "orders": pg.Int64s(&w.orders),
	}
}

// cut is where the windows begin that have to be judged: the lookback, and before that what no run judged yet with these
// settings and what late rows changed since.
func (j *Job) cut(ctx context.Context, tx pgx.Tx, w windows) (int64, error) {
	var until, written time.Time
	err := tx.QueryRow(ctx, qLast, j.with.Into, string(w.parameters)).Scan(&until, &written)
	if errors.Is(err, pgx.ErrNoRows) {
		return noCut, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read anomaly_runs: %w", err)
	}
	var late *time.Time
	if err := tx.QueryRow(ctx, qLate, j.with.Stream, written).Scan(&late); err != nil {
		return 0, fmt.Errorf("read dag.late_rows: %w", err)
	}
	cut := min(w.end-j.with.Lookback.Microseconds(), until.UnixMicro())
	if late != nil {
		size := j.with.Size.Microseconds()
		cut = min(cut, late.UnixMicro()/size*size)
	}
	return cut, nil
}

// from is where reading begins, so that the windows after cut are judged by all that has a say: a midnight in UTC, so that
// runs of one day begin alike.
func (j *Job) from(cut int64) int64 {
	history := int64(j.with.options().History()) * j.with.Size.Microseconds()
	if cut <= history {
		return 0
	}
	return (cut - history) / day.Microseconds() * day.Microseconds()
}
