package analyticsbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tillflow/lib/apriori"
)

// shopBaskets are baskets of ten items on average, of which some belong together: each basket takes groups of five to
// eleven items, of the popular groups more often, and now and then an item by itself.
func shopBaskets(baskets, items int) (of, item []int32) {
	rng := rand.New(rand.NewPCG(seed, 3))
	popular := func(n int, skew float64) int { return int(math.Pow(rng.Float64(), skew) * float64(n)) }
	groups := make([][]int32, items/10)
	for i := range groups {
		for range 5 + rng.IntN(7) {
			if it := int32(popular(items, 1.5)); !slices.Contains(groups[i], it) {
				groups[i] = append(groups[i], it)
			}
		}
	}
	in := make([]int32, items) // the last basket that took the item, plus one
	for basket := range int32(baskets) {
		want := 1 + int(math.Round(rng.ExpFloat64()*3)) + rng.IntN(13)
		for took, tries := 0, 0; took < want && tries < 50; tries++ {
			var add []int32
			if rng.IntN(6) == 0 {
				add = []int32{int32(popular(items, 1.5))}
			} else {
				add = groups[popular(len(groups), 3)]
			}
			for _, it := range add {
				if took < want && in[it] != basket+1 && rng.Float64() < 0.96 {
					in[it] = basket + 1
					of, item, took = append(of, basket), append(item, it), took+1
				}
			}
		}
	}
	return of, item
}

// baskets mines synthetic baskets.
func (b *bench) baskets(ctx context.Context) error {
	n, items := b.of(1_000_000, 2000), b.of(5000, 100)
	of, item := shopBaskets(n, items)
	what := fmt.Sprintf("%s synthetic baskets, %s lines", count(n), count(len(of)))
	supports := []support{{0.01, Peer{}}, {0.001, Peer{}}}
	if b.Small {
		supports = []support{{0.1, Peer{}}}
	}
	return b.itemsets(ctx, what, of, item, n, items, supports)
}

// support is a share of baskets, and what was noted for it.
type support struct {
	share float64
	noted Peer
}

// itemsets mines baskets at several supports. Baskets are put together before, as they are for the peers, who are handed
// them as a matrix or as lists; what that takes of ours is said beside.
func (b *bench) itemsets(ctx context.Context, what string, of, item []int32, baskets, items int, supports []support) error {
	if err := b.write(map[string]any{"basket.i32": of, "item.i32": item}); err != nil {
		return err
	}
	begun := time.Now()
	all, err := apriori.FromPairs(of, item, baskets, items)
	if err != nil {
		return err
	}
	b.Say(fmt.Sprintf("%s: put together in %.1f ms", what, milliseconds(time.Since(begun))))
	for _, s := range supports {
		var sets *apriori.Itemsets
		err := b.measure(ctx, measure{
			name: fmt.Sprintf("itemsets, %s, %g %%", what, 100*s.share), task: "itemsets", noted: s.noted,
			args: []string{fmt.Sprint(baskets), fmt.Sprint(items), fmt.Sprint(s.share), fmt.Sprint(apriori.MinCount(s.share, baskets))},
			run: func() (err error) {
				sets, err = apriori.Mine(ctx, all, apriori.Options{MinSupport: s.share})
				return err
			},
			check: func() float64 { return float64(sets.Len()) },
			tell: func() string {
				return fmt.Sprintf("%d itemsets, by size %v", sets.Len(), sets.Sizes())
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
