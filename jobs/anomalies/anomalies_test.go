package anomalies

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

// start is the first window; the fixture holds three days and two hours, to a watermark the test chooses.
var start = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

func at(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }

func input(id run.ID, asOf time.Time) run.Input {
	return run.Input{ID: id, Job: "ml.anomalies", AsOf: asOf, Progress: func(run.Progress) {}}
}

const minutes = 3*1440 + 120

// open gives a database with minute rows of two products: A sells 4 to 8 orders of 10.00 a minute, B a third of that and
// nothing in most minutes.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.Open(t)
	exec(t, db, "insert into dim_products values ('A', 'a', 'c', 10), ('B', 'b', 'c', 10)")
	exec(t, db, `insert into product_metrics_minute
		select $1::timestamp + i * interval '1 minute', $1::timestamp + (i + 1) * interval '1 minute', 'A', 10 * n, n
		from (select i, 4 + i * 7919 % 5 as n from generate_series(0, $2 - 1) as i) as r`, start, minutes)
	exec(t, db, `insert into product_metrics_minute
		select $1::timestamp + i * interval '1 minute', $1::timestamp + (i + 1) * interval '1 minute', 'B', 20, 2
		from generate_series(0, $2 - 1) as i where i % 7 = 3`, start, minutes)
	return db
}

func exec(t *testing.T, db *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// sell sets what product A sold in a minute; no orders take the row away, as if nothing had been sold.
func sell(t *testing.T, db *pgxpool.Pool, minute, orders int) {
	t.Helper()
	exec(t, db, "delete from product_metrics_minute where product_id = 'A' and window_start = $1", at(minute))
	if orders > 0 {
		exec(t, db, "insert into product_metrics_minute values ($1, $2, 'A', $3 * 10, $3)", at(minute), at(minute+1), orders)
	}
}

// stream records how far two partitions of the stream are; its watermark is five minutes before the lesser.
func stream(t *testing.T, db *pgxpool.Pool, first, second time.Time) {
	t.Helper()
	exec(t, db, "delete from dag.stream_offsets")
	if err := ledger.Register(t.Context(), db, "stream.transactions", ledger.Settings{
		Topic: "transactions", Delay: 5 * time.Minute, Idle: time.Minute, Late: "drop",
	}); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `insert into dag.stream_offsets (job, topic, partition, max_event_time)
		values ('stream.transactions', 'transactions', 0, $1), ('stream.transactions', 'transactions', 1, $2)`, first, second)
}

