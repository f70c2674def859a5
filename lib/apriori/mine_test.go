package apriori

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fromLists makes baskets of lists of items.
func fromLists(t testing.TB, items int, lists ...[]int32) *Baskets {
	t.Helper()
	var basket, item []int32
	for i, list := range lists {
		for _, x := range list {
			basket, item = append(basket, int32(i)), append(item, x)
		}
	}
	b, err := FromPairs(basket, item, len(lists), items)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// randomBaskets holds n baskets in which some items are far more frequent than others and some come together.
func randomBaskets(t testing.TB, rng *rand.Rand, n, items int) *Baskets {
	t.Helper()
	lists := make([][]int32, n)
	for i := range lists {
		for x := range items {
			if rng.Float64() < 0.6/float64(1+x%7) {
				lists[i] = append(lists[i], int32(x))
				if x+1 < items && rng.Float64() < 0.5 {
					lists[i] = append(lists[i], int32(x+1))
				}
			}
		}
		rng.Shuffle(len(lists[i]), func(a, b int) { lists[i][a], lists[i][b] = lists[i][b], lists[i][a] })
	}
	return fromLists(t, items, lists...)
}

// dump writes the sets one a line, in order.
func dump(s *Itemsets) string {
	var b strings.Builder
	for items, count := range s.All() {
		fmt.Fprintln(&b, items, count)
	}
	return b.String()
}

// bruteForce looks every possible set up in every basket. Items must be fewer than 20.
func bruteForce(b *Baskets, support float64, maxLen int) string {
	type set struct {
		items []int32
		count int
	}
	var sets []set
	for mask := uint(1); mask < 1<<b.items; mask++ {
		var items []int32
		for x := range b.items {
			if mask>>x&1 == 1 {
				items = append(items, int32(x))
			}
		}
		if maxLen > 0 && len(items) > maxLen {
			continue
		}
		count := 0
		for i := range b.Len() {
			basket := b.Basket(i)
			if !slices.ContainsFunc(items, func(x int32) bool { return !slices.Contains(basket, x) }) {
				count++
			}
		}
		if count > 0 && float64(count)/float64(b.Len()) >= support {
			sets = append(sets, set{items, count})
		}
	}
	slices.SortFunc(sets, func(x, y set) int {
		if len(x.items) != len(y.items) {
			return len(x.items) - len(y.items)
		}
		return slices.Compare(x.items, y.items)
	})
	var out strings.Builder
	for _, s := range sets {
		fmt.Fprintln(&out, s.items, s.count)
	}
	return out.String()
}

// byClass mines without the mask histogram, whatever the number of items.
func byClass[R rank](t *testing.T, b *Baskets, o Options) *Itemsets {
	t.Helper()
	f := frequentItems(b, MinCount(o.MinSupport, b.Len()))
	s, err := mineByClass[R](t.Context(), b, f, o.withDefaults(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustMine(t testing.TB, b *Baskets, o Options) *Itemsets {
	t.Helper()
	s, err := Mine(t.Context(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMineEqualsBruteForce(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		b := randomBaskets(t, rng, 1+rng.IntN(60), 1+rng.IntN(9))
		support := float64(1+rng.IntN(b.Len())) / float64(b.Len()) // always at the exact edge of some count
		if rng.IntN(3) == 0 {
			support = 0.05 + 0.5*rng.Float64()
		}
		o := Options{MinSupport: support, MaxLen: rng.IntN(5), Workers: 1 + rng.IntN(4)}
		want := bruteForce(b, o.MinSupport, o.MaxLen)
		byMask, err := Mine(t.Context(), b, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, dump(byMask)); diff != "" {
			t.Fatalf("%d baskets, %+v (-brute force +by mask):\n%s", b.Len(), o, diff)
		}
		if diff := cmp.Diff(want, dump(byClass[uint16](t, b, o))); diff != "" {
			t.Fatalf("%d baskets, %+v (-brute force +by class):\n%s", b.Len(), o, diff)
		}
		if diff := cmp.Diff(want, dump(byClass[uint32](t, b, o))); diff != "" {
			t.Fatalf("%d baskets, %+v (-brute force +by class, wide ranks):\n%s", b.Len(), o, diff)
		}
	}
}

// Many items go by class alone; every set's count is checked against the baskets, and every set one item larger or
// smaller against the result.
func TestMineManyItems(t *testing.T) {
	t.Parallel()
	b := randomBaskets(t, rand.New(rand.NewPCG(3, 4)), 400, 40)
	o := Options{MinSupport: 0.08, Workers: 3}
	s, err := Mine(t.Context(), b, o)
	if err != nil {
		t.Fatal(err)
	}
	if sizes := s.Sizes(); len(sizes) < 3 || sizes[0] <= 20 {
		t.Fatalf("sets by size %v: the case is too easy", sizes)
	}
	var before []int32
	for items, count := range s.All() {
		n := int64(0)
		for i := range b.Len() {
			held := 0
			for _, x := range b.Basket(i) {
				if slices.Contains(items, x) {
					held++
				}
			}
			if held == len(items) {
				n++
			}
		}
		if n != count || s.Count(items...) != n {
			t.Errorf("%v: counted %d, found %d, looked up %d", items, n, count, s.Count(items...))
		}
		for i := range items { // Apriori: each subset is frequent too
			if subset := slices.Delete(slices.Clone(items), i, i+1); len(subset) > 0 && s.Count(subset...) < count {
				t.Errorf("%v is in %d baskets, its subset %v in %d", items, count, subset, s.Count(subset...))
			}
		}
		if len(before) == len(items) && slices.Compare(before, items) >= 0 {
			t.Errorf("%v comes after %v", items, before)
		}
		before = items
	}
}

func TestResultIgnoresWorkers(t *testing.T) {
	t.Parallel()
	b := randomBaskets(t, rand.New(rand.NewPCG(5, 6)), 500, 60)
	want := ""
	for _, workers := range []int{1, 2, 7} {
		s, err := Mine(t.Context(), b, Options{MinSupport: 0.05, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		if got := dump(s); want == "" {
			want = got
		} else if got != want {
			t.Errorf("%d workers find other sets than one", workers)
		}
	}
}

func TestMinCountIsTheFirstThatReaches(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		support float64
		baskets int
		want    int64
	}{
		{0.07, 100, 7}, // 0.07*100 is 7.000000000000001
		{0.29, 100, 29},
		{1, 10, 10},
		{0.1, 10, 1},
		{0.01, 5, 1},
		{1e-9, 5, 1},
	} {
		if got := MinCount(tt.support, tt.baskets); got != tt.want {
			t.Errorf("support %v of %d baskets: %d, want %d", tt.support, tt.baskets, got, tt.want)
		}
	}
	for n := 1; n < 400; n++ {
		for c := 1; c <= n; c++ {
			if got := MinCount(float64(c)/float64(n), n); got != int64(c) {
				t.Fatalf("support %d/%d: %d", c, n, got)
			}
		}
	}
}

func TestMaxItemsetsKeepsWholeSizes(t *testing.T) {
	t.Parallel()
	for _, items := range []int{10, 40} { // by mask, by class
		b := randomBaskets(t, rand.New(rand.NewPCG(7, 8)), 300, items)
		all, err := Mine(t.Context(), b, Options{MinSupport: 0.05})
		if err != nil {
			t.Fatal(err)
		}
		sizes := all.Sizes()
		for limit := sizes[0] - 1; limit <= all.Len(); limit += 1 + all.Len()/20 {
			s, err := Mine(t.Context(), b, Options{MinSupport: 0.05, MaxItemsets: limit})
			if err != nil {
				t.Fatal(err)
			}
			want, n := 0, 0
			for want < len(sizes) && n+sizes[want] <= limit {
				n += sizes[want]
				want++
			}
			if got := s.Sizes(); !slices.Equal(got, sizes[:want]) {
				t.Errorf("limit %d: sets by size %v, want %v", limit, got, sizes[:want])
			}
			if cut := want < len(sizes); cut != (s.Stopped != "") {
				t.Errorf("limit %d: stopped %q, cut %v", limit, s.Stopped, cut)
			}
		}
	}
}

func TestMineSmallInputs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		baskets *Baskets
		want    string
	}{
		{"no_baskets", fromLists(t, 3), ""},
		{"empty_baskets", fromLists(t, 3, nil, nil), ""},
		{"one_basket", fromLists(t, 3, []int32{2, 0}), "[0] 1\n[2] 1\n[0 2] 1\n"},
		{"repeats_count_once", fromLists(t, 3, []int32{1, 1, 1}, nil), "[1] 1\n"},
		{"empty_baskets_count", fromLists(t, 1, []int32{0}, nil, nil, nil), ""},
	} {
		s, err := Mine(t.Context(), tt.baskets, Options{MinSupport: 0.5})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if diff := cmp.Diff(tt.want, dump(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestMineRefuses(t *testing.T) {
	t.Parallel()
	b := fromLists(t, 1, []int32{0})
	for _, o := range []Options{{}, {MinSupport: -0.1}, {MinSupport: 1.01}, {MinSupport: math.NaN()}, {MinSupport: 0.1, MaxLen: -1}} {
		if _, err := Mine(t.Context(), b, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	if _, err := FromPairs([]int32{0, 1}, []int32{0, 5}, 2, 5); err == nil {
		t.Error("item 5 of 5: no error")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	many := randomBaskets(t, rand.New(rand.NewPCG(9, 9)), 50, 60)
	if _, err := Mine(ctx, many, Options{MinSupport: 0.05}); !errors.Is(err, enough) {
		t.Errorf("after its context ended, Mine returned %v", err)
	}
}

func BenchmarkMine(b *testing.B) {
	for _, items := range []int{6, 200} {
		baskets := randomBaskets(b, rand.New(rand.NewPCG(1, 1)), 10_000, items)
		b.Run(fmt.Sprintf("baskets=10000/items=%d", items), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Mine(b.Context(), baskets, Options{MinSupport: 0.1, MaxLen: 3}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
