package apriori

import (
	"math/bits"
	"slices"
)

// fewItems tells whether mining by mask is cheaper. A counter for each of the 2^n masks, and n additions to each, have to
// be few beside the lines that are read anyhow; 2^20 counters are 8 MB.
func (f *frequent) fewItems(lines int) bool {
	n := len(f.item)
	return n <= 10 || n <= 20 && n<<n <= 4*lines
}

// mineByMask counts baskets by the set of frequent items they hold and sums each mask over its supersets.
func (f *frequent) mineByMask(b *Baskets, maxLen int) *Itemsets {
	ordered := slices.Clone(f.item) // bit i of a mask is ordered[i]
	slices.Sort(ordered)
	bit := make([]int, b.items)
	for i, item := range ordered {
		bit[item] = 1 << i
	}
	counts := make([]int64, 1<<len(ordered))
	for i := range b.Len() {
		mask := 0
		for _, item := range b.Basket(i) {
			mask |= bit[item]
		}
		counts[mask]++
	}
	for i := range ordered {
		for mask := range counts {
			if mask>>i&1 == 0 {
				counts[mask] += counts[mask|1<<i]
			}
		}
	}
	s := &Itemsets{Baskets: f.baskets}
	for mask := 1; mask < len(counts); mask++ {
		size := bits.OnesCount(uint(mask))
		if counts[mask] < f.minCount || size > maxLen {
			continue
		}
		for len(s.levels) < size {
			s.levels = append(s.levels, level{size: len(s.levels) + 1})
		}
		l := &s.levels[size-1]
		for rest := mask; rest != 0; rest &= rest - 1 {
			l.items = append(l.items, ordered[bits.TrailingZeros(uint(rest))])
		}
		l.count = append(l.count, counts[mask])
	}
	for i := range s.levels {
		s.levels[i].sort()
	}
	return s
}

// sort puts the sets in item order.
func (l *level) sort() {
	order := make([]int, len(l.count))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return slices.Compare(l.set(a), l.set(b)) })
	items, count := make([]int32, 0, len(l.items)), make([]int64, 0, len(l.count))
	for _, at := range order {
		items, count = append(items, l.set(at)...), append(count, l.count[at])
	}
	l.items, l.count = items, count
}
