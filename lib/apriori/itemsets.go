package apriori

import (
	"iter"
	"slices"
	"sort"
)

// Itemsets are the frequent sets of some baskets, by size and then by item order.
type Itemsets struct {
	Baskets int    // number of baskets mined
	Stopped string // why longer sets are missing; empty when none are

	maxLen int // no longer sets were looked for
	levels []level
}

// level holds the sets of one size, flat and sorted.
type level struct {
	size  int
	items []int32 // size a set, ascending inside a set
	count []int64
}

func (l *level) set(i int) []int32 { return l.items[i*l.size : (i+1)*l.size : (i+1)*l.size] }

// Len is the number of sets of all sizes.
func (s *Itemsets) Len() int {
	n := 0
	for i := range s.levels {
		n += len(s.levels[i].count)
	}
	return n
}

// Sizes is the number of sets with 1, 2, ... items.
func (s *Itemsets) Sizes() []int {
	var sizes []int
	for i := range s.levels {
		sizes = append(sizes, len(s.levels[i].count))
	}
	return sizes
}

// All yields each set, its items ascending, with the number of baskets that hold it. The items share memory.
func (s *Itemsets) All() iter.Seq2[[]int32, int64] {
	return func(yield func([]int32, int64) bool) {
		for i := range s.levels {
			l := &s.levels[i]
			for j, count := range l.count {
				if !yield(l.set(j), count) {
					return
				}
			}
		}
	}
}

// Count is the number of baskets that hold all the items, ascending; 0 when the set is not frequent.
func (s *Itemsets) Count(items ...int32) int64 {
	if len(items) == 0 || len(items) > len(s.levels) {
		return 0
	}
	l := &s.levels[len(items)-1]
	i, found := sort.Find(len(l.count), func(i int) int { return slices.Compare(items, l.set(i)) })
	if !found {
		return 0
	}
	return l.count[i]
}

// keep gives up the longest sets until at most so many are left.
func (s *Itemsets) keep(most int) {
	left := most
	for size, l := range s.levels {
		if left -= len(l.count); left < 0 {
			s.Stopped = tooMany(most, size)
			s.levels = s.levels[:size]
			return
		}
	}
}
