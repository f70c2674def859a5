package apriori

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Options of mining.
type Options struct {
	MinSupport  float64 // share of all baskets, above 0 and at most 1
	MaxLen      int     // items in a set; 0 = no limit
	MaxItemsets int     // sets to find at most; 0 = no limit. Beyond it, only shorter sets are kept and Stopped says so
	Workers     int     // goroutines; 0 = one a processor. The result does not depend on it
}

func (o Options) check() error {
	switch {
	case !(o.MinSupport > 0 && o.MinSupport <= 1):
		return fmt.Errorf("min support is %v, it must be above 0 and at most 1", o.MinSupport)
	case o.MaxLen < 0 || o.MaxItemsets < 0:
		return fmt.Errorf("max len %d and max itemsets %d must not be negative", o.MaxLen, o.MaxItemsets)
	}
	return nil
}

// Mine finds all itemsets with at least the asked support. No baskets give no sets. It returns ctx's error when ctx ends
// first.
//
// When MaxItemsets is exceeded, sets are given up from the longest size down until the rest fits: what is returned is
// complete for the sizes it has, and so does not depend on luck.
//
// Cost: with more than 20 frequent items, the sum over them of the baskets that hold each, plus one AND over those
// baskets a candidate. Memory: 8 bytes a frequent item in a basket and, per worker, a bit per basket of one item for
// each of its partners.
func Mine(ctx context.Context, b *Baskets, o Options) (*Itemsets, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.MaxLen == 0 {
		o.MaxLen = math.MaxInt
	}
	if o.MaxItemsets == 0 {
		o.MaxItemsets = math.MaxInt
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if b.Len() == 0 {
		return &Itemsets{}, nil
	}
	f := frequentItems(b, MinCount(o.MinSupport, b.Len()))
	sets, err := f.mine(ctx, o)
	if err != nil || sets.Len() <= o.MaxItemsets {
		return sets, err
	}
	return f.mineShorter(ctx, o)
}

// mineShorter finds the greatest length up to which the sets fit o.MaxItemsets, and those sets. It goes up from single
// items: a run that was cut off for finding too many has not seen how long the sets get.
func (f *frequent) mineShorter(ctx context.Context, o Options) (*Itemsets, error) {
	limit, fits := o.MaxItemsets, &Itemsets{Baskets: f.baskets}
	for o.MaxLen = 1; ; o.MaxLen++ {
		sets, err := f.mine(ctx, o)
		if err != nil {
			return nil, err
		}
		if sets.Len() > limit {
			fits.Stopped = fmt.Sprintf("more than %d itemsets: only sets of up to %d items are kept; raise min support for longer ones",
				limit, o.MaxLen-1)
			return fits, nil
		}
		fits = sets
	}
}

// frequent are the items that reach the minimum count, ranked by ascending count, so that the first items of a class
// have the fewest baskets; and the baskets rewritten in ranks.
type frequent struct {
	minCount int64
	baskets  int
	item     []int32 // by rank
	count    []int64 // by rank

	flat     []int32 // the baskets in ranks, ascending, each ended by end
	vertical [][]int // by rank: where in flat the item stands, basket by basket
}

// end closes a basket in flat; no rank reaches it.
const end = math.MaxInt32

func frequentItems(b *Baskets, minCount int64) *frequent {
	counts := make([]int64, b.items)
	for _, item := range b.item {
		counts[item]++
	}
	f := &frequent{minCount: minCount, baskets: b.Len()}
	for item, count := range counts {
		if count >= minCount {
			f.item = append(f.item, int32(item))
		}
	}
	slices.SortFunc(f.item, func(x, y int32) int { return cmp.Or(cmp.Compare(counts[x], counts[y]), cmp.Compare(x, y)) })
	rank := make([]int32, b.items)
	for i := range rank {
		rank[i] = end
	}
	f.vertical = make([][]int, len(f.item))
	size := b.Len()
	for r, item := range f.item {
		rank[item] = int32(r)
		f.count = append(f.count, counts[item])
		f.vertical[r] = make([]int, 0, counts[item])
		size += int(counts[item])
	}
	f.flat = make([]int32, 0, size)
	for i := range b.Len() {
		at := len(f.flat)
		for _, item := range b.Basket(i) {
			if r := rank[item]; r != end {
				f.flat = append(f.flat, r)
			}
		}
		slices.Sort(f.flat[at:])
		for j, r := range f.flat[at:] {
			f.vertical[r] = append(f.vertical[r], at+j)
		}
		f.flat = append(f.flat, end)
	}
	return f
}

// mine finds the sets of at most o.MaxLen items. It gives up early, with some sets missing, only when there are already
// more than o.MaxItemsets, which the caller sees.
func (f *frequent) mine(ctx context.Context, o Options) (*Itemsets, error) {
	if len(f.item) <= maskItems {
		return f.mineByMask(o), nil
	}
	return f.mineByClass(ctx, o)
}

func (f *frequent) mineByClass(ctx context.Context, o Options) (*Itemsets, error) {
	var next, total atomic.Int64
	var group sync.WaitGroup
	miners := make([]miner, max(1, o.Workers))
	for i := range miners {
		m := &miners[i]
		*m = miner{frequent: f, maxLen: o.MaxLen, maxSets: int64(o.MaxItemsets), total: &total, partner: make([]int64, len(f.item))}
		group.Go(func() {
			// The most frequent items have the most baskets but the fewest partners after them; either end first is fine.
			for first := int(next.Add(1)) - 1; first < len(f.item); first = int(next.Add(1)) - 1 {
				if ctx.Err() != nil || total.Load() > m.maxSets {
					return
				}
				m.first(int32(first))
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	all := make([]found, len(miners))
	for i := range miners {
		all[i] = miners[i].found
	}
	return collect(f.baskets, all), nil
}
