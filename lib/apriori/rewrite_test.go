package apriori

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// manyBaskets are so many that they are folded in several chunks; most are equal to others, and one comes more often than
// a node counts.
func manyBaskets(t testing.TB) *Baskets {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	var basket, item []int32
	const n, items = 150_000, 12
	for i := range int32(n) {
		if i%2 == 0 { // 75,000, beyond 16 bits
			basket, item = append(basket, i, i, i), append(item, 9, 2, 5)
			continue
		}
		for x := range int32(items) {
			if rng.IntN(int(x)+2) == 0 {
				basket, item = append(basket, i), append(item, x)
			}
		}
	}
	b, err := FromPairs(basket, item, n, items)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFoldedBasketsCountAsMany(t *testing.T) {
	t.Parallel()
	b := manyBaskets(t)
	o := Options{MinSupport: 0.001, Workers: 3}
	f := frequentItems(b, MinCount(o.MinSupport, b.Len()))
	r := rewrite[uint16](b, f, o.Workers)
	nodes := 0
	for _, c := range r.chunks {
		nodes += len(c.nodes)
	}
	if len(r.chunks) < 3 || nodes > len(r.flat)/5 {
		t.Errorf("%d lines are %d nodes in %d chunks: the case is too easy", len(r.flat), nodes, len(r.chunks))
	}
	want := dump(f.mineByMask(b, 12))
	if n := strings.Count(want, "\n"); n < 200 {
		t.Fatalf("%d sets: the case is too easy", n)
	}
	if diff := cmp.Diff(want, dump(byClass[uint16](t, b, o))); diff != "" {
		t.Errorf("(-by mask +by class):\n%s", diff)
	}
	if diff := cmp.Diff(want, dump(byClass[uint32](t, b, o))); diff != "" {
		t.Errorf("wide ranks (-by mask +by class):\n%s", diff)
	}
}

// However pairs are ordered, a basket holds its items in order, once each.
func TestFromPairsInAnyOrder(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(13, 14))
	for _, size := range []struct{ baskets, items, pairs int }{
		{1, 1, 0}, {1, 1, 3}, {5, 3, 0}, {7, 4, 2}, {50, 1000, 300}, {40_000, 30, 180_000}, {3, 100_000, 300_000},
	} {
		basket, item := make([]int32, size.pairs), make([]int32, size.pairs)
		for i := range basket {
			basket[i], item[i] = int32(rng.IntN(size.baskets)), int32(rng.IntN(size.items))
		}
		want := make([][]int32, size.baskets)
		for i, at := range basket {
			want[at] = append(want[at], item[i])
		}
		for i := range want {
			slices.Sort(want[i])
			want[i] = slices.Compact(want[i])
		}
		check := func(order string) {
			b, err := FromPairs(basket, item, size.baskets, size.items)
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for i := range want {
				if !slices.Equal(b.Basket(i), want[i]) {
					t.Fatalf("%+v, %s: basket %d is %v, want %v", size, order, i, b.Basket(i), want[i])
				}
				lines += len(want[i])
			}
			if b.Len() != size.baskets || len(b.item) != lines {
				t.Errorf("%+v, %s: %d baskets and %d lines, want %d", size, order, b.Len(), len(b.item), lines)
			}
		}
		check("any order")
		byBasket := make([]int, size.pairs)
		for i := range byBasket {
			byBasket[i] = i
		}
		slices.SortStableFunc(byBasket, func(a, b int) int { return int(basket[a]) - int(basket[b]) })
		sorted, its := make([]int32, size.pairs), make([]int32, size.pairs)
		for i, at := range byBasket {
			sorted[i], its[i] = basket[at], item[at]
		}
		basket, item = sorted, its
		check("order of the baskets")
	}
}
