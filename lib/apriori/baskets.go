package apriori

import (
	"fmt"
	"math"
	"runtime"
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
// Cost: a counting sort by basket, which pairs in the order of their baskets do without, and a sort in each basket. The
// result holds 4 bytes a pair and 8 a basket.
func FromPairs(basket, item []int32, baskets, items int) (*Baskets, error) {
	if len(basket) != len(item) {
		return nil, fmt.Errorf("%d baskets for %d items: each pair needs both", len(basket), len(item))
	}
	if int64(len(item))+int64(baskets) > math.MaxUint32 {
		return nil, fmt.Errorf("%d pairs and %d baskets: together they must be at most %d", len(item), baskets, uint32(math.MaxUint32))
	}
	workers := runtime.GOMAXPROCS(0)
	ordered, err := checkPairs(basket, item, baskets, items, workers)
	if err != nil {
		return nil, err
	}
	b := &Baskets{items: items, starts: make([]int, baskets+1), item: make([]int32, len(item))}
	if ordered {
		b.takeOrdered(basket, item, workers)
	} else {
		b.takeAny(basket, item)
	}
	b.sort(workers)
	return b, nil
}

// checkPairs tells whether pairs stand in the order of their baskets. The first one that has no basket or item is an error.
func checkPairs(basket, item []int32, baskets, items, workers int) (ordered bool, err error) {
	parts := parts(len(basket), workers)
	wrong, falls := make([]int, parts.n), make([]bool, parts.n) // the first wrong pair of a part or where the next one begins
	each(workers, parts.n, func(i int) {
		last := int32(0)
		if from := parts.first(i); from > 0 {
			last = basket[from-1]
		}
		at := parts.first(i)
		for ; at < parts.first(i+1) && uint(uint32(basket[at])) < uint(baskets) && uint(uint32(item[at])) < uint(items); at++ {
			falls[i] = falls[i] || basket[at] < last
			last = basket[at]
		}
		wrong[i] = at
	})
	for i, at := range wrong {
		if at < parts.first(i+1) {
			return false, fmt.Errorf("pair %d is basket %d, item %d; there are %d baskets and %d items", at, basket[at], item[at], baskets, items)
		}
	}
	return !slices.Contains(falls, true), nil
}

// takeOrdered takes pairs in the order of their baskets.
func (b *Baskets) takeOrdered(basket, item []int32, workers int) {
	parts := parts(len(basket), workers)
	each(workers, parts.n, func(i int) {
		from, to := parts.first(i), parts.first(i+1)
		copy(b.item[from:to], item[from:to])
		last := int32(-1)
		if from > 0 {
			last = basket[from-1]
		}
		for at, this := range basket[from:to] {
			for ; last < this; last++ {
				b.starts[last+1] = from + at
			}
		}
	})
	last := 0
	if len(basket) > 0 {
		last = int(basket[len(basket)-1]) + 1
	}
	for at := last; at < len(b.starts); at++ {
		b.starts[at] = len(basket)
	}
}

// takeAny takes pairs in any order, by a counting sort.
func (b *Baskets) takeAny(basket, item []int32) {
	for _, at := range basket {
		b.starts[at+1]++
	}
	for at := range b.Len() {
		b.starts[at+1] += b.starts[at]
	}
	next := slices.Clone(b.starts)
	for i, at := range basket {
		b.item[next[at]] = item[i]
		next[at]++
	}
}

// sort puts the items of each basket in order, once each.
func (b *Baskets) sort(workers int) {
	cuts := cut(b.starts, max(chunkLines, 4*b.items))
	begins, ends := make([]int, len(cuts)), make([]int, len(cuts)-1) // of the chunks' lines, before and after
	for i, at := range cuts {
		begins[i] = b.starts[at]
	}
	sorters := make(chan *sorter, workers) // their memory is used again
	for range workers {
		sorters <- &sorter{}
	}
	each(workers, len(ends), func(i int) {
		s := <-sorters
		ends[i] = s.chunk(b.starts[cuts[i]:cuts[i+1]], begins[i+1], b.items, b.item)
		sorters <- s
	})
	end := 0
	for i := range ends {
		if by := begins[i] - end; by > 0 {
			for at := cuts[i]; at < cuts[i+1]; at++ {
				b.starts[at] -= by
			}
		}
		end += copy(b.item[end:], b.item[begins[i]:ends[i]])
	}
	b.starts[b.Len()] = end
	b.item = b.item[:end]
}

// sorter puts a chunk of baskets in order. Going through the items, and for each through its baskets, compares none.
type sorter struct {
	held []int32 // the baskets of each item, one item after the other
	next []int   // by item: where its next basket goes
	put  []int   // by basket: where its next item goes
}

// chunk sorts the baskets that begin at starts, the last of which ends at end, and closes the gaps that repeated items
// leave between them. It returns where the last one ends then.
func (s *sorter) chunk(starts []int, end, items int, item []int32) int {
	if len(starts) == 0 {
		return end
	}
	begin := starts[0]
	s.next, s.held, s.put = resize(s.next, items), resize(s.held, end-begin), append(s.put[:0], starts...)
	clear(s.next)
	for _, x := range item[begin:end] {
		s.next[x]++
	}
	sum := 0
	for x, n := range s.next {
		s.next[x], sum = sum, sum+n
	}
	for i, from := range starts {
		to := end
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		for _, x := range item[from:to] {
			s.held[s.next[x]] = int32(i)
			s.next[x]++
		}
	}
	from := 0
	for x, to := range s.next {
		before := int32(-1)
		for _, i := range s.held[from:to] {
			if i != before {
				item[s.put[i]] = int32(x)
				s.put[i]++
			}
			before = i
		}
		from = to
	}
	last := begin
	for i, from := range starts {
		starts[i] = last
		if from == last {
			last = s.put[i]
		} else {
			last += copy(item[last:], item[from:s.put[i]])
		}
	}
	return last
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
