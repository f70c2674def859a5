package segments

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
)

// threeKinds are 20 customers each who buy much and often, now and then, and once long ago.
func threeKinds(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	for i := range 20 {
		buy(t, db, fmt.Sprintf("a%02d", i), fmt.Sprint(1000+i), 28, 29, 30, 31)
		buy(t, db, fmt.Sprintf("b%02d", i), fmt.Sprint(90+i), 15, 16)
		buy(t, db, fmt.Sprintf("c%02d", i), fmt.Sprint(5+i%2), 1+i%3)
	}
}

func TestProfilesSayWhoIsInACluster(t *testing.T) {
	t.Parallel()
	db := open(t)
	threeKinds(t, db)
	mustRun(t, db, With{K: 3}, input("run-1", asOf))
	const all = "select table_name || ' ' || cluster_id || ' ' || profile || ' | ' || monetary || ' ' || run_id from cluster_profiles order by 1"
	want := []string{
		"customer_segments 0 20 customers (33 %) with 95 % of the money: bought very lately (less than a day ago), very often (4 purchases), spent very much (4,036.00) | 4038.00 run-1",
		"customer_segments 1 20 customers (33 %) with 5 % of the money: bought a while ago (15 days ago), now and then (2 purchases), spent a middling sum (198.00) | 199.00 run-1",
		"customer_segments 2 20 customers (33 %) with 0 % of the money: bought very long ago (29 days ago), hardly ever (1 purchase), spent very little (5.00) | 5.50 run-1",
	}
	if diff := cmp.Diff(want, lines(t, db, all)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Customers, money and means once more by Postgres, from the table of customers.
	const second = `
		select concat_ws(' ', cluster_id, count(*), round(avg(recency_days), 6), round(avg(frequency), 6), round(avg(monetary), 2),
			round(count(*) / sum(count(*)) over (), 9), round(sum(monetary) / sum(sum(monetary)) over (), 9))
		from customer_segments where cluster_id is not null group by cluster_id order by cluster_id`
	const first = `
		select concat_ws(' ', cluster_id, customers, round(recency_days::numeric, 6), round(frequency::numeric, 6), monetary,
			round(customer_share::numeric, 9), round(money_share::numeric, 9))
		from cluster_profiles order by cluster_id`
	if diff := cmp.Diff(lines(t, db, second), lines(t, db, first)); diff != "" {
		t.Errorf("(-postgres +job):\n%s", diff)
	}
	mustRun(t, db, With{K: 2, Into: "two"}, input("run-2", asOf))
	mustRun(t, db, With{K: 1}, input("run-3", asOf))
	got := lines(t, db, "select concat_ws(' ', table_name, count(*), min(run_id)) from cluster_profiles group by table_name order by 1")
	if diff := cmp.Diff([]string{"customer_segments 1 run-3", "two 2 run-2"}, got); diff != "" {
		t.Errorf("after more runs (-want +got):\n%s", diff)
	}
	exec(t, db, "delete from refunds")
	exec(t, db, "delete from transactions")
	mustRun(t, db, With{}, input("run-4", asOf))
	if got := lines(t, db, "select profile from cluster_profiles where table_name = 'customer_segments'"); len(got) > 0 {
		t.Errorf("profiles of nobody: %v", got)
	}
	if got := lines(t, db, "select k::text from cluster_sweep where table_name = 'customer_segments' and run_id <> 'run-1'"); len(got) > 0 {
		t.Errorf("a second sweep that day: %v", got)
	}
}

func TestSweepOncePerDay(t *testing.T) {
	t.Parallel()
	db := open(t)
	threeKinds(t, db)
	at := func(id run.ID, w With, when time.Time) []string {
		mustRun(t, db, w, input(id, when))
		return lines(t, db, "select concat_ws(' ', table_name, run_id, min(k), max(k), max(sample), max(customers)) from cluster_sweep group by table_name, run_id order by 1")
	}
	for _, tt := range []struct {
		name string
		id   run.ID
		with With
		when time.Time
		want []string
	}{
		{"first", "run-1", With{K: 3}, asOf, []string{"customer_segments run-1 2 10 60 60"}},
		{"same_day", "run-2", With{K: 3}, asOf.Add(time.Hour), []string{"customer_segments run-1 2 10 60 60"}},
		{"next_day", "run-3", With{K: 3}, asOf.AddDate(0, 0, 1), []string{"customer_segments run-3 2 10 60 60"}},
		{"each_run", "run-4", With{K: 3, Sweep: "run"}, asOf.AddDate(0, 0, 1), []string{"customer_segments run-4 2 10 60 60"}},
		{"never", "run-5", With{K: 3, Sweep: "none"}, asOf.AddDate(0, 0, 2), []string{"customer_segments run-4 2 10 60 60"}},
		{"other_table", "run-6", With{K: 3, Into: "other"}, asOf, []string{"customer_segments run-4 2 10 60 60", "other run-6 2 10 60 60"}},
	} {
		if diff := cmp.Diff(tt.want, at(tt.id, tt.with, tt.when)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	got := lines(t, db, `
		select concat_ws(' ', k, case when elbow then 'elbow' end, case when chosen then 'chosen' end)
		from cluster_sweep where table_name = 'customer_segments' and (elbow or chosen)`)
	if diff := cmp.Diff([]string{"3 elbow chosen"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := lines(t, db, "select k::text from cluster_sweep where silhouette is null or silhouette > 1 or silhouette < 0 or bend > 1"); len(got) > 0 {
		t.Errorf("figures that cannot be, k = %v", got)
	}
}

func TestMoney(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{0, 2, "0.00"}, {5, 2, "5.00"}, {1234.5, 2, "1,234.50"}, {1234567.891, 3, "1,234,567.891"}, {1999, 0, "1,999"}, {1999.999, 2, "2,000.00"},
	} {
		if got := money(tt.v, tt.decimals); got != tt.want {
			t.Errorf("money(%v, %d) is %q, want %q", tt.v, tt.decimals, got, tt.want)
		}
	}
}
