package apriori

import (
	"cmp"
	"math/bits"
	"slices"
)

// found is what one worker found, in the order it did: sizes[n-1] are its sets of n items, as ranks in any order.
type found struct {
	sizes []sets
}

// sets are sets of one size, set after set.
type sets struct {
	ranks []int32
	count []uint32
}

// add appends the set of prefix and last.
func (f *found) add(prefix []int32, last int32, count uint32) {
	for len(f.sizes) <= len(prefix) {
		f.sizes = append(f.sizes, sets{})
	}
	s := &f.sizes[len(prefix)]
	s.ranks = append(append(s.ranks, prefix...), last)
	s.count = append(s.count, count)
}

// collect sorts what the workers found into levels, one level a worker at a time.
func (f *frequent) collect(all []found, workers int) *Itemsets {
	s := &Itemsets{Baskets: f.baskets}
	most := 0
	for _, one := range all {
		most = max(most, len(one.sizes))
	}
	ordered := slices.Clone(f.item) // frequent items in order
	slices.Sort(ordered)
	place := make([]int32, len(f.item)) // of a rank's item in ordered
	for rank, item := range f.item {
		at, _ := slices.BinarySearch(ordered, item)
		place[rank] = int32(at)
	}
	s.levels = make([]level, most)
	each(workers, most, func(i int) {
		var parts []sets
		for _, one := range all {
			if i < len(one.sizes) {
				parts = append(parts, one.sizes[i])
			}
		}
		s.levels[i] = sortSets(i+1, parts, place)
		items := s.levels[i].items
		for j, at := range items {
			items[j] = ordered[at]
		}
	})
	return s
}

// keyed is a set by its first items, packed into a word that compares as they do, and where it is.
type keyed struct {
	key uint64
	at  uint32
}

// sortSets makes a level of sets of one size. Its items are places.
func sortSets(size int, parts []sets, place []int32) level {
	n := 0
	for _, part := range parts {
		n += len(part.count)
	}
	flat, counts := make([]int32, 0, n*size), make([]uint32, 0, n)
	for _, part := range parts {
		for _, rank := range part.ranks {
			flat = append(flat, place[rank])
		}
		counts = append(counts, part.count...)
	}
	width := max(1, bits.Len(uint(len(place)-1))) // of a place, in bits
	packed := min(size, 64/width)
	keys := make([]keyed, n)
	for i := range keys {
		set := flat[i*size : (i+1)*size]
		for j := 1; j < size; j++ { // most sets are short: insertion beats a call of a sort
			for k := j; k > 0 && set[k-1] > set[k]; k-- {
				set[k-1], set[k] = set[k], set[k-1]
			}
		}
		key := uint64(0)
		for _, at := range set[:packed] {
			key = key<<width | uint64(at)
		}
		keys[i] = keyed{key, uint32(i)}
	}
	keys = radixSort(keys, packed*width)
	set := func(k keyed) []int32 { return flat[int(k.at)*size : (int(k.at)+1)*size] }
	if packed < size {
		for first := 0; first < n; {
			last := first + 1
			for last < n && keys[last].key == keys[first].key {
				last++
			}
			slices.SortFunc(keys[first:last], func(a, b keyed) int { return slices.Compare(set(a), set(b)) })
			first = last
		}
	}
	l := level{size: size, items: make([]int32, 0, n*size), count: make([]int64, n)}
	for i, k := range keys {
		l.items = append(l.items, set(k)...)
		l.count[i] = int64(counts[k.at])
	}
	return l
}

// radixSort sorts by the lowest bits of the keys, a byte at a time. The result may be in other memory.
func radixSort(keys []keyed, width int) []keyed {
	if len(keys) < 256 {
		slices.SortFunc(keys, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
		return keys
	}
	other := make([]keyed, len(keys))
	for shift := 0; shift < width; shift += 8 {
		var next [257]int
		for _, k := range keys {
			next[k.key>>shift&255+1]++
		}
		for i := range 256 {
			next[i+1] += next[i]
		}
		for _, k := range keys {
			d := k.key >> shift & 255
			other[next[d]] = k
			next[d]++
		}
		keys, other = other, keys
	}
	return keys
}
