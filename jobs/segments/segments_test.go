package segments

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/rfm"
	"tillflow/lib/strictyaml"
)

var asOf = time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)

func input(id run.ID, asOf time.Time) run.Input {
	return run.Input{ID: id, Job: "ml.segmentation", AsOf: asOf, Progress: func(run.Progress) {}}
}

// open gives a database with one product and one store.
func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.Open(t)
	exec(t, db, "insert into dim_products values ('P', 'p', 'c', 1)")
	exec(t, db, "insert into dim_stores values ('S', 's', 'c', 'r', 1)")
	return db
}

func exec(t *testing.T, db *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// buy inserts purchases of a customer, of one amount, on days of January 2025 at noon.
func buy(t *testing.T, db *pgxpool.Pool, customer, amount string, days ...int) {
	t.Helper()
	for _, day := range days {
		exec(t, db, `insert into transactions select count(*) + 1, 'P', 'S', $1, $2::text::numeric, $3 from transactions`,
			customer, amount, time.Date(2025, 1, day, 12, 0, 0, 0, time.UTC))
	}
}

func mustRun(t *testing.T, db *pgxpool.Pool, w With, in run.Input) run.Result {
	t.Helper()
	j, err := New("ml.segmentation", w, Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	result, err := j.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// lines gives the rows of a query, each as one text.
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

const stood = `select concat_ws(' ', customer_id, recency_days, frequency, monetary, r_score, f_score, m_score, rfm_segment, coalesce(cluster_id::text, '-'))
	from customer_segments order by customer_id`

// Five customers, so that each score goes to one of them, and one who gets all money back.
func fiveCustomers(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	buy(t, db, "ann", "100.50", 1, 5, 9, 20, 31) // yesterday, most often
	buy(t, db, "bob", "10", 2)                   // long ago, once
	buy(t, db, "cat", "900", 29, 30)             // lately, dear
	buy(t, db, "dan", "20.25", 10, 11, 12)
	buy(t, db, "eve", "5", 25, 26, 27, 28)
	exec(t, db, "insert into refunds values (1, 2, 'P', 'S', 'bob', 10, 'defective', '2025-01-03')")
	exec(t, db, "insert into refunds values (2, 2, 'P', 'S', 'eve', 1.5, 'defective', '2025-01-30')")
	exec(t, db, "insert into refunds values (3, 2, 'P', 'S', 'zoe', 1, 'defective', '2025-01-30')") // never bought
}

func TestSegments(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	result := mustRun(t, db, With{K: 2}, input("run-1", asOf))
	want := []string{
		"ann 0 5 502.50 5 5 4 Champions 0",
		"bob 29 1 10.00 1 1 1 Hibernating 1",
		"cat 1 2 1800.00 4 2 5 Potential Loyalists 0",
		"dan 19 3 60.75 2 3 3 At Risk 1",
		"eve 3 4 20.00 3 4 2 Loyal Customers 1",
	}
	if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(run.Result{RowsRead: 5, RowsWritten: 5, Note: "5 customers, 5 segments, k=2"}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := lines(t, db, "select distinct run_id || ' ' || as_of from customer_segments"); len(got) != 1 || got[0] != "run-1 2025-02-01 00:00:00" {
		t.Errorf("run and as_of: %v", got)
	}
}

func TestAsOfLeavesLaterPurchasesOut(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	mustRun(t, db, With{}, input("run-1", time.Date(2025, 1, 11, 12, 0, 0, 0, time.UTC))) // the second purchase of dan is at as_of, not before it
	want := []string{"ann 2 3 301.50", "bob 9 1 10.00", "dan 1 1 20.25"}
	if diff := cmp.Diff(want, lines(t, db, "select concat_ws(' ', customer_id, recency_days, frequency, monetary) from customer_segments order by 1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNetSubtractsRefunds(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	const bought = "select concat_ws(' ', customer_id, frequency, monetary, coalesce(cluster_id::text, 'none')) from customer_segments where customer_id in ('bob', 'eve', 'zoe') order by 1"
	for _, frequency := range []string{"rows", "orders"} {
		mustRun(t, db, With{Net: true, Frequency: frequency, K: 1}, input("run-1", asOf))
		if diff := cmp.Diff([]string{"bob 1 0.00 none", "eve 4 18.50 0"}, lines(t, db, bought)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", frequency, diff)
		}
	}
}

// Scores are worked out a second time by Postgres, segments by a case of its own.
func TestEqualsPostgres(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, `select setseed(0.5)`)
	exec(t, db, `insert into transactions
		select i, 'P', 'S', 'C' || floor(300 * random() * random()), (1 + 500 * random() * random())::numeric(12, 2), timestamp '2025-01-01' + random() * interval '40 days'
		from generate_series(1, 3000) as i`)
	exec(t, db, "insert into transactions select 3000 + i, 'P', 'S', 'C' || i, 7.77, '2025-01-20' from generate_series(1000, 1100) as i") // many equals
	const second = `
		with totals as (
			select customer_id collate "C" as id, extract(day from $1::timestamp - max(ts))::int as recency, count(*) as frequency, sum(amount) as monetary
			from transactions where ts < $1 group by 1
		), ranked as (
			select *, row_number() over (order by recency, id) - 1 as ri, row_number() over (order by frequency, id) - 1 as fi,
				row_number() over (order by monetary, id) - 1 as mi, count(*) over () as n
			from totals
		), scored as (
			select *, 6 - greatest(1, (5*ri + n - 2) / (n - 1)) as r, greatest(1, (5*fi + n - 2) / (n - 1)) as f, greatest(1, (5*mi + n - 2) / (n - 1)) as m
			from ranked
		)
		select concat_ws(' ', id, recency, frequency, monetary, r, f, m, case
			when r <= 2 and f <= 2 then 'Hibernating' when r <= 2 then 'At Risk'
			when r = 3 and f <= 3 then 'Need Attention' when r <= 4 and f >= 4 then 'Loyal Customers'
			when f = 1 then 'New Customers' when f <= 3 then 'Potential Loyalists' else 'Champions' end)
		from scored order by id`
	for days := range 7 { // other numbers of customers
		at := time.Date(2025, 1, 25+days, 3, 0, 0, 0, time.UTC)
		mustRun(t, db, With{}, input("run-1", at))
		got := lines(t, db, `select concat_ws(' ', customer_id, recency_days, frequency, monetary, r_score, f_score, m_score, rfm_segment) from customer_segments order by customer_id collate "C"`)
		if diff := cmp.Diff(lines(t, db, second, at), got); diff != "" {
			t.Fatalf("as of %s (-postgres +job):\n%s", at, diff)
		}
	}
}

// The same purchases give the same rows by any query shape, any order of rows, and again.
func TestSameInputGivesSameRows(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, `insert into transactions
		select i, 'P', 'S', 'C' || (i * 7919 % 400), (1 + i * 104729 % 50000)::numeric / 100, timestamp '2025-01-01' + i * interval '17 minutes'
		from generate_series(1, 2500) as i`)
	mustRun(t, db, With{}, input("run-1", asOf))
	want := lines(t, db, stood)
	if len(want) != 400 {
		t.Fatalf("%d customers", len(want))
	}
	file := filepath.Join(t.TempDir(), "mine.sql")
	if err := os.WriteFile(file, []byte("select amount, customer_id, ts from transactions where ts < $1 order by amount"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]With{
		"again":          {},
		"orders":         {Frequency: "orders"},
		"lines":          {Query: "select ts, customer_id, amount from transactions where ts < $1 order by random()"},
		"text_orders":    {Frequency: "orders", Query: "select ts, customer_id, amount, 'T' || transaction_id as order_id from transactions where ts < $1"},
		"file":           {Query: file},
		"net_of_nothing": {Net: true},
	} {
		mustRun(t, db, w, input(run.ID(name), asOf))
		if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}
}

func TestFewCustomers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fill func(db *pgxpool.Pool)
		want []string
		note string
	}{
		{"none", func(*pgxpool.Pool) {}, nil, "0 customers, 0 segments, k=0"},
		{"one", func(db *pgxpool.Pool) { buy(t, db, "ann", "3", 31) }, []string{"ann 0 1 3.00 5 1 1 New Customers 0"}, "1 customers, 1 segments, k=1"},
		{"fewer_than_k", func(db *pgxpool.Pool) { buy(t, db, "ann", "3", 31); buy(t, db, "bob", "9", 1, 2) },
			[]string{"ann 0 1 3.00 5 1 1 New Customers 1", "bob 29 2 18.00 1 5 5 At Risk 0"}, "2 customers, 2 segments, k=2"},
		{"all_equal", func(db *pgxpool.Pool) {
			buy(t, db, "ann", "3", 31)
			buy(t, db, "bob", "3", 31)
			buy(t, db, "cat", "3", 31)
		},
			[]string{"ann 0 1 3.00 5 1 1 New Customers 0", "bob 0 1 3.00 3 3 3 Need Attention 0", "cat 0 1 3.00 1 5 5 At Risk 0"},
			"3 customers, 3 segments, k=1, 2 would score otherwise with ties: value"},
		{"nothing_spent", func(db *pgxpool.Pool) { buy(t, db, "ann", "0", 31) }, []string{"ann 0 1 0.00 5 1 1 New Customers -"}, "1 customers, 1 segments, k=0"},
		{"no_name", func(db *pgxpool.Pool) { buy(t, db, "", "3", 31) }, nil, "0 customers, 0 segments, k=0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t)
			tt.fill(db)
			result := mustRun(t, db, With{}, input("run-1", asOf))
			if diff := cmp.Diff(tt.want, lines(t, db, stood)); diff != "" && len(tt.want)+len(lines(t, db, stood)) > 0 {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if result.Note != tt.note {
				t.Errorf("note %q, want %q", result.Note, tt.note)
			}
		})
	}
}

func TestTiesByValue(t *testing.T) {
	t.Parallel()
	db := open(t)
	for _, name := range []string{"ann", "bob", "cat"} {
		buy(t, db, name, "3", 31)
	}
	mustRun(t, db, With{Ties: "value"}, input("run-1", asOf))
	want := []string{"ann 0 1 3.00 5 1 1 New Customers 0", "bob 0 1 3.00 5 1 1 New Customers 0", "cat 0 1 3.00 5 1 1 New Customers 0"}
	if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwnSegmentsIntoOwnTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	names := []string{"never", "seldom", "now and then", "often", "always"}
	w := With{Into: "segments_b", Segments: Segments{&rfm.Table{[5]string(names), [5]string(names), [5]string(names), [5]string(names), [5]string(names)}}}
	mustRun(t, db, w, input("run-1", asOf))
	want := []string{"ann always", "bob never", "cat seldom", "dan now and then", "eve often"}
	if diff := cmp.Diff(want, lines(t, db, "select customer_id || ' ' || rfm_segment from segments_b order by 1")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := lines(t, db, stood); len(got) > 0 {
		t.Errorf("the usual table was written too: %v", got)
	}
}

// A run that fails leaves what stood there.
func TestFailedRunKeepsTheTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	fiveCustomers(t, db)
	mustRun(t, db, With{}, input("run-1", asOf))
	want := lines(t, db, stood)
	for name, tt := range map[string]struct{ query, want string }{
		"other_columns":  {"select 1 as a", "gives the columns (a)"},
		"no_as_of":       {"select customer_id, ts + interval '1 year' as ts, amount from transactions", `add "where ts < $1"`},
		"two_rows_each":  {"select customer_id, ts as last_ts, 1 as frequency, amount as monetary from transactions where ts < $1", "one row a customer"},
		"three_decimals": {"select customer_id, ts, amount / 8 as amount from transactions where ts < $1", "more than 2 decimals"},
		"not_a_number":   {"select customer_id, ts, case when customer_id = 'bob' then 'NaN' else amount end as amount from transactions where ts < $1", "NaN"},
		"infinite_time":  {"select customer_id, case when customer_id = 'bob' then '-infinity' else ts end as ts, amount from transactions where ts < $1", "infinite time"},
		"float_money":    {"select customer_id, ts, amount::float8 as amount from transactions where ts < $1", "is float8, wanted numeric"},
		"too_much_money": {"select customer_id, ts, 90000000000000000::numeric as amount from transactions where ts < $1", "add up past"},
		"no_customer":    {"select nullif(customer_id, 'bob') as customer_id, ts, amount from transactions where ts < $1", "is null"},
	} {
		j, err := New("ml.segmentation", With{Query: tt.query}, Deps{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(t.Context(), input("run-2", asOf)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", name, err, tt.want)
		}
		if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
}

// Whoever reads while runs replace the table sees one run's rows, all of them.
func TestReadersSeeWholeRuns(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "insert into transactions select i, 'P', 'S', 'C' || i, i, '2025-01-20' from generate_series(1, 200) as i")
	mustRun(t, db, With{}, input("run-0", asOf))
	done, failed := make(chan struct{}), make(chan error, 3)
	go func() {
		defer close(done)
		for i := range 15 {
			j, err := New("ml.segmentation", With{}, Deps{DB: db})
			if err == nil {
				_, err = j.Run(context.WithoutCancel(t.Context()), input(run.ID(fmt.Sprint("run-", i)), asOf))
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	reads := 0
	for running := true; running; reads++ {
		var rows, runs int
		if err := db.QueryRow(t.Context(), "select count(*), count(distinct run_id) from customer_segments").Scan(&rows, &runs); err != nil {
			t.Fatal(err)
		}
		if rows != 200 || runs != 1 {
			t.Fatalf("read %d: %d rows of %d runs", reads, rows, runs)
		}
		select {
		case <-done:
			running = false
		case err := <-failed:
			t.Fatal(err)
		default:
		}
	}
	t.Logf("%d reads", reads)
}

func TestCheckPlacesWhatIsWrong(t *testing.T) {
	t.Parallel()
	var w With
	problems := strictyaml.Decode("dagfile.yaml", []byte(strings.Join([]string{
		"k: -1", "ties: fist", "scale: 9", "history: all", "segments: { r1: [a] }", "starts: -2", "clusters: 3",
	}, "\n")), 0, &w)
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{"dagfile.yaml:2:7:", "dagfile.yaml:4:10:", "dagfile.yaml:5:11:", "dagfile.yaml:7:1:"} { // what the decoder itself finds
		if !strings.Contains(all, want) {
			t.Errorf("no problem at %s in:\n%s", want, all)
		}
	}
	w = With{}
	problems = strictyaml.Decode("dagfile.yaml", []byte(strings.Join([]string{"k: -1", "scale: 9", "as_of: yesterday", "starts: -2"}, "\n")), 0, &w)
	want := []string{"1:1: k is -1", "2:1: scale is 9", `3:1: as_of "yesterday" is no time`, "4:1: starts is -2"}
	if len(problems) != len(want) {
		t.Fatalf("%d problems: %v", len(problems), problems)
	}
	for i, p := range problems {
		if !strings.HasPrefix(p.String(), "dagfile.yaml:"+want[i]) {
			t.Errorf("problem %d is %q, want %q", i, p, want[i])
		}
	}
	if _, err := New("ml.segmentation", With{K: -1, Starts: -2}, Deps{}); err == nil || !strings.Contains(err.Error(), "k is -1") || !strings.Contains(err.Error(), "starts is -2") {
		t.Errorf("New: %v", err)
	}
	if _, err := New("ml.segmentation", With{Query: "missing.sql"}, Deps{Dir: t.TempDir()}); err == nil {
		t.Error("New with a query file that is not there: no error")
	}
}

func TestClustersByDescendingSpend(t *testing.T) {
	t.Parallel()
	db := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		days, amount := []int{1 + rng.IntN(5)}, "5"
		if i%3 == 0 {
			days, amount = []int{28, 29, 30, 31}, fmt.Sprint(1000+rng.IntN(200))
		} else if i%3 == 1 {
			days, amount = []int{15, 16}, fmt.Sprint(90+rng.IntN(20))
		}
		buy(t, db, fmt.Sprintf("c%02d", i), amount, days...)
	}
	mustRun(t, db, With{K: 3}, input("run-1", asOf))
	got := lines(t, db, "select concat_ws(' ', cluster_id, count(*), min(frequency), max(frequency)) from customer_segments group by cluster_id order by cluster_id")
	if diff := cmp.Diff([]string{"0 20 4 4", "1 20 2 2", "2 20 1 1"}, got); diff != "" {
		t.Errorf("clusters (-want +got):\n%s", diff)
	}
}
