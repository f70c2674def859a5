package anomalies

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/dag/run"
	"tillflow/lib/anomaly"
	"tillflow/lib/publish"
)

var columns = []string{
	"product_id", "window_start", "observed", "expected", "score", "kind", "created_at", "window_minutes", "method", "run_id",
}

// stood is an anomaly of an earlier run.
type stood struct {
	start, end, created time.Time
}

// key finds the anomalies of a series and kind.
type key struct {
	series string
	kind   anomaly.Kind
}

// write replaces the anomalies that start from cut on by the found ones.
func (j *Job) write(ctx context.Context, conn *pgx.Conn, in run.Input, cut int64, all []found) error {
	table := publish.Name(j.with.Into)
	from := time.UnixMicro(cut).UTC()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		before, now, err := standing(ctx, tx, table, from)
		if err != nil {
			return fmt.Errorf("read %s: %w", j.with.Into, err)
		}
		if _, err := tx.Exec(ctx, "delete from "+table.Sanitize()+" where window_start >= $1", from); err != nil {
			return fmt.Errorf("withdraw from %s: %w", j.with.Into, err)
		}
		_, err = tx.CopyFrom(ctx, table, columns, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
			f := all[i]
			return []any{
				f.series, f.start,
				publish.Minor(f.Observed, *j.with.Scale), publish.Minor(int64(math.Round(f.Expected)), *j.with.Scale),
				f.Score, string(f.Kind), created(before[key{f.series, f.Kind}], f, now),
				int32(math.Ceil(f.end().Sub(f.start).Minutes())), j.with.Method, string(in.ID),
			}, nil
		}))
		if err != nil {
			return fmt.Errorf("write %s: %w", j.with.Into, err)
		}
		return nil
	})
}

// standing reads the anomalies of earlier runs, and the time by the database's clock.
func standing(ctx context.Context, tx pgx.Tx, table pgx.Identifier, from time.Time) (map[key][]stood, time.Time, error) {
	var now time.Time
	if err := tx.QueryRow(ctx, "select now()").Scan(&now); err != nil {
		return nil, now, err
	}
	rows, err := tx.Query(ctx, "select product_id, kind, window_start, window_minutes, created_at from "+table.Sanitize()+" where window_start >= $1", from)
	if err != nil {
		return nil, now, err
	}
	all := map[key][]stood{}
	var k key
	var s stood
	var minutes int
	_, err = pgx.ForEachRow(rows, []any{&k.series, &k.kind, &s.start, &minutes, &s.created}, func() error {
		s.end = s.start.Add(time.Duration(minutes) * time.Minute)
		all[k] = append(all[k], s)
		return nil
	})
	return all, now, err
}

// created is when an anomaly was first written: that of the oldest one it overlaps, because an event that goes on grows
// and may turn out to have begun earlier, and is still the same event.
func created(before []stood, f found, now time.Time) time.Time {
	oldest := now
	for _, s := range before {
		if s.start.Before(f.end()) && f.start.Before(s.end) && s.created.Before(oldest) {
			oldest = s.created
		}
	}
	return oldest
}
