package apriori

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ints reads numbers apart by spaces.
func ints(t testing.TB, s string) []int32 {
	t.Helper()
	var out []int32
	for field := range strings.FieldsSeq(s) {
		n, err := strconv.ParseInt(field, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int32(n))
	}
	return out
}

func records(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func TestEqualsMlxtend(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/mlxtend_baskets.txt")
	if err != nil {
		t.Fatal(err)
	}
	var lists [][]int32
	for line := range strings.Lines(string(text)) {
		lists = append(lists, ints(t, line))
	}
	b := fromLists(t, 8, lists...)
	s, err := Mine(t.Context(), b, Options{MinSupport: 0.07})
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, r := range records(t, "testdata/mlxtend_itemsets.csv") {
		support, err := strconv.ParseFloat(r[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&want, ints(t, r[0]), math.Round(support*float64(b.Len())))
	}
	if diff := cmp.Diff(want.String(), dump(s)); diff != "" {
		t.Errorf("itemsets (-mlxtend +ours):\n%s", diff)
	}

	rules, err := Rules(s, RuleOptions{MinConfidence: 0.3})
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]Rule{}
	for _, r := range rules {
		ours[fmt.Sprint(r.Antecedent, r.Consequent)] = r
	}
	theirs := records(t, "testdata/mlxtend_rules.csv")
	if len(theirs) != len(rules) || len(ours) != len(rules) {
		t.Errorf("%d rules, %d of them distinct; mlxtend has %d", len(rules), len(ours), len(theirs))
	}
	for _, row := range theirs {
		name := fmt.Sprint(ints(t, row[0]), ints(t, row[1]))
		r, ok := ours[name]
		if !ok {
			t.Errorf("rule %s is missing", name)
			continue
		}
		for i, got := range []float64{r.Support, r.Confidence, r.Lift, r.Leverage, r.Conviction, r.Zhang, r.Jaccard, r.Certainty, r.Kulczynski} {
			want, err := strconv.ParseFloat(row[2+i], 64)
			if err != nil {
				t.Fatal(err)
			}
			if got != want && !(math.Abs(got-want) <= 1e-12) {
				t.Errorf("rule %s, metric %d: %v, mlxtend has %v", name, i, got, want)
			}
		}
	}
}

// With one-item consequents the rules are a part of all rules, and those R's arules gives.
func TestMaxConsequent(t *testing.T) {
	t.Parallel()
	b := randomBaskets(t, rand.New(rand.NewPCG(1, 2)), 80, 8)
	s, err := Mine(t.Context(), b, Options{MinSupport: 0.05})
	if err != nil {
		t.Fatal(err)
	}
	all, err := Rules(s, RuleOptions{MinConfidence: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		before, after := []float64{b.Lift, b.Confidence, b.Support}, []float64{a.Lift, a.Confidence, a.Support}
		if c := slices.Compare(before, after); c > 0 || c == 0 && slices.Compare(a.Antecedent, b.Antecedent) > 0 {
			t.Errorf("rule %d, %+v, stands before %+v", i-1, a, b)
		}
	}
	for most := 1; most <= 3; most++ {
		got, err := Rules(s, RuleOptions{MinConfidence: 0.2, MaxConsequent: most})
		if err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(all), func(r Rule) bool { return len(r.Consequent) > most })
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Rule{}, "Q")); diff != "" {
			t.Errorf("max consequent %d (-filtered +found):\n%s", most, diff)
		}
	}
}

