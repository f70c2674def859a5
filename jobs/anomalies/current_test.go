package anomalies

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
	"tillflow/lib/ledger"
)

const (
	everything = `select 'anomaly ' || a::text from anomalies as a order by 1`
	told       = `select concat_ws(' ', product_id, state, judged, sparse, orders, first_window, last_window, run_id) from anomaly_series order by 1`
	events     = `select concat_ws(' ', product_id, window_start, window_minutes, kind, observed, expected, score, method) from anomalies order by 1`
)

// The same input twice changes no row, not even its run_id; that a run was there is written down.
func TestSameInputTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	first := mustRun(t, db, With{}, input("run-1", at(minutes)))
	before := [][]string{lines(t, db, everything), lines(t, db, told)}
	second := mustRun(t, db, With{}, input("run-2", at(minutes)))
	after := [][]string{lines(t, db, everything), lines(t, db, told)}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	if first.RowsWritten != 1 || second.RowsWritten != 0 || len(before[0]) != 1 {
		t.Errorf("wrote %d and %d rows: %v", first.RowsWritten, second.RowsWritten, before)
	}
	got := lines(t, db, `select concat_ws(' ', run_id, as_of, coalesce(judged_from::text, 'all'), closed_until, rows_read, series, windows, parameters ->> 'threshold', parameters ->> 'chance')
		from anomaly_runs order by 1`)
	want := []string{
		fmt.Sprintf("run-1 2025-01-04 02:00:00 all 2025-01-04 02:00:00 %d 2 8880 5 0.0000001", first.RowsRead),
		fmt.Sprintf("run-2 2025-01-04 02:00:00 2024-12-28 02:00:00 2025-01-04 02:00:00 %d 2 8880 5 0.0000001", second.RowsRead),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// Runs one after the other, each judging what is new, come to the same as one that judges all at the end.
func TestStepByStepEqualsAtOnce(t *testing.T) {
	t.Parallel()
	db := open(t)
	for i, orders := range []int{45, 0, 60, 0, 38, 0} {
		for m := range 11 {
			sell(t, db, 1490+i*300+m, orders)
		}
	}
	// The lookback is shorter than the steps, and the cuts fall into events: 1495 is the middle of one.
	w := With{Lookback: time.Hour}
	n := 0
	for minute := 1495; minute < minutes; minute += 100 {
		mustRun(t, db, w, input(run.ID(fmt.Sprintf("run-%02d", n)), at(minute)))
		n++
	}
	mustRun(t, db, w, input("run-last", at(minutes)))
	steps := lines(t, db, events)
	mustRun(t, db, With{Threshold: 6}, input("other", at(minutes)))
	exec(t, db, "delete from anomalies")
	mustRun(t, db, w, input("at-once", at(minutes)))
	if diff := cmp.Diff(lines(t, db, events), steps); diff != "" || len(steps) != 6 {
		t.Errorf("%d events (-at once +step by step):\n%s", len(steps), diff)
	}
}

// A run reads what it judges and the days it is judged by, however long the table is.
func TestReadingIsBounded(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, `insert into product_metrics_minute
		select window_start - interval '1 day' * d, window_end - interval '1 day' * d, product_id, total_revenue, transaction_count
		from product_metrics_minute, generate_series(3, 21, 3) as d where window_start < $1`, start.AddDate(0, 0, 3))
	w := With{Days: 1, Lookback: time.Hour}
	first := mustRun(t, db, w, input("run-1", at(minutes)))
	sell(t, db, minutes-30, 60)
	second := mustRun(t, db, w, input("run-2", at(minutes)))
	if days := int64(1440 + 1440/7); first.RowsRead < 15*days || second.RowsRead > 4*days {
		t.Errorf("read %d rows, then %d", first.RowsRead, second.RowsRead)
	}
	if got := lines(t, db, listing); len(got) != 1 || got[0] != fmt.Sprintf("A %d 1 spike 600.00", minutes-30) {
		t.Errorf("%v", got)
	}
}

// Late rows that were added to windows long closed have those windows judged anew, however old they are.
func TestLateRowsAreJudgedAnew(t *testing.T) {
	t.Parallel()
	db := open(t)
	stream(t, db, at(minutes), at(minutes))
	if err := ledger.Register(t.Context(), db, "stream.transactions", ledger.Settings{
		Topic: "transactions", Delay: 5 * time.Minute, Idle: time.Minute, Late: "include",
	}); err != nil {
		t.Fatal(err)
	}
	for m := 2000; m < 2010; m++ {
		sell(t, db, m, 0)
	}
	sell(t, db, 2500, 45)
	w := With{Lookback: time.Hour}
	mustRun(t, db, w, input("run-1", at(minutes)))
	want := []string{"A 2000 10 drop 0.00", "A 2500 1 spike 450.00"}
	if diff := cmp.Diff(want, lines(t, db, listing)); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	// What was missing comes in late. Nobody says so yet, and nothing is looked at.
	for m := 2000; m < 2010; m++ {
		sell(t, db, m, 6)
	}
	sell(t, db, 2800, 45)
	mustRun(t, db, w, input("run-2", at(minutes)))
	if diff := cmp.Diff(want, lines(t, db, listing)); diff != "" {
		t.Fatalf("before the ledger has it (-want +got):\n%s", diff)
	}
	exec(t, db, `insert into dag.late_rows (job, topic, partition, "offset", event_time, watermark, included)
		values ('stream.transactions', 'transactions', 0, 1, $1, $2, true), ('stream.transactions', 'transactions', 0, 2, $3, $2, false)`,
		at(2003).Add(12*time.Second), at(minutes), at(100))
	mustRun(t, db, w, input("run-3", at(minutes)))
	want = []string{"A 2500 1 spike 450.00", "A 2800 1 spike 450.00"}
	if diff := cmp.Diff(want, lines(t, db, listing)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if got := lines(t, db, "select judged_from::text from anomaly_runs where run_id = 'run-3'"); len(got) != 1 || got[0] != at(2003).Format(time.DateTime) {
		t.Errorf("judged from %v", got)
	}
}

// A new setting is for all of the table, not only for what comes.
func TestNewSettingsJudgeAllAnew(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 2000, 45)
	sell(t, db, 4000, 25)
	for _, tt := range []struct {
		with With
		want int
	}{{With{Lookback: time.Hour}, 2}, {With{Lookback: time.Hour, Ratio: 5}, 1}, {With{Lookback: 2 * time.Hour}, 2}} {
		mustRun(t, db, tt.with, input(run.ID(fmt.Sprint("run-", tt.with)), at(minutes)))
		if got := lines(t, db, listing); len(got) != tt.want {
			t.Errorf("%+v: %v", tt.with, got)
		}
	}
}

