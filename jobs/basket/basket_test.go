package basket

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

var asOf = time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)

func input(id run.ID, asOf time.Time) run.Input {
	return run.Input{ID: id, Job: "ml.associations", AsOf: asOf, Progress: func(run.Progress) {}}
}

func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.Open(t)
	exec(t, db, "insert into dim_products select p, p, 'c', 1 from unnest('{BAG,HUB,LAPTOP,MOUSE,P0,P1,P2,P3,P4,P5,P6,P7}'::text[]) as p")
	exec(t, db, "insert into dim_stores values ('S', 's', 'c', 'r', 1)")
	return db
}

func exec(t *testing.T, db *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// buy inserts purchases of a customer at a time of 2025-01-31.
func buy(t *testing.T, db *pgxpool.Pool, customer, clock string, products ...string) {
	t.Helper()
	for _, p := range products {
		exec(t, db, "insert into transactions select count(*) + 1, $1, 'S', $2, 1, ('2025-01-31 ' || $3)::timestamp from transactions", p, customer, clock)
	}
}

func mustRun(t *testing.T, db *pgxpool.Pool, w With, in run.Input) run.Result {
	t.Helper()
	j, err := New("ml.associations", w, Deps{DB: db})
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

const stood = `select antecedent || ' -> ' || consequent || concat_ws(' ', ':', count, round(support::numeric, 4), round(confidence::numeric, 4), round(lift::numeric, 4), round(leverage::numeric, 4), conviction, round(zhang::numeric, 4))
	from product_associations order by lift desc, confidence desc, support desc, antecedent collate "C", consequent collate "C"`

func fourCustomers(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	buy(t, db, "ann", "10:00", "LAPTOP", "MOUSE", "MOUSE")
	buy(t, db, "ann", "18:00", "BAG")
	buy(t, db, "bob", "10:00", "LAPTOP", "MOUSE")
	buy(t, db, "cat", "10:00", "LAPTOP")
	buy(t, db, "cat", "10:29", "MOUSE")
	buy(t, db, "dan", "10:00", "HUB")
	buy(t, db, "dan", "10:30", "BAG")
}

func TestByCustomer(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	result := mustRun(t, db, With{MinSupport: new(0.5)}, input("run-1", asOf))
	want := []string{
		"LAPTOP -> MOUSE: 3 0.7500 1.0000 1.3333 0.1875 Infinity 1.0000",
		"MOUSE -> LAPTOP: 3 0.7500 1.0000 1.3333 0.1875 Infinity 1.0000",
	}
	if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(run.Result{RowsRead: 9, RowsWritten: 2, Note: "4 baskets, 4 itemsets, 2 rules"}, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := lines(t, db, "select distinct run_id || ' ' || as_of from product_associations"); len(got) != 1 || got[0] != "run-1 2025-02-01 00:00:00" {
		t.Errorf("run and as_of: %v", got)
	}
}

func TestLongerRulesJoinItems(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	mustRun(t, db, With{MinSupport: new(0.25), MinConfidence: new(1.0), MaxConsequent: 2}, input("run-1", asOf))
	got := lines(t, db, "select antecedent || ' -> ' || consequent from product_associations order by 1")
	for _, want := range []string{"BAG, LAPTOP -> MOUSE", "BAG, MOUSE -> LAPTOP", "HUB -> BAG", "LAPTOP -> MOUSE"} {
		if !slices.Contains(got, want) {
			t.Errorf("no rule %s in %v", want, got)
		}
	}
	mustRun(t, db, With{MinSupport: new(0.25), MinConfidence: new(1.0), MaxLen: 2}, input("run-2", asOf))
	if got := lines(t, db, "select antecedent from product_associations where antecedent like '%,%'"); len(got) > 0 {
		t.Errorf("max_len 2 gives antecedents %v", got)
	}
}

// A visit goes on while less than the gap passes: ann comes twice, dan's half hour is too long, cat's 29 minutes are not.
func TestByVisit(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	result := mustRun(t, db, With{Basket: "visit", MinSupport: new(0.1), MinConfidence: new(0.0)}, input("run-1", asOf))
	want := []string{
		"LAPTOP -> MOUSE: 3 0.5000 1.0000 2.0000 0.2500 Infinity 1.0000",
		"MOUSE -> LAPTOP: 3 0.5000 1.0000 2.0000 0.2500 Infinity 1.0000",
	}
	if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "6 baskets, 5 itemsets, 2 rules"; result.Note != want {
		t.Errorf("note %q, want %q", result.Note, want)
	}
	result = mustRun(t, db, With{Basket: "visit", Gap: time.Minute}, input("run-2", asOf))
	if !strings.HasPrefix(result.Note, "7 baskets") {
		t.Errorf("with a gap of a minute: %q", result.Note)
	}
}

// Rows in any order make the same visits.
func TestVisitsIgnoreRowOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	const n = 400
	customers, times, ids := make([]int32, n), make([]int64, n), make([]int, n)
	for i := range n {
		customers[i], times[i], ids[i] = rng.Int32N(9), rng.Int64N(100_000), i
	}
	together := func() map[[2]int]bool { // which purchases are in one visit
		of, _ := visits(customers, times, 300*time.Microsecond)
		pairs := map[[2]int]bool{}
		for i := range n {
			for j := range n {
				if of[i] == of[j] {
					pairs[[2]int{ids[i], ids[j]}] = true
				}
			}
		}
		return pairs
	}
	want := together()
	for range 5 {
		rng.Shuffle(n, func(i, j int) {
			customers[i], customers[j] = customers[j], customers[i]
			times[i], times[j] = times[j], times[i]
			ids[i], ids[j] = ids[j], ids[i]
		})
		if got := together(); !maps.Equal(want, got) {
			t.Fatal("shuffled rows make other visits")
		}
	}
}

func TestAsOfLeavesLaterPurchasesOut(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	for clock, want := range map[string]string{"10:00": "0 baskets", "10:01": "4 baskets"} {
		at, err := time.Parse("2006-01-02 15:04", "2025-01-31 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		if result := mustRun(t, db, With{}, input("run-1", at)); !strings.HasPrefix(result.Note, want) {
			t.Errorf("as of %s: %q, want %s", clock, result.Note, want)
		}
	}
}

// Pairs are counted a second time by Postgres.
func TestPairsEqualPostgres(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "select setseed(0.25)")
	exec(t, db, `insert into transactions
		select i, 'P' || floor(8 * random() * random()), 'S', 'C' || floor(150 * random()), 1, timestamp '2025-01-01' + random() * interval '40 days'
		from generate_series(1, 900) as i`)
	const second = `
		with b as (select distinct customer_id as c, product_id as p from transactions where ts < $1),
		n as (select count(distinct c)::float8 as n from b),
		one as (select p, count(*) / n as s from b, n group by p, n),
		two as (select x.p as a, y.p as c, count(*) as k, count(*) / n as s from b as x join b as y on x.c = y.c and x.p <> y.p, n group by 1, 2, n)
		select concat_ws(' ', two.a, two.c, k, round(two.s::numeric, 9), round((two.s / a.s)::numeric, 9), round((two.s / a.s / c.s)::numeric, 9))
		from two join one as a on a.p = two.a join one as c on c.p = two.c
		where two.s >= 0.05 and two.s / a.s >= 0.3
		order by two.a, two.c`
	mustRun(t, db, With{MinSupport: new(0.05), MinConfidence: new(0.3), MaxLen: 2}, input("run-1", asOf))
	got := lines(t, db, "select concat_ws(' ', antecedent, consequent, count, round(support::numeric, 9), round(confidence::numeric, 9), round(lift::numeric, 9)) from product_associations order by antecedent, consequent")
	want := lines(t, db, second, asOf)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-postgres +job):\n%s", diff)
	}
	if len(want) < 10 {
		t.Errorf("only %d rules to compare", len(want))
	}
}

