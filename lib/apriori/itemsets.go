package apriori

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// Itemsets are the frequent sets of some baskets, by size and then by item order.
type Itemsets struct {
	Baskets int    // number of baskets mined
	Stopped string // why longer sets are missing; empty when none are

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

// collect sorts sets found in any order into levels. Each is items then count.
func collect(baskets int, found []found) *Itemsets {
	s := &Itemsets{Baskets: baskets}
	var bySize [][]found1
	for i := range found {
		f := &found[i]
		at := 0
		for j, end := range f.ends {
			size := end - at
			for len(bySize) < size {
				bySize = append(bySize, nil)
			}
			bySize[size-1] = append(bySize[size-1], found1{f.items[at:end:end], f.counts[j]})
			at = end
		}
	}
	for size, sets := range bySize {
		slices.SortFunc(sets, func(a, b found1) int { return slices.Compare(a.items, b.items) })
		l := level{size: size + 1, items: make([]int32, 0, len(sets)*(size+1)), count: make([]int64, 0, len(sets))}
		for _, set := range sets {
			l.items = append(l.items, set.items...)
			l.count = append(l.count, set.count)
		}
		s.levels = append(s.levels, l)
	}
	return s
}

// found is what one worker found, in the order it did.
type found struct {
	items  []int32 // set after set, each ascending
	ends   []int   // where each set ends in items
	counts []int64
}

type found1 struct {
	items []int32
	count int64
}

// add appends the set of prefix and last, in any order.
func (f *found) add(prefix []int32, last int32, count int64) {
	at := len(f.items)
	f.items = append(append(f.items, prefix...), last)
	slices.SortFunc(f.items[at:], cmp.Compare)
	f.ends = append(f.ends, len(f.items))
	f.counts = append(f.counts, count)
}
