package apriori

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// exactTail adds the upper tail of the hypergeometric distribution up in whole numbers.
func exactTail(both, a, c, n int64) float64 {
	sum, ways := new(big.Int), new(big.Int)
	for x := max(both, a+c-n, 0); x <= min(a, c); x++ {
		ways.Mul(new(big.Int).Binomial(c, x), new(big.Int).Binomial(n-c, a-x))
		sum.Add(sum, ways)
	}
	p, _ := new(big.Rat).SetFrac(sum, new(big.Int).Binomial(n, a)).Float64()
	return p
}

func TestFisherEqualsWholeNumbers(t *testing.T) {
	t.Parallel()
	compare := func(both, a, c, n int64) {
		t.Helper()
		got, want := fisher(both, a, c, n), exactTail(both, a, c, n)
		if !(math.Abs(got-want) <= 1e-11*want) {
			t.Errorf("%d common of %d and %d among %d: %v, exactly %v", both, a, c, n, got, want)
		}
	}
	for n := int64(1); n <= 9; n++ { // every table there is
		for a := int64(1); a <= n; a++ {
			for c := int64(1); c <= n; c++ {
				for both := max(0, a+c-n); both <= min(a, c); both++ {
					compare(both, a, c, n)
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		n := 2 + rng.Int64N(400)
		a, c := 1+rng.Int64N(n), 1+rng.Int64N(n)
		low, high := max(0, a+c-n), min(a, c)
		compare(low+rng.Int64N(high-low+1), a, c, n)
	}
	for _, tt := range [][4]int64{{202, 270, 224, 18532}, {40, 300, 2000, 18532}, {3, 300, 2000, 18532}, {900, 1800, 2000, 4338}} {
		compare(tt[0], tt[1], tt[2], tt[3])
	}
}

func TestFisherOfManyBaskets(t *testing.T) {
	t.Parallel()
	// Ten million baskets, a tenth of them with each side: the count is normal with mean 100,000 and this deviation.
	const n, a, c = 10_000_000, 1_000_000, 1_000_000
	deviation := math.Sqrt(a * (c / 1e7) * (1 - c/1e7) * (n - a) / (n - 1))
	for _, away := range []float64{-40, -3, 0, 1, 3, 5} {
		x := math.Round(100_000 + away*deviation)
		normal := 0.5 * math.Erfc((x-0.5-100_000)/deviation/math.Sqrt2)
		if got := fisher(int64(x), a, c, n); math.Abs(got-normal) > 0.06*normal {
			t.Errorf("%v deviations above the mean: %v, a normal number gives %v", away, got, normal)
		}
	}
	if got := fisher(1_000_000, a, c, n); got != 0 {
		t.Errorf("all common: %v, which is below any float64", got)
	}
}

// The figures are the Wilson intervals Newcombe gives in "Two-sided confidence intervals for the single proportion",
// Statistics in Medicine 17, 1998, table I, method 3.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k, n      int64
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{20, 20, 1 - 0.1611, 1},
	} {
		low, high := wilson(tt.k, tt.n, quantile(0.95))
		if math.Abs(low-tt.low) > 5e-5 || math.Abs(high-tt.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", tt.k, tt.n, low, high, tt.low, tt.high)
		}
	}
}

func TestDiscoveriesByHand(t *testing.T) {
	t.Parallel()
	rules := []Rule{{P: 0.04}, {P: 0.001}, {P: 0.5}, {P: 0.008}, {P: 0.041}}
	discoveries(rules, 8)
	// Ranks 1 to 5 are .001, .008, .04, .041, .5: times 8 and by rank .008, .032, .1067, .082, .8.
	want := []float64{0.082, 0.008, 0.8, 0.032, 0.082}
	for i, r := range rules {
		if math.Abs(r.Q-want[i]) > 1e-15 {
			t.Errorf("p %v: q %v, want %v", r.P, r.Q, want[i])
		}
	}
}

// Items that are bought without regard to each other give many rules with enough support and confidence. Of these none
// is taken for true; and where two of the items do go together, at most one in twenty of what is kept does not name both.
func TestDiscoveriesLeaveLuckOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		together := seed%2 == 1
		rng := rand.New(rand.NewPCG(seed, 7))
		lists := make([][]int32, 600)
		for i := range lists {
			for x := range int32(30) {
				if rng.IntN(8) == 0 {
					lists[i] = append(lists[i], x)
				}
			}
			if together && rng.IntN(12) == 0 {
				lists[i] = append(lists[i], 30, 31)
			}
		}
		sets := mustMine(t, fromLists(t, 32, lists...), Options{MinSupport: 0.005, MaxLen: 3})
		all := mustRules(t, sets, RuleOptions{MinConfidence: 0.15, MaxConsequent: 1})
		kept := mustRules(t, sets, RuleOptions{MinConfidence: 0.15, MaxConsequent: 1, MaxFDR: 0.05})
		luck := 0
		for _, r := range kept {
			if both := append(slices.Clone(r.Antecedent), r.Consequent...); !slices.Contains(both, 30) || !slices.Contains(both, 31) {
				luck++
			}
		}
		if len(all) < 200 || together != (len(kept) > 0) || 20*luck > len(kept) {
			t.Errorf("seed %d: %d rules, %d kept, %d of them luck", seed, len(all), len(kept), luck)
		}
	}
}

