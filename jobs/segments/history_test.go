package segments

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
)

// now is a time as a run by the clock has it.
func now(day int) time.Time { return time.Date(2025, 1, day, 9, 30, 0, 123_456_789, time.UTC) }

// interval is a day of a backfill.
func interval(from, to time.Time) run.Input {
	in := input(run.ID("fill-"+to.Format(time.RFC3339)), to)
	in.From, in.To = from, to
	return in
}

const (
	history   = "select concat_ws(' ', as_of, customer_id, recency_days, frequency, monetary, r_score, f_score, m_score, rfm_segment, cluster_id) from customer_segment_history order by as_of, customer_id"
	movements = "select concat_ws(' ', as_of, since, customer_id, coalesce(from_segment, '-'), '>', coalesce(to_segment, '-'), revenue) from segment_movements order by as_of, customer_id"
	snapshots = "select concat_ws(' ', as_of, customers) from segment_runs where kind = 'history' and table_name = 'customer_segments' order by as_of"
)

// The first run of a day leaves a snapshot, and so does one that was asked for; the others do not.
func TestWhichRunsLeaveASnapshot(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	for i, at := range []time.Time{now(10), now(10).Add(time.Hour), now(11), now(11).Add(time.Minute), asOf} {
		mustRun(t, db, With{K: 1}, input(run.ID(fmt.Sprint("run-", i)), at))
	}
	want := []string{"2025-01-10 09:30:00.123456 2", "2025-01-11 09:30:00.123456 3", "2025-02-01 00:00:00 5"}
	if diff := cmp.Diff(want, lines(t, db, snapshots)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2 run-0", "3 run-2", "5 run-4"}, lines(t, db, `select count(*) || ' ' || run_id from customer_segment_history
		join segment_runs using (as_of) where kind = 'history' group by as_of, run_id order by as_of`)); diff != "" {
		t.Errorf("rows and runs (-want +got):\n%s", diff)
	}
	mustRun(t, db, With{K: 1, History: HistoryNone, Into: "none"}, input("run-5", asOf))
	mustRun(t, db, With{K: 1, History: HistoryRun, Into: "every"}, input("run-6", now(12)))
	mustRun(t, db, With{K: 1, History: HistoryRun, Into: "every"}, input("run-7", now(12).Add(time.Hour)))
	if diff := cmp.Diff([]string{"0 2"}, lines(t, db, "select (select count(*) from none_history) || ' ' || (select count(distinct as_of) from every_history)")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMovements(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	mustRun(t, db, With{K: 1}, input("run-1", time.Date(2025, 1, 21, 0, 0, 0, 0, time.UTC))) // ann, bob, dan
	result := mustRun(t, db, With{K: 1}, input("run-2", asOf))
	want := []string{
		"2025-02-01 00:00:00 2025-01-21 00:00:00 cat - > Potential Loyalists 1800.00",
		"2025-02-01 00:00:00 2025-01-21 00:00:00 dan Need Attention > At Risk 60.75",
		"2025-02-01 00:00:00 2025-01-21 00:00:00 eve - > Loyal Customers 20.00",
	}
	if diff := cmp.Diff(want, lines(t, db, movements)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(result.Note, ", 3 moved since 2025-01-21 00:00") {
		t.Errorf("note %q", result.Note)
	}
	// A run by the clock compares with the last snapshot, and takes out what the run before it had found.
	buy(t, db, "bob", "999", 31)
	for i := range 2 {
		mustRun(t, db, With{K: 1, History: HistoryNone}, input(run.ID(fmt.Sprint("run-", 3+i)), asOf.Add(time.Duration(i+1)*time.Hour+time.Microsecond)))
	}
	got := lines(t, db, movements)
	if len(got) <= 3 || !slices.Equal(got[:3], want) {
		t.Fatalf("movements:\n%s", strings.Join(got, "\n"))
	}
	for _, line := range got[3:] {
		if !strings.HasPrefix(line, "2025-02-01 02:00:00.000001 2025-02-01 00:00:00 ") {
			t.Errorf("a movement as of another time: %s", line)
		}
	}
	if !slices.ContainsFunc(got[3:], func(s string) bool {
		return strings.Contains(s, " bob Hibernating > ") && strings.HasSuffix(s, " 1009.00")
	}) {
		t.Errorf("bob did not move:\n%s", strings.Join(got[3:], "\n"))
	}
}

// randomYear is a year of purchases.
func randomYear(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	exec(t, db, `insert into transactions
		select i, 'P', 'S', 'C' || (i * 7919 % 97 * (i % 13)), (1 + i * 104729 % 50000)::numeric / 100, timestamp '2024-01-01' + i * interval '4 hours'
		from generate_series(1, 2000) as i`)
}

// Intervals in any order, twice, at once, or each by itself: the same history and the same movements, and no word in the
// table of now.
func TestBackfillEqualsEachDayByItself(t *testing.T) {
	t.Parallel()
	days := run.Steps(time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 11, 13, 0, 0, 0, 0, time.UTC), 24*time.Hour)
	tables := func(db *pgxpool.Pool) [2][]string { return [2][]string{lines(t, db, history), lines(t, db, movements)} }
	with := With{K: 2, Starts: 2, Sweep: HistoryNone}

	alone := open(t)
	randomYear(t, alone)
	for _, v := range days {
		mustRun(t, alone, with, input("alone", v.To))
	}
	want := tables(alone)
	if len(want[0]) < 500 || len(want[1]) < 20 {
		t.Fatalf("%d rows of history, %d movements", len(want[0]), len(want[1]))
	}

	filled := open(t)
	randomYear(t, filled)
	backwards := slices.Clone(days)
	slices.Reverse(backwards)
	for name, order := range map[string][]run.Interval{"forwards": days, "backwards": backwards} {
		exec(t, filled, "truncate customer_segment_history, segment_movements, segment_runs")
		for _, v := range order {
			mustRun(t, filled, with, interval(v.From, v.To))
		}
		if diff := cmp.Diff(want, tables(filled)); diff != "" {
			t.Errorf("%s (-each day by itself +backfill):\n%s", name, diff)
		}
	}
	j, err := New("ml.segmentation", with, Deps{DB: filled})
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, len(days))
	for _, v := range days { // again, at once
		go func() { _, err := j.Run(t.Context(), interval(v.From, v.To)); failed <- err }()
	}
	for range days {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, tables(filled)); diff != "" {
		t.Errorf("at once (-each day by itself +backfill):\n%s", diff)
	}
	if got := lines(t, filled, "select customer_id from customer_segments"); len(got) > 0 {
		t.Errorf("a backfill wrote the segments of now: %v", got)
	}
	if _, err := New("x", With{History: "sometimes"}, Deps{}); err == nil || !strings.Contains(err.Error(), "it must be one of day, run, none") {
		t.Errorf("New: %v", err)
	}
	none, err := New("ml.segmentation", With{History: HistoryNone}, Deps{DB: filled})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Run(t.Context(), interval(days[0].From, days[0].To)); err == nil || !strings.Contains(err.Error(), "history: none") {
		t.Errorf("a backfill without history: %v", err)
	}
}

// What a run found is signed: by whom, from what, with which settings; once for a table and a time.
func TestRunsAreSigned(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	for _, id := range []run.ID{"run-1", "run-2"} {
		mustRun(t, db, With{K: 2, Net: true, Seed: 7}, input(id, asOf))
	}
	mustRun(t, db, With{Into: "other"}, input("run-3", asOf))
	want := []string{
		"customer_segments history 2025-02-01 00:00:00 run-2 5 5 0 true 7 2 Hibernating, Hibernating, At Risk, At Risk, At Risk",
		"customer_segments live 2025-02-01 00:00:00 run-2 5 5 0 true 7 2 Hibernating, Hibernating, At Risk, At Risk, At Risk",
		"other history 2025-02-01 00:00:00 run-3 5 5 0 false 0 4 Hibernating, Hibernating, At Risk, At Risk, At Risk",
		"other live 2025-02-01 00:00:00 run-3 5 5 0 false 0 4 Hibernating, Hibernating, At Risk, At Risk, At Risk",
	}
	got := lines(t, db, `select concat_ws(' ', table_name, kind, as_of, run_id, rows_read, customers, ties_differ, parameters->>'net', parameters->>'seed',
		parameters->>'k', parameters->'segments'->>'r1') from segment_runs order by table_name, kind`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The time of the dagfile holds unless the run's comes sooner; newest is the midnight after the last purchase.
func TestAsOfOfTheDagfile(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	for _, tt := range []struct {
		asOf string
		in   run.Input
		want string
	}{
		{"2025-01-21", input("r", asOf), "2025-01-21 00:00:00 3"},
		{"2025-01-21T03:00:00+03:00", input("r", asOf), "2025-01-21 00:00:00 3"},
		{"2025-01-21", input("r", time.Date(2025, 1, 5, 0, 0, 0, 0, time.UTC)), "2025-01-05 00:00:00 2"},
		{"newest", input("r", time.Date(2025, 6, 1, 0, 0, 0, 1, time.UTC)), "2025-02-01 00:00:00 5"},
	} {
		mustRun(t, db, With{AsOf: tt.asOf}, tt.in)
		if diff := cmp.Diff([]string{tt.want}, lines(t, db, "select as_of || ' ' || count(*) from customer_segments group by as_of")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.asOf, diff)
		}
	}
	mustRun(t, db, With{AsOf: "2025-01-21"}, interval(asOf, asOf.AddDate(0, 0, 1)))
	if got := lines(t, db, "select distinct as_of::text from customer_segment_history where as_of > '2025-02-01'"); len(got) != 1 || got[0] != "2025-02-02 00:00:00" {
		t.Errorf("a backfill is as of its interval's end, not %v", got)
	}
}

// A query of one's own gives refunds as negative amounts, and customers and orders as numbers or as text.
func TestOwnQuery(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "create table sold (who bigint, invoice varchar, at timestamp, pounds numeric)")
	exec(t, db, `insert into sold values (100, 'A1', '2025-01-10', 10), (100, 'A1', '2025-01-10', 5), (20, 'B', '2025-01-11', 7), (20, 'C', '2025-01-12', -3), (3, 'D', '2025-01-13', -9)`)
	const query = "select who as customer_id, invoice as order_id, at as ts, pounds as amount from sold where at < $1"
	for _, tt := range []struct {
		w    With
		want []string
	}{
		{With{}, []string{"20 1 7.00", "100 2 15.00"}},
		{With{Net: true}, []string{"20 1 4.00", "100 2 15.00"}},
		{With{Net: true, Frequency: "orders"}, []string{"20 1 4.00", "100 1 15.00"}},
	} {
		tt.w.Query, tt.w.K = query, 1
		mustRun(t, db, tt.w, input("run-1", asOf))
		if diff := cmp.Diff(tt.want, lines(t, db, "select concat_ws(' ', customer_id, frequency, monetary) from customer_segments order by customer_id::int")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.w, diff)
		}
	}
}
