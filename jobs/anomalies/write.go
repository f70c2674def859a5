package anomalies

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/dag/run"
	"tillflow/lib/anomaly"
	"tillflow/lib/publish"
)

// stood is an anomaly of an earlier run.
type stood struct {
	series              string
	kind                anomaly.Kind
	start, end, created time.Time
}

// write brings the table up to date for the windows that were judged, and writes down how. Without any row read, what
// stands stays: an empty table is more likely a mistake than a shop that never sold.
func (j *Job) write(ctx context.Context, conn *pgx.Conn, in run.Input, w windows, found []found, states []judged) (changed int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if w.rows > 0 {
			if changed, err = j.replace(ctx, tx, in, w, found); err != nil {
				return fmt.Errorf("write %s: %w", j.with.Into, err)
			}
			if err := j.sign(ctx, tx, string(in.ID), w, states); err != nil {
				return fmt.Errorf("write anomaly_series: %w", err)
			}
		}
		if err := j.note(ctx, tx, in, w, states); err != nil {
			return fmt.Errorf("write anomaly_runs: %w", err)
		}
		return nil
	})
	return changed, err
}

// replace withdraws the anomalies that were judged anew and are none, adds those that are new, and changes those that
// came out another way. A row that is as it was is not touched, so a run that finds nothing new changes nothing.
func (j *Job) replace(ctx context.Context, tx pgx.Tx, in run.Input, w windows, found []found) (changed int64, err error) {
	before, now, err := j.standing(ctx, tx, w, found)
	if err != nil {
		return 0, err
	}
	table := publish.Name(j.with.Into).Sanitize()
	series, starts := withdrawn(before, w, found)
	tag, err := tx.Exec(ctx, "delete from "+table+` using unnest($1::varchar[], $2::timestamp[]) as gone (series, start)
		where product_id = gone.series and window_start = gone.start`, series, starts)
	if err != nil {
		return 0, err
	}
	changed = tag.RowsAffected()
	c := j.columns(before, now, found)
	tag, err = tx.Exec(ctx, "insert into "+table+` as t
		(product_id, window_start, observed, expected, score, kind, created_at, window_minutes, method, run_id)
		select *, $9::varchar, $10::varchar from unnest($1::varchar[], $2::timestamp[], $3::numeric[], $4::numeric[], $5::float8[], $6::varchar[], $7::timestamptz[], $8::int[])
		on conflict (product_id, window_start) do update set
			observed = excluded.observed, expected = excluded.expected, score = excluded.score, kind = excluded.kind,
			created_at = excluded.created_at, window_minutes = excluded.window_minutes, method = excluded.method, run_id = excluded.run_id
		where (t.observed, t.expected, t.score, t.kind, t.window_minutes, t.method) is distinct from
			(excluded.observed, excluded.expected, excluded.score, excluded.kind, excluded.window_minutes, excluded.method)`,
		c.series, c.starts, c.observed, c.expected, c.scores, c.kinds, c.created, c.minutes, j.with.Method, string(in.ID))
	return changed + tag.RowsAffected(), err
}

// columns are the found anomalies as Postgres takes them.
type columns struct {
	series, kinds      []string
	starts, created    []time.Time
	observed, expected []pgtype.Numeric
	scores             []float64
	minutes            []int32
}

func (j *Job) columns(before []stood, now time.Time, all []found) (c columns) {
	by := map[string][]stood{}
	for _, s := range before {
		by[s.series] = append(by[s.series], s)
	}
	for _, f := range all {
		c.series, c.kinds = append(c.series, f.series), append(c.kinds, string(f.Kind))
		c.starts, c.created = append(c.starts, f.start), append(c.created, created(by[f.series], f, now))
		c.observed = append(c.observed, publish.Minor(f.Observed, *j.with.Scale))
		c.expected = append(c.expected, publish.Minor(int64(math.Round(f.Expected)), *j.with.Scale))
		c.scores = append(c.scores, math.Round(f.Score*1e6)/1e6) // the rest depends on where the sums began
		c.minutes = append(c.minutes, f.minutes())
	}
	return c
}

// standing reads the anomalies of earlier runs that may touch what was judged, and the time by the database's clock.
func (j *Job) standing(ctx context.Context, tx pgx.Tx, w windows, found []found) (before []stood, now time.Time, err error) {
	if err := tx.QueryRow(ctx, "select now()").Scan(&now); err != nil {
		return nil, now, err
	}
	from := max(w.cut, 0)
	for _, f := range found {
		from = min(from, f.start.UnixMicro())
	}
	rows, err := tx.Query(ctx, "select product_id, kind, window_start, window_minutes, created_at from "+publish.Name(j.with.Into).Sanitize()+
		" where window_start + window_minutes * interval '1 minute' > $1 and window_start < $2 order by product_id, window_start",
		time.UnixMicro(from).UTC(), time.UnixMicro(w.end).UTC())
	if err != nil {
		return nil, now, err
	}
	before, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stood, err error) {
		var minutes int
		err = row.Scan(&s.series, &s.kind, &s.start, &minutes, &s.created)
		s.end = s.start.Add(time.Duration(minutes) * time.Minute)
		return s, err
	})
	return before, now, err
}

// withdrawn are the keys of the rows that go: those that last beyond the cut, or lie in what was found, and were not
// found again.
func withdrawn(before []stood, w windows, all []found) (series []string, starts []time.Time) {
	by := map[string][]found{}
	for _, f := range all {
		by[f.series] = append(by[f.series], f)
	}
	for _, s := range before {
		gone, again := s.end.UnixMicro() > w.cut, false
		for _, f := range by[s.series] {
			again = again || f.start.Equal(s.start)
			gone = gone || f.start.Before(s.end) && s.start.Before(f.end())
		}
		if gone && !again {
			series, starts = append(series, s.series), append(starts, s.start)
		}
	}
	return series, starts
}

// created is when an anomaly was first written: that of the oldest one of its kind it overlaps, because an event that goes
// on grows and may turn out to have begun earlier, and is still the same event.
func created(before []stood, f found, now time.Time) time.Time {
	oldest := now
	for _, s := range before {
		if s.kind == f.Kind && s.start.Before(f.end()) && f.start.Before(s.end) && s.created.Before(oldest) {
			oldest = s.created
		}
	}
	return oldest
}