func TestSameInputGivesSameRows(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, `insert into transactions
		select i, 'P' || (i * 7919 % 97 % 8), 'S', 'C' || (i * 31 % 101), 1, timestamp '2025-01-01' + i * interval '13 minutes' from generate_series(1, 1500) as i`)
	mustRun(t, db, With{MaxConsequent: 3}, input("run-1", asOf))
	want := lines(t, db, stood)
	for name, w := range map[string]With{
		"again":     {MaxConsequent: 3},
		"own_query": {MaxConsequent: 3, Query: "select product_id as item, customer_id as basket from transactions where ts < $1 order by random()"},
		"numbers":   {MaxConsequent: 3, Query: "select product_id as item, substr(customer_id, 2)::int as basket from transactions where ts < $1"},
		"one_visit": {MaxConsequent: 3, Basket: "visit", Gap: 1000 * time.Hour},
	} {
		mustRun(t, db, w, input(run.ID(name), asOf))
		if diff := cmp.Diff(want, lines(t, db, stood)); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}
}

func TestSmallInputs(t *testing.T) {
	t.Parallel()
	db := open(t)
	if result := mustRun(t, db, With{}, input("run-1", asOf)); result.Note != "0 baskets, 0 itemsets, 0 rules" {
		t.Errorf("no purchases: %q", result.Note)
	}
	buy(t, db, "ann", "10:00", "BAG")
	if result := mustRun(t, db, With{}, input("run-2", asOf)); result.Note != "1 baskets, 1 itemsets, 0 rules" {
		t.Errorf("one purchase: %q", result.Note)
	}
	buy(t, db, "", "10:00", "HUB")
	if result := mustRun(t, db, With{}, input("run-3", asOf)); !strings.HasPrefix(result.Note, "1 baskets") {
		t.Errorf("a purchase of nobody: %q", result.Note)
	}
	fourCustomers(t, db)
	result := mustRun(t, db, With{MinSupport: new(0.2), MaxItemsets: 4}, input("run-4", asOf))
	if !strings.Contains(result.Note, "more than 4 itemsets: only sets of up to 1 items are kept") {
		t.Errorf("four itemsets at most: %q", result.Note)
	}
}

func TestIntoOwnTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	mustRun(t, db, With{Into: "visit_associations", Basket: "visit", MinSupport: new(0.1)}, input("run-1", asOf))
	if got := lines(t, db, "select antecedent from visit_associations"); len(got) != 2 {
		t.Errorf("rules: %v", got)
	}
	if got := lines(t, db, stood); len(got) > 0 {
		t.Errorf("the usual table was written too: %v", got)
	}
}

func TestReadersSeeWholeRuns(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	mustRun(t, db, With{MinSupport: new(0.5)}, input("run-0", asOf))
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 15 && err == nil; i++ {
			var j *Job
			if j, err = New("ml.associations", With{MinSupport: new(0.5)}, Deps{DB: db}); err == nil {
				_, err = j.Run(context.WithoutCancel(t.Context()), input(run.ID(fmt.Sprint("run-", i)), asOf))
			}
		}
		done <- err
	}()
	for {
		var rows, runs int
		if err := db.QueryRow(t.Context(), "select count(*), count(distinct run_id) from product_associations").Scan(&rows, &runs); err != nil {
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
	var w With
	problems := strictyaml.Decode("dagfile.yaml", []byte(strings.Join([]string{
		"min_support: 0", "min_confidence: 1.5", "max_len: 1", "max_consequent: -1", "max_itemsets: -5",
		"min_count: -1", "max_fdr: 2", "max_rules: -2",
	}, "\n")), 0, &w)
	want := []string{"1:1: min_support is 0", "2:1: min_confidence is 1.5", "3:1: max_len is 1", "4:1: max_consequent is -1", "5:1: max_itemsets is -5",
		"6:1: min_count is -1", "7:1: max_fdr is 2", "8:1: max_rules is -2"}
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	for _, problem := range want {
		if !strings.Contains(strings.Join(got, "\n"), "dagfile.yaml:"+problem) {
			t.Errorf("no problem %q in:\n%s", problem, strings.Join(got, "\n"))
		}
	}
	for text, want := range map[string]string{
		"from: items\nquery: select 1":    "1:1: from names a rollup and query gives the baskets too",
		"from: items\nbasket: visit":      "2:1: a rollup knows no visits",
		"from: \"drop table\"":            `1:1: "drop table" is no table`,
		"from: items\nbasket: customer\n": "",
	} {
		var w With
		got := ""
		for _, p := range strictyaml.Decode("dagfile.yaml", []byte(text), 0, &w) {
			got += p.String() + "\n"
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: problems %q, want %q", text, got, want)
		}
	}
	if _, err := New("ml.associations", With{MinSupport: new(2.0)}, Deps{}); err == nil {
		t.Error("New with a support of 2: no error")
	}
	if _, err := New("ml.associations", With{MinConfidence: new(0.0)}, Deps{}); err != nil {
		t.Errorf("New with a confidence of 0: %v", err)
	}
}
