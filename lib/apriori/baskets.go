package apriori

import (
	"fmt"
	"math"
	"slices"
)

// Baskets are sets of items. A basket may be empty: it counts in every support's denominator.
type Baskets struct {
	items  int
	starts []int   // basket b is item[starts[b]:starts[b+1]]
	item   []int32 // ascending in each basket, without repetition
}

// FromPairs collects baskets from (basket, item) pairs in any order; a pair that repeats counts once. Baskets are 0 to
// baskets-1 and items 0 to items-1.
//
// Cost: a counting sort by basket and a sort in each basket. The result holds 4 bytes a pair and 8 a basket.
func FromPairs(basket, item []int32, baskets, items int) (*Baskets, error) {
	if len(basket) != len(item) {
		return nil, fmt.Errorf("%d baskets for %d items: each pair needs both", len(basket), len(item))
	}
	if int64(len(item))+int64(baskets) > math.MaxUint32 {
		return nil, fmt.Errorf("%d pairs and %d baskets: together they must be at most %d", len(item), baskets, uint32(math.MaxUint32))
	}
	b := &Baskets{items: items, starts: make([]int, baskets+1), item: make([]int32, len(item))}
	for i, at := range basket {
		if at < 0 || int(at) >= baskets || item[i] < 0 || int(item[i]) >= items {
			return nil, fmt.Errorf("pair %d is basket %d, item %d; there are %d baskets and %d items", i, at, item[i], baskets, items)
		}
		b.starts[at+1]++
	}
	for at := range baskets {
		b.starts[at+1] += b.starts[at]
	}
	next := slices.Clone(b.starts)
	for i, at := range basket {
		b.item[next[at]] = item[i]
		next[at]++
	}
	end := 0
	for at := range baskets {
		one := b.item[b.starts[at]:next[at]]
		slices.Sort(one)
		one = slices.Compact(one)
		b.starts[at] = end
		end += copy(b.item[end:], one)
	}
	b.starts[baskets] = end
	b.item = b.item[:end]
	return b, nil
}

// Len is the number of baskets.
func (b *Baskets) Len() int { return len(b.starts) - 1 }

// Basket is the items of basket i, ascending; it shares memory.
func (b *Baskets) Basket(i int) []int32 { return b.item[b.starts[i]:b.starts[i+1]] }

// MinCount is the least number of baskets that reaches a support: the smallest c >= 1 with c/baskets >= support, compared
// as float64 division, which is how mlxtend decides and how a reader checks it. Comparing c with support*baskets
// instead loses sets at exact edges: 0.07*100 is more than 7.
func MinCount(support float64, baskets int) int64 {
	n := float64(baskets)
	c := max(1, int64(support*n)-2)
	for float64(c)/n < support {
		c++
	}
	return c
}