func mustRun(t *testing.T, db *pgxpool.Pool, w With, in run.Input) run.Result {
	t.Helper()
	j, err := New("ml.anomalies", w, Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	result, err := j.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func lines(t *testing.T, db *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const listing = "select concat_ws(' ', product_id, extract(epoch from window_start - '2025-01-01')::int / 60, window_minutes, kind, observed) from anomalies order by product_id, window_start"

func TestFindsSpikesAndDrops(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	for m := 2000; m < 2012; m++ {
		sell(t, db, m, 0)
	}
	result := mustRun(t, db, With{}, input("run-1", at(minutes)))
	want := []string{"A 2000 12 drop 0.00", "A 4000 1 spike 450.00"}
	if diff := cmp.Diff(want, lines(t, db, listing)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rows := int64(minutes - 12 + minutes/7); result.RowsRead < rows-1 || result.RowsRead > rows+1 || result.RowsWritten != 2 {
		t.Errorf("read %d, written %d", result.RowsRead, result.RowsWritten)
	}
	if !strings.HasPrefix(result.Note, "2 series, 8880 windows, 1 spikes, 1 drops, 1 too sparse for drops") {
		t.Errorf("note %q", result.Note)
	}
	for _, row := range lines(t, db, `select concat_ws(' ', kind, score > 0, round(expected / window_minutes), method, run_id) from anomalies order by window_start`) {
		if row != "drop f 60 robust_sqrt run-1" && row != "spike t 60 robust_sqrt run-1" {
			t.Errorf("row %q", row)
		}
	}
}

// A window that may still grow is not judged: the stream's watermark closes windows, and as_of does if it is earlier.
func TestOnlyClosedWindows(t *testing.T) {
	t.Parallel()
	db := open(t)
	for m := 4000; m < 4010; m++ {
		sell(t, db, m, 0)
	}
	for _, tt := range []struct {
		name   string
		stream func()
		asOf   time.Time
		want   []string
	}{
		{"watermark_before", func() { stream(t, db, at(4005), at(minutes)) }, at(minutes), nil},
		{"watermark_in_the_middle", func() { stream(t, db, at(minutes), at(4012)) }, at(minutes), []string{"A 4000 7 drop 0.00"}},
		{"watermark_within_a_minute", func() { stream(t, db, at(minutes), at(4012).Add(59*time.Second)) }, at(minutes), []string{"A 4000 7 drop 0.00"}},
		{"watermark_after", func() { stream(t, db, at(minutes), at(minutes)) }, at(minutes), []string{"A 4000 10 drop 0.00"}},
		{"as_of_in_the_middle", func() { stream(t, db, at(minutes), at(minutes)) }, at(4007), []string{"A 4000 7 drop 0.00"}},
		{"no_stream", func() { exec(t, db, "delete from dag.stream_offsets") }, at(minutes), []string{"A 4000 10 drop 0.00"}},
		{"another_stream", func() { exec(t, db, "update dag.stream_offsets set job = 'stream.refunds'") }, at(minutes), []string{"A 4000 10 drop 0.00"}},
	} {
		exec(t, db, "delete from anomalies")
		tt.stream()
		mustRun(t, db, With{}, input("run-1", tt.asOf))
		got := lines(t, db, listing)
		if len(got)+len(tt.want) > 0 {
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	}
}

// A stream that has stored no event yet has closed nothing.
func TestStreamWithoutEventsClosesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	exec(t, db, "insert into dag.stream_offsets (job, topic, partition) values ('stream.transactions', 'transactions', 0)")
	result := mustRun(t, db, With{}, input("run-1", at(minutes)))
	if got := lines(t, db, listing); len(got) > 0 || result.RowsRead != 0 {
		t.Errorf("%+v, %v", result, got)
	}
}

// An outage of everything shows while it lasts: the calendar goes on to the watermark, which one partition still moves.
func TestDropThatGoesOnIsSeen(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "delete from product_metrics_minute where product_id = 'A' and window_start >= $1", at(4400))
	stream(t, db, at(minutes), at(minutes))
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	if diff := cmp.Diff([]string{"A 4400 35 drop 0.00"}, lines(t, db, listing)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnomalyKeepsWhenItWasFound(t *testing.T) {
	t.Parallel()
	db := open(t)
	for m := 4000; m < 4030; m++ {
		sell(t, db, m, 0)
	}
	sell(t, db, 3000, 45)
	sell(t, db, 3500, 45)
	stream(t, db, at(4015), at(4015)) // the outage has lasted ten minutes
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	if diff := cmp.Diff([]string{"A 3000 1 spike 450.00", "A 3500 1 spike 450.00", "A 4000 10 drop 0.00"}, lines(t, db, listing)); diff != "" {
		t.Fatalf("first run (-want +got):\n%s", diff)
	}
	exec(t, db, "update anomalies set created_at = '2025-01-05'")

	// Then the outage goes on, one spike turns out to be a mistake, and late sales make another minute a spike.
	stream(t, db, at(minutes), at(minutes))
	sell(t, db, 3000, 6)
	sell(t, db, 3200, 45)
	mustRun(t, db, With{}, input("run-2", at(minutes)))
	want := []string{
		"A 3200 1 spike 450.00 new run-2",
		"A 3500 1 spike 450.00 old run-1",
		"A 4000 30 drop 0.00 old run-2",
	}
	got := lines(t, db, `select concat_ws(' ', product_id, extract(epoch from window_start - '2025-01-01')::int / 60, window_minutes, kind, observed,
		case when created_at = '2025-01-05' then 'old' else 'new' end, run_id) from anomalies order by window_start`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("second run (-want +got):\n%s", diff)
	}
}

// What lies before the lookback is not judged again, and stays.
func TestLookbackLeavesOlderOnes(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 1000, 45)
	sell(t, db, 4000, 45)
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	sell(t, db, 1000, 6)
	sell(t, db, 4000, 46)
	mustRun(t, db, With{Lookback: 24 * time.Hour}, input("run-2", at(minutes)))
	got := lines(t, db, "select extract(epoch from window_start - '2025-01-01')::int / 60 || ' ' || run_id from anomalies order by window_start")
	if diff := cmp.Diff([]string{"1000 run-1", "4000 run-2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSameInputGivesSameRows(t *testing.T) {
	t.Parallel()
	db := open(t)
	for i, orders := range []int{45, 0, 60, 0, 0, 38} {
		for m := range 8 {
			sell(t, db, 1000+i*500+m, orders)
		}
	}
	const all = "select concat_ws(' ', product_id, window_start, window_minutes, kind, observed, expected, score, created_at) from anomalies order by product_id, window_start"
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	want := lines(t, db, all)
	if len(want) != 6 {
		t.Fatalf("anomalies: %v", want)
	}
	for name, w := range map[string]With{
		"again":     {},
		"own_query": {Query: "select transaction_count as orders, product_id as series, total_revenue as value, window_start from product_metrics_minute where window_start >= $1 and window_end <= $2 order by random()"},
	} {
		mustRun(t, db, w, input(run.ID(name), at(minutes)))
		if diff := cmp.Diff(want, lines(t, db, all)); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}
}

func TestSmallInputs(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if result := mustRun(t, db, With{}, input("run-1", at(0))); result.Note != "0 series, 0 windows, 0 spikes, 0 drops" {
		t.Errorf("empty table: %q", result.Note)
	}
	exec(t, db, "insert into dim_products values ('A', 'a', 'c', 10)")
	sell(t, db, 5, 3)
	if result := mustRun(t, db, With{}, input("run-1", at(10))); result.Note != "1 series, 1 windows, 0 spikes, 0 drops" {
		t.Errorf("one window: %q", result.Note)
	}
	exec(t, db, "update product_metrics_minute set window_start = window_start + interval '30 seconds'")
	sell(t, db, 7, 3)
	j, err := New("ml.anomalies", With{}, Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(t.Context(), input("run-2", at(10))); err == nil || !strings.Contains(err.Error(), "series A") {
		t.Errorf("windows that lie askew: %v", err)
	}
}

func TestIntoOwnTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	mustRun(t, db, With{Into: "anomalies_b", Threshold: 6}, input("run-1", at(minutes)))
	if got := lines(t, db, "select product_id from anomalies_b"); len(got) != 1 {
		t.Errorf("anomalies: %v", got)
	}
	if got := lines(t, db, listing); len(got) > 0 {
		t.Errorf("the usual table was written too: %v", got)
	}
}

func TestReadersSeeWholeRuns(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	sell(t, db, 2000, 45)
	mustRun(t, db, With{}, input("run-0", at(minutes)))
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 10 && err == nil; i++ {
			var j *Job
			if j, err = New("ml.anomalies", With{}, Deps{DB: db}); err == nil {
				_, err = j.Run(context.WithoutCancel(t.Context()), input(run.ID(fmt.Sprint("run-", i)), at(minutes)))
			}
		}
		done <- err
	}()
	for {
		var rows, runs int
		if err := db.QueryRow(t.Context(), "select count(*), count(distinct run_id) from anomalies").Scan(&rows, &runs); err != nil {
			t.Fatal(err)
		}
		if rows != 2 || runs != 1 {
			t.Fatalf("%d rows of %d runs", rows, runs)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

func TestCheckPlacesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"window: 10":            "dagfile.yaml:1:1: window is 10",
		"threshold: -1":         "dagfile.yaml:1:1: threshold is -1",
		"ratio: 0.5":            "dagfile.yaml:1:1: ratio is 0.5",
		"window: 90\ndays: 40":  "dagfile.yaml:2:1: day 1440, days 40",
		"lookback: 5m":          "dagfile.yaml:1:1: lookback is 5m0s",
		"size: 1ms":             "dagfile.yaml:1:1: size is 1ms",
		"scale: 7":              "dagfile.yaml:1:1: scale is 7",
		"method: magic":         "dagfile.yaml:1:9:",
		"size: 15m\nwindow: 40": "",
	} {
		var w With
		problems := strictyaml.Decode("dagfile.yaml", []byte(text), 0, &w)
		switch {
		case want == "" && len(problems) > 0:
			t.Errorf("%q: %v", text, problems)
		case want != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want)):
			t.Errorf("%q: %v, want %s", text, problems, want)
		}
	}
	if _, err := New("ml.anomalies", With{Ratio: 0.1}, Deps{}); err == nil {
		t.Error("New with a ratio of 0.1: no error")
	}
}