func TestRulesOfCertainty(t *testing.T) {
	t.Parallel()
	// Item 0 is in every basket; item 1 never comes without item 2.
	b := fromLists(t, 3, []int32{0, 1, 2}, []int32{0, 2}, []int32{0, 1, 2}, []int32{0})
	s, err := Mine(t.Context(), b, Options{MinSupport: 0.25, MaxLen: 2})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Rules(s, RuleOptions{MinConfidence: 1, MaxConsequent: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{
		{
			Antecedent: []int32{1}, Consequent: []int32{2}, Count: 2, AntecedentCount: 2, ConsequentCount: 3,
			Support: 0.5, Confidence: 1, Lift: 1 / 0.75, Leverage: 0.125, Conviction: math.Inf(1), Zhang: 0.5, Jaccard: 0.5 / 0.75, Certainty: 1, Kulczynski: 0.8333333333333333,
		},
		{
			Antecedent: []int32{2}, Consequent: []int32{0}, Count: 3, AntecedentCount: 3, ConsequentCount: 4,
			Support: 0.75, Confidence: 1, Lift: 1, Conviction: math.Inf(1), Jaccard: 0.75, Kulczynski: 0.875,
		},
		{
			Antecedent: []int32{1}, Consequent: []int32{0}, Count: 2, AntecedentCount: 2, ConsequentCount: 4,
			Support: 0.5, Confidence: 1, Lift: 1, Conviction: math.Inf(1), Jaccard: 0.5, Kulczynski: 0.75,
		},
	}
	metrics := cmpopts.IgnoreFields(Rule{}, "Representativity", "ConfidenceLow", "ConfidenceHigh", "P", "Q")
	if diff := cmp.Diff(want, rules, metrics); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRulesRefuse(t *testing.T) {
	t.Parallel()
	for _, wrong := range []float64{-0.1, 1.1, math.NaN()} {
		for _, o := range []RuleOptions{{MinConfidence: wrong}, {MaxFDR: wrong}, {Level: wrong}} {
			if _, err := Rules(&Itemsets{}, o); err == nil {
				t.Errorf("%+v: no error", o)
			}
		}
	}
}

// onlineRetail reads the invoices: baskets of products by invoice and by customer.
func onlineRetail(t testing.TB) (invoices, customers *Baskets) {
	t.Helper()
	f, err := os.Open("testdata/online_retail_invoices.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var invoice, customer, item []int32
	scan := bufio.NewScanner(z)
	scan.Buffer(nil, 1<<20)
	n := 0
	for ; scan.Scan(); n++ {
		numbers := ints(t, scan.Text())
		for _, x := range numbers[1:] {
			invoice, customer, item = append(invoice, int32(n)), append(customer, numbers[0]), append(item, x)
		}
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	if invoices, err = FromPairs(invoice, item, n, 3665); err != nil {
		t.Fatal(err)
	}
	if customers, err = FromPairs(customer, item, 4338, 3665); err != nil {
		t.Fatal(err)
	}
	return invoices, customers
}

// The figures are mlxtend's; counts by size were confirmed with two other programs.
func TestOnlineRetailEqualsMlxtend(t *testing.T) {
	t.Parallel()
	invoices, customers := onlineRetail(t)
	for _, tt := range []struct {
		name                   string
		baskets                *Baskets
		support                float64
		sets                   int
		sizes                  []int
		rules                  int // with confidence .5; -1 = no figure
		confidenceSum, liftSum float64
	}{
		{"invoices_2%", invoices, 0.02, 251, nil, -1, 0, 0},
		{"invoices_1%", invoices, 0.01, 1031, []int{625, 333, 71, 2}, 323, 200.674383574, 5697.201849934},
		{"invoices_0.5%", invoices, 0.005, 4455, []int{1246, 1858, 941, 355, 54, 1}, 4520, 0, 0},
		{"invoices_0.2%", invoices, 0.002, 42232, nil, -1, 0, 0},
		{"customers_5%", customers, 0.05, 371, nil, 163, 0, 0},
		{"customers_3%", customers, 0.03, 2058, []int{663, 862, 392, 131, 10}, 3027, 0, 0},
		{"customers_2%", customers, 0.02, 12568, nil, -1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Mine(t.Context(), tt.baskets, Options{MinSupport: tt.support})
			if err != nil {
				t.Fatal(err)
			}
			if s.Len() != tt.sets || tt.sizes != nil && !slices.Equal(s.Sizes(), tt.sizes) {
				t.Errorf("%d sets, by size %v; want %d, %v", s.Len(), s.Sizes(), tt.sets, tt.sizes)
			}
			if tt.rules < 0 {
				return
			}
			rules, err := Rules(s, RuleOptions{MinConfidence: 0.5})
			if err != nil {
				t.Fatal(err)
			}
			confidence, lift := 0.0, 0.0
			for _, r := range rules {
				confidence += r.Confidence
				lift += r.Lift
			}
			if len(rules) != tt.rules {
				t.Errorf("%d rules, want %d", len(rules), tt.rules)
			}
			if tt.liftSum > 0 {
				if math.Abs(confidence-tt.confidenceSum) > 1e-8 || math.Abs(lift-tt.liftSum) > 1e-8 {
					t.Errorf("confidences add up to %.9f and lifts to %.9f, want %.9f and %.9f", confidence, lift, tt.confidenceSum, tt.liftSum)
				}
				// One-item consequents are the rules Borgelt's programs and R's arules give.
				if single := mustRules(t, s, RuleOptions{MinConfidence: 0.5, MaxConsequent: 1}); len(single) != 313 {
					t.Errorf("%d rules with one item on the right, want 313", len(single))
				}
				top := rules[0]
				if top.Count != 202 || top.AntecedentCount+top.ConsequentCount != 270+224 || math.Abs(top.Lift-61.895899) > 1e-6 {
					t.Errorf("the rule with the greatest lift is %+v", top)
				}
			}
		})
	}
}
