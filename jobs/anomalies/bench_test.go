package anomalies

import (
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
)

// A year of minutes of six products is what a shop has after a year: the first run judges all of it, and each later one
// what was closed since and the lookback, which must not grow with the table.
func BenchmarkYearOfMinutes(b *testing.B) {
	db := pgtest.Open(b)
	const days = 365
	for _, text := range []string{
		"insert into dim_products select 'P' || p, 'p', 'c', 10 from generate_series(1, 6) as p",
		`insert into product_metrics_minute
			select timestamp '2025-01-01' + i * interval '1 minute', timestamp '2025-01-01' + (i + 1) * interval '1 minute', 'P' || p, 10 * n, n
			from (select i, p, 4 + (i * 791 + p * 10472) % 5 as n from generate_series(0, 365 * 1440 - 1) as i, generate_series(1, 6) as p) as r`,
		"analyze product_metrics_minute",
	} {
		if _, err := db.Exec(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
	j, err := New("ml.anomalies", With{}, Deps{DB: db})
	if err != nil {
		b.Fatal(err)
	}
	end := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days)
	in := run.Input{ID: "first", Job: "ml.anomalies", AsOf: end, Progress: func(run.Progress) {}}
	for _, name := range []string{"first", "later"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var rows int64
			for b.Loop() {
				if name == "first" {
					if _, err := db.Exec(b.Context(), "truncate anomalies, anomaly_runs, anomaly_series"); err != nil {
						b.Fatal(err)
					}
				}
				result, err := j.Run(b.Context(), in)
				if err != nil {
					b.Fatal(err)
				}
				rows = result.RowsRead
			}
			b.ReportMetric(float64(rows), "rows_read/op")
		})
	}
}
