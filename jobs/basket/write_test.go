package basket

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
)

const noted = `select concat_ws('|', table_name, run_id, as_of, rows_read, baskets, items, itemsets, rules, coalesce(stopped, '-'),
	parameters->>'min_support', parameters->>'redundant', parameters->>'query') from association_runs order by 1`

func TestRunsAreNotedByTable(t *testing.T) {
	t.Parallel()
	db := open(t)
	mustRun(t, db, With{}, input("run-0", asOf)) // finds nothing, and says so
	if diff := cmp.Diff([]string{"product_associations|run-0|2025-02-01 00:00:00|0|0|0|0|0|-|0.01|keep|sql/queries/basket_input_customer.sql"}, lines(t, db, noted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	fourCustomers(t, db)
	mustRun(t, db, With{MinSupport: new(0.5)}, input("run-1", asOf))
	mustRun(t, db, With{MinSupport: new(0.2), MaxItemsets: 4, Redundant: "drop", Into: "other"}, input("run-2", asOf))
	mustRun(t, db, With{MinSupport: new(0.2), MaxItemsets: 4, Redundant: "drop", Into: "other"}, input("run-3", asOf))
	want := []string{
		"other|run-3|2025-02-01 00:00:00|9|4|4|4|0|more than 4 itemsets: only sets of up to 1 items are kept; raise min support for longer ones|0.2|drop|sql/queries/basket_input_customer.sql",
		"product_associations|run-1|2025-02-01 00:00:00|9|4|4|4|2|-|0.5|keep|sql/queries/basket_input_customer.sql",
	}
	if diff := cmp.Diff(want, lines(t, db, noted)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever is wrong with the rows, the error says where, and the rules of the run before stay as they were.
func TestErrorsLeaveThePreviousRules(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	mustRun(t, db, With{MinSupport: new(0.25), MaxConsequent: 2}, input("run-1", asOf))
	rules, runs := lines(t, db, stood), lines(t, db, noted)
	if len(rules) < 4 {
		t.Fatalf("rules: %v", rules)
	}
	for _, tt := range []struct{ name, query, want string }{
		{"null_item", "select 'b' as basket, null::text as item", "row 1, column 2 (item) is null"},
		{"null_basket", "select case when n < 3 then n end as basket, 'x' as item from generate_series(1, 3) as n", "row 3, column 1 (basket) is null"},
		{"other_columns", "select 1 as a, 2 as b", "wanted are (basket, item) or (customer_id, item, ts)"},
		{"no_such_table", "select basket, item from nowhere", `relation "nowhere" does not exist`},
		{"fails_half_way", "select n as basket, (1 / (5000 - n))::text as item from generate_series(1, 9000) as n", "division by zero"},
		// "A, B" and C read like A and "B, C": two rules would be one row.
		{"items_that_read_alike", "select n as basket, unnest('{\"A, B\",C,A,\"B, C\",D}'::text[]) as item from generate_series(1, 3) as n", `two rules read alike, (antecedent, consequent)=(`},
	} {
		j, err := New("ml.associations", With{MinSupport: new(0.5), Query: tt.query}, Deps{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(t.Context(), input("run-2", asOf)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
		if diff := cmp.Diff(rules, lines(t, db, stood)); diff != "" {
			t.Errorf("%s (-rules before +after):\n%s", tt.name, diff)
		}
		if diff := cmp.Diff(runs, lines(t, db, noted)); diff != "" {
			t.Errorf("%s (-note before +after):\n%s", tt.name, diff)
		}
	}
}

// A hundred customers: X and Y go together, and buying Z besides X makes Y no surer.
const togetherQuery = `select n as basket, unnest(case when n <= 30 then '{X,Y,Z}' when n <= 40 then '{X,Y}' when n <= 50 then '{X,Z}' else '{Z,W}' end::text[]) as item
	from generate_series(1, 100) as n where $1 > timestamp '2000-01-01'`

func TestRulesToTrust(t *testing.T) {
	t.Parallel()
	db := open(t)
	all := []string{
		"W -> Z", "X -> Y", "X -> Z", "X, Y -> Z", "X, Z -> Y", "Y -> X", "Y -> Z", "Y, Z -> X", "Z -> W", "Z -> X", "Z -> Y",
	}
	for _, tt := range []struct {
		name string
		with With
		want []string
	}{
		{"all", With{}, all},
		{"keep", With{Redundant: "keep"}, all},
		{"drop", With{Redundant: "drop"}, []string{"W -> Z", "X -> Y", "X -> Z", "Y -> X", "Y -> Z", "Z -> W", "Z -> X", "Z -> Y"}},
		{"min_count", With{MinCount: 41}, []string{"W -> Z", "Z -> W"}},
		{"max_fdr", With{MaxFDR: 0.05}, []string{"W -> Z", "X -> Y", "X, Z -> Y", "Y -> X", "Y, Z -> X", "Z -> W"}},
	} {
		tt.with.Query, tt.with.MinConfidence = togetherQuery, new(0.3)
		mustRun(t, db, tt.with, input("run-1", asOf))
		got := lines(t, db, `select antecedent || ' -> ' || consequent as rule from product_associations order by (antecedent || ' -> ' || consequent) collate "C"`)
		slices.Sort(tt.want)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	j, err := New("ml.associations", With{Query: togetherQuery, MinConfidence: new(0.3), MaxRules: len(all) - 1}, Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(t.Context(), input("run-2", asOf)); err == nil || !strings.Contains(err.Error(), "more than 10 rules") {
		t.Errorf("with ten rules at most: %v", err)
	}
	// 40 of X's 50 customers bought Y: the interval and the test were worked out by hand, with whole numbers.
	got := lines(t, db, `select concat_ws(' ', round(confidence_low::numeric, 6), round(confidence_high::numeric, 6), p_value between 7.47279e-19 and 7.47280e-19, q_value > p_value)
		from product_associations where antecedent = 'X' and consequent = 'Y'`)
	if diff := cmp.Diff([]string{"0.669629 0.887562 t t"}, got); diff != "" {
		t.Errorf("X -> Y (-want +got):\n%s", diff)
	}
}

// A table that was made like product_associations when that had fewer columns gets them.
func TestOlderTableGetsTheColumns(t *testing.T) {
	t.Parallel()
	db := open(t)
	fourCustomers(t, db)
	exec(t, db, "create table older (like product_associations including all)")
	exec(t, db, "alter table older drop column p_value, drop column q_value")
	for _, id := range []run.ID{"run-1", "run-2"} {
		mustRun(t, db, With{Into: "older", MinSupport: new(0.5)}, input(id, asOf))
		if got := lines(t, db, "select antecedent from older where p_value between 0 and q_value"); len(got) != 2 {
			t.Errorf("%s: rules %v", id, got)
		}
	}
}