func mustRules(t testing.TB, s *Itemsets, o RuleOptions) []Rule {
	t.Helper()
	rules, err := Rules(s, o)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// Which rules are redundant is found a second time by comparing every rule with every other.
func TestRedundantRulesByAllPairs(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(11, 12))
	dropped := 0
	for range 4 {
		sets := mustMine(t, randomBaskets(t, rng, 30+rng.IntN(60), 8), Options{MinSupport: 0.04})
		every := mustRules(t, sets, RuleOptions{})
		for _, o := range []RuleOptions{{}, {MinConfidence: 0.5}, {MaxConsequent: 1}, {MinCount: 5}} {
			want := slices.DeleteFunc(mustRules(t, sets, o), func(r Rule) bool {
				return slices.ContainsFunc(every, func(short Rule) bool {
					part := !slices.ContainsFunc(short.Antecedent, func(x int32) bool { return !slices.Contains(r.Antecedent, x) })
					return part && len(short.Antecedent) < len(r.Antecedent) && slices.Equal(short.Consequent, r.Consequent) &&
						short.Count*r.AntecedentCount >= r.Count*short.AntecedentCount
				})
			})
			o.DropRedundant = true
			got := mustRules(t, sets, o)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%+v (-by all pairs +got):\n%s", o, diff)
			}
			dropped += len(every) - len(got)
		}
	}
	if dropped == 0 {
		t.Error("no rule was redundant: the case is too easy")
	}
}

func TestMinCountLeavesRareRulesOut(t *testing.T) {
	t.Parallel()
	sets := mustMine(t, randomBaskets(t, rand.New(rand.NewPCG(1, 3)), 80, 8), Options{MinSupport: 0.02})
	all := mustRules(t, sets, RuleOptions{MinConfidence: 0.2})
	want := slices.DeleteFunc(slices.Clone(all), func(r Rule) bool { return r.Count < 7 })
	got := mustRules(t, sets, RuleOptions{MinConfidence: 0.2, MinCount: 7})
	if len(got) == 0 || len(got) == len(all) {
		t.Fatalf("%d of %d rules: the case is too easy", len(got), len(all))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-filtered +found):\n%s", diff)
	}
}

func TestMaxRulesIsALimit(t *testing.T) {
	t.Parallel()
	sets := mustMine(t, randomBaskets(t, rand.New(rand.NewPCG(1, 3)), 80, 8), Options{MinSupport: 0.05})
	n := len(mustRules(t, sets, RuleOptions{MinConfidence: 0.2}))
	if got := len(mustRules(t, sets, RuleOptions{MinConfidence: 0.2, MaxRules: n})); got != n {
		t.Errorf("%d rules, at most %d: %d", n, n, got)
	}
	if _, err := Rules(sets, RuleOptions{MinConfidence: 0.2, MaxRules: n - 1}); err == nil || !strings.Contains(err.Error(), "raise min support") {
		t.Errorf("%d rules, at most %d: error %v", n, n-1, err)
	}
}

// A budget that is over at once leaves what takes no search: single items, and their counts are right.
func TestBudgetEndsWithAReason(t *testing.T) {
	t.Parallel()
	b := randomBaskets(t, rand.New(rand.NewPCG(3, 4)), 200, 30)
	whole := mustMine(t, b, Options{MinSupport: 0.05})
	for _, budget := range []time.Duration{1, time.Hour} {
		s := mustMine(t, b, Options{MinSupport: 0.05, Budget: budget})
		if budget == time.Hour {
			if s.Stopped != "" || dump(s) != dump(whole) {
				t.Errorf("within its budget Mine stopped: %q", s.Stopped)
			}
			continue
		}
		if want := "the time budget of 1ns was over: only sets of up to 1 items are kept"; !strings.HasPrefix(s.Stopped, want) {
			t.Errorf("stopped %q, want %q", s.Stopped, want)
		}
		if diff := cmp.Diff(dumpSizes(whole, 1), dump(s)); diff != "" {
			t.Errorf("(-whole +in budget):\n%s", diff)
		}
	}
}

// Whenever the reach falls, what is returned is complete for the sizes it has, and says so when some are missing.
func TestReachFallsAtAnyTime(t *testing.T) {
	t.Parallel()
	b := randomBaskets(t, rand.New(rand.NewPCG(5, 4)), 300, 40)
	o := Options{MinSupport: 0.04, Workers: 2}.withDefaults()
	whole := mustMine(t, b, o)
	r := rewrite[uint16](b, frequentItems(b, MinCount(o.MinSupport, b.Len())), o.Workers)
	stops := 0
	for budget := time.Microsecond; ; budget += budget / 2 {
		o.Budget = budget
		s, _, err := r.mine(t.Context(), o, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if s.Stopped == "" {
			if dump(s) != dump(whole) {
				t.Errorf("budget %v: sets are missing and nothing is said", budget)
			}
			break
		}
		stops++
		if size := len(s.levels); size > 2 || dump(s) != dumpSizes(whole, size) {
			t.Errorf("budget %v: sets of up to %d items are not complete", budget, size)
		}
	}
	if stops == 0 {
		t.Error("mining took less than a microsecond")
	}
}

func dumpSizes(s *Itemsets, most int) string {
	part := *s
	part.levels = s.levels[:most]
	return dump(&part)
}