// Of old runs only those stay that a row still names.
func TestOldRunsAreForgotten(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	for _, id := range []run.ID{"run-1", "run-2", "run-3"} {
		mustRun(t, db, With{}, input(id, at(minutes)))
	}
	exec(t, db, "update anomaly_runs set written_at = written_at - interval '40 days'")
	mustRun(t, db, With{}, input("run-4", at(minutes)))
	if diff := cmp.Diff([]string{"run-1", "run-4"}, lines(t, db, "select run_id from anomaly_runs order by 1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A run as of an earlier time has no say about what came after it.
func TestAsOfThePastLeavesWhatCameLater(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 2000, 45)
	sell(t, db, 4000, 45)
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	before := lines(t, db, everything)
	mustRun(t, db, With{}, input("run-2", at(3000)))
	if diff := cmp.Diff(before, lines(t, db, everything)); diff != "" || len(before) != 2 {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Which series can be judged is told by series, and follows what happens to it.
func TestStatesOfSeries(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "insert into dim_products values ('C', 'c', 'c', 10), ('D', 'd', 'c', 10)")
	exec(t, db, `insert into product_metrics_minute values ($1, $2, 'C', 10, 1)`, at(minutes-10), at(minutes-9))
	exec(t, db, `insert into product_metrics_minute
		select $1::timestamp - interval '12 days' + i * interval '1 minute', $1::timestamp - interval '12 days' + (i + 1) * interval '1 minute', 'D', 50, 5
		from generate_series(0, 1439) as i`, start)
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	const states = "select product_id || ' ' || state from anomaly_series order by 1"
	if diff := cmp.Diff([]string{"A judged", "B too sparse", "C new", "D silent"}, lines(t, db, states)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	exec(t, db, "delete from product_metrics_minute where product_id = 'C'")
	exec(t, db, "update product_metrics_minute set transaction_count = 20 * transaction_count where product_id = 'B'")
	mustRun(t, db, With{}, input("run-2", at(minutes)))
	if diff := cmp.Diff([]string{"A judged", "B judged", "C silent", "D silent"}, lines(t, db, states)); diff != "" {
		t.Errorf("later (-want +got):\n%s", diff)
	}
}

// Whatever is wrong with the input, the run says what, and the table stays as it was.
func TestBadInputLeavesTheTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	sell(t, db, 4000, 45)
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	before := [][]string{lines(t, db, everything), lines(t, db, told)}
	const rows = "select 'A' as series, timestamp '2025-01-01 00:00' + i * interval '1 minute' as window_start, %s as value, %s as orders from generate_series(0, 99) as i"
	for name, tt := range map[string]struct{ query, want string }{
		"nan":             {fmt.Sprintf(rows, "case i when 7 then 'NaN'::numeric else 1 end", "1"), "row 8, column 3 (value)"},
		"infinity":        {fmt.Sprintf(rows, "case i when 7 then 'Infinity'::numeric else 1 end", "1"), "row 8, column 3 (value)"},
		"null":            {fmt.Sprintf(rows, "null::numeric", "1"), "null"},
		"floats":          {fmt.Sprintf(rows, "1.5::float8", "1"), "wanted numeric"},
		"more_decimals":   {fmt.Sprintf(rows, "1.555", "1"), "column 3 (value)"},
		"negative_orders": {fmt.Sprintf(rows, "1::numeric", "case i when 7 then -2 else 1 end"), "series A"},
		"past_64_bits":    {fmt.Sprintf(rows, "90000000000000000.00", "1"), "series A"},
		"askew":           {"select 'A' as series, timestamp '2025-01-01 00:00' + i * interval '50 seconds' as window_start, 1.00 as value, 1 as orders from generate_series(0, 9) as i", "series A"},
		"other_columns":   {"select 1 as a", "wanted are (orders, series, value, window_start)"},
		"no_table":        {"select * from nowhere", "nowhere"},
	} {
		j, err := New("ml.anomalies", With{Query: tt.query}, Deps{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(t.Context(), input("run-2", at(minutes))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tt.want)
		}
	}
	exec(t, db, "delete from product_metrics_minute")
	if result := mustRun(t, db, With{}, input("run-3", at(minutes))); result.RowsRead != 0 || result.RowsWritten != 0 {
		t.Errorf("an empty table: %+v", result)
	}
	after := [][]string{lines(t, db, everything), lines(t, db, told)}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Refunds above the sales of a minute are no error, and no sales.
func TestNegativeRevenue(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "update product_metrics_minute set total_revenue = -500 where product_id = 'A' and window_start = $1", at(4000))
	mustRun(t, db, With{}, input("run-1", at(minutes)))
	for _, row := range lines(t, db, "select kind || ' ' || observed from anomalies") {
		if row != "drop -500.00" {
			t.Errorf("%s", row)
		}
	}
}
