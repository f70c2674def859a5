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

	qBatch = sql.Query("anomalies_batch")
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

// batchRows is how many rows a run holds at once, as far as whole series allow.
const batchRows = 2_000_000

// read finds out which windows are closed and which of them have to be judged, and reads them and what they are judged
// by, in one snapshot. It hands them to judge, in batches of whole series when they are many, and gives the names of all
// series and the number of all rows.
func (j *Job) read(ctx context.Context, conn *pgx.Conn, in run.Input, judge func(windows) error) (windows, error) {
	parameters, err := j.with.parameters(j.query.Text)
	if err != nil {
		return windows{}, err
	}
	w := windows{parameters: parameters}
	var batch windows
	take := func() error {
		w.names, w.rows = append(w.names, batch.names...), w.rows+batch.rows
		in.Progress(run.Progress{Rows: w.rows, Lag: -1, Watermark: time.UnixMicro(w.end).UTC()})
		return judge(batch)
	}
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
		args := []any{time.UnixMicro(j.from(w.cut)).UTC(), closed}
		batches, err := j.batches(ctx, tx, w.cut, args)
		if err != nil {
			return err
		}
		for i, series := range batches {
			if i > 0 {
				if err := take(); err != nil {
					return err
				}
			}
			if batch, err = j.batch(ctx, tx, series, args); err != nil {
				return err
			}
			batch.cut, batch.end = w.cut, w.end
		}
		return nil
	})
	if err != nil {
		return windows{}, err
	}
	return w, take() // the last batch, or the only one, needs the snapshot no more
}

// batch reads the windows of some series; nil are all.
func (j *Job) batch(ctx context.Context, tx pgx.Tx, series []string, args []any) (windows, error) {
	query := j.query
	if series != nil {
		if _, err := tx.Exec(ctx, qBatch, series); err != nil {
			return windows{}, fmt.Errorf("choose series: %w", err)
		}
		query.Text = "select * from " + j.rows() + " where series = any(current_setting('tillflow.series')::text[])"
	}
	var w windows
	var names []string
	if _, err := query.Read(ctx, tx.Conn(), args, j.shape(&w, &names)); err != nil {
		return windows{}, err
	}
	w.rows = int64(len(w.start))
	w.names, w.of = dataset.Encode(names)
	return w, nil
}

// batches are the series to read at once, in the order of their names. A run that judges what came since the last reads
// all at once, and so does one that finds few rows.
func (j *Job) batches(ctx context.Context, tx pgx.Tx, cut int64, args []any) ([][]string, error) {
	all := [][]string{nil}
	if cut != noCut {
		return all, nil
	}
	if err := j.wanted(ctx, tx, args); err != nil {
		return nil, err
	}
	var names []string
	var rows []int64
	count := dataset.Query{Text: "select series, count(*) as rows from " + j.rows() + " where series is not null group by series", Origin: j.query.Origin}
	if _, err := count.Read(ctx, tx.Conn(), args, dataset.Shape{"series": pg.Strings(&names), "rows": pg.Int64s(&rows)}); err != nil {
		return nil, err
	}
	sorted, order := dataset.Encode(names)
	held := make([]int64, len(sorted)) // rows
	total := int64(0)
	for i, at := range order {
		held[at] = rows[i]
		total += rows[i]
	}
	if total <= j.batchRows {
		return all, nil
	}
	var batches [][]string
	room := int64(0)
	for i, name := range sorted {
		if room < held[i] {
			batches, room = append(batches, nil), j.batchRows
		}
		last := len(batches) - 1
		batches[last] = append(batches[last], name)
		room -= held[i]
	}
	return batches, nil
}

// rows is the query as a table.
func (j *Job) rows() string {
	return "(\n" + strings.TrimRight(strings.TrimSpace(j.query.Text), ";") + "\n) as windows"
}

// wanted reads no row of the query, so that one with other columns is told which ones are wanted.
func (j *Job) wanted(ctx context.Context, tx pgx.Tx, args []any) error {
	none := dataset.Query{Text: "select * from " + j.rows() + " limit 0", Origin: j.query.Origin}
	_, err := none.Read(ctx, tx.Conn(), args, j.shape(&windows{}, new([]string)))
	return err
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
	args := []any{time.Unix(0, 0).UTC(), before}
	if err := j.wanted(ctx, tx, args); err != nil {
		return 0, err
	}
	var start []int64
	last := dataset.Query{Text: "select coalesce(max(window_start), 'epoch') as window_start from " + j.rows(), Origin: j.query.Origin}
	if _, err := last.Read(ctx, tx.Conn(), args, dataset.Shape{"window_start": pg.Micros(&start)}); err != nil {
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
