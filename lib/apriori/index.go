package apriori

import "slices"

// index finds the count of an itemset by a hash of its items, in about one look.
type index struct {
	levels []level
	slots  [][]int32 // by size-1: open addressing over 2^n slots; 1 + number of the set, 0 = empty
}

func indexed(s *Itemsets) *index {
	x := &index{levels: s.levels, slots: make([][]int32, len(s.levels))}
	for i := range s.levels {
		l := &s.levels[i]
		slots := 4
		for slots < 2*len(l.count) {
			slots *= 2
		}
		x.slots[i] = make([]int32, slots)
		for j := range l.count {
			at := hash(l.set(j)) & uint64(slots-1)
			for x.slots[i][at] != 0 {
				at = (at + 1) & uint64(slots-1)
			}
			x.slots[i][at] = int32(j + 1)
		}
	}
	return x
}

func hash(items []int32) uint64 {
	h := uint64(len(items))
	for _, item := range items {
		h = (h ^ uint64(item)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h
}

// count is the number of baskets that hold all the items, ascending; 0 when the set is not frequent.
func (x *index) count(items []int32) int64 {
	if len(items) > len(x.levels) {
		return 0
	}
	l, slots := &x.levels[len(items)-1], x.slots[len(items)-1]
	for at := hash(items) & uint64(len(slots)-1); slots[at] != 0; at = (at + 1) & uint64(len(slots)-1) {
		if j := int(slots[at] - 1); slices.Equal(items, l.set(j)) {
			return l.count[j]
		}
	}
	return 0
}

// redundant tells whether a part of the antecedent gives the consequent with at least the rule's confidence.
func (x *index) redundant(r *Rule) bool {
	var left, both [maxRuleItems]int32
	for mask := uint(1); mask < 1<<len(r.Antecedent)-1; mask++ {
		part := left[:0]
		for i, item := range r.Antecedent {
			if mask>>i&1 == 1 {
				part = append(part, item)
			}
		}
		all := append(append(both[:0], part...), r.Consequent...)
		slices.Sort(all)
		// Counts are below 2^32, so that their products are exact.
		if uint64(x.count(all))*uint64(r.AntecedentCount) >= uint64(r.Count)*uint64(x.count(part)) {
			return true
		}
	}
	return false
}
