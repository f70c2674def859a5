package report_test

import (
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
)

// closing is a report that shows only what no later sale can change, and says how far that is.
const closing = `---
title: Closed minutes
---
~~~sql closed
select coalesce(sum(transaction_count), 0) as sales, dag.watermark('stream.transactions') as until
from product_metrics_minute
where window_end <= dag.closed_until('product_metrics_minute')
~~~
So far {{ closed.sales | int }} sales, closed until {{ closed.until | datetime }}.
`

// A cell can ask which windows are closed: the watermark of the stream that keeps the table says so.
func TestCellOfClosedWindows(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	dir := t.TempDir()
	write(t, dir, "r.md", closing)
	j := job(t, db, dir, "r.md", nil)
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	statement := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(want string) {
		t.Helper()
		if _, err := j.Run(t.Context(), run.Input{AsOf: now, Once: true, Progress: func(run.Progress) {}}); err != nil {
			t.Fatal(err)
		}
		if got := page(t, j); !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	statement("insert into dim_products values ('A', 'a', 'c', 10)")
	statement(`insert into product_metrics_minute select $1::timestamp + i * interval '1 min', $1::timestamp + (i + 1) * interval '1 min', 'A', 10, 1
		from generate_series(0, 29) i`, start)
	shows("So far 0 sales")
	if err := ledger.Register(t.Context(), db, "stream.transactions", ledger.Settings{
		Topic: "transactions", Delay: 5 * time.Minute, Idle: time.Minute, Late: "drop",
		Windows: []ledger.WindowTable{{Name: "product_metrics_minute", Size: time.Minute, Step: time.Minute}},
	}); err != nil {
		t.Fatal(err)
	}
	shows("So far 0 sales")
	statement(`insert into dag.stream_offsets (job, topic, partition, max_event_time)
		values ('stream.transactions', 'transactions', 0, $1), ('stream.transactions', 'transactions', 1, $2)`,
		start.Add(17*time.Minute+59*time.Second), start.Add(20*time.Minute))
	shows("So far 12 sales, closed until")
}
