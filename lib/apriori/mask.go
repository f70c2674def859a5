package apriori

import "math/bits"

// maskItems is how many frequent items make mining by mask cheaper: 2^20 counters are 8 MB and 20 million additions.
const maskItems = 20

// mineByMask counts baskets by the set of frequent items they hold and sums each mask over its supersets.
func (f *frequent) mineByMask(o Options) *Itemsets {
	counts := make([]int64, 1<<len(f.item))
	mask := 0
	for _, rank := range f.flat {
		if rank == end {
			counts[mask]++
			mask = 0
		} else {
			mask |= 1 << rank
		}
	}
	for i := range f.item {
		for mask := range counts {
			if mask>>i&1 == 0 {
				counts[mask] += counts[mask|1<<i]
			}
		}
	}
	var all found
	var items []int32
	for mask := 1; mask < len(counts); mask++ {
		if counts[mask] < f.minCount || bits.OnesCount(uint(mask)) > o.MaxLen {
			continue
		}
		items = items[:0]
		for rest := mask; rest != 0; rest &= rest - 1 {
			items = append(items, f.item[bits.TrailingZeros(uint(rest))])
		}
		all.add(items[:len(items)-1], items[len(items)-1], counts[mask])
	}
	return collect(f.baskets, []found{all})
}
