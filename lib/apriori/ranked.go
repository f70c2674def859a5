package apriori

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// frequent are the items that reach the minimum count, ranked by ascending count, so that the first items of a class
// have the fewest baskets.
type frequent struct {
	minCount int64
	baskets  int
	item     []int32 // by rank
	count    []int64 // by rank
	rank     []int32 // by item; -1 = not frequent
}

func frequentItems(b *Baskets, minCount int64) *frequent {
	counts := b.counts(runtime.GOMAXPROCS(0))
	f := &frequent{minCount: minCount, baskets: b.Len(), rank: make([]int32, b.items)}
	for item, count := range counts {
		f.rank[item] = -1
		if count >= minCount {
			f.item = append(f.item, int32(item))
		}
	}
	slices.SortFunc(f.item, func(x, y int32) int { return cmp.Or(cmp.Compare(counts[x], counts[y]), cmp.Compare(x, y)) })
	for r, item := range f.item {
		f.rank[item] = int32(r)
		f.count = append(f.count, counts[item])
	}
	return f
}

// counts is how many baskets hold each item.
func (b *Baskets) counts(workers int) []int64 {
	counts := make([]int64, b.items)
	parts := parts(len(b.item), min(workers, len(b.item)/(4*b.items+1))) // a part has a number for each item
	var lock sync.Mutex
	each(workers, parts.n, func(i int) {
		part := make([]uint32, b.items) // FromPairs holds the number of lines within 32 bits
		for _, item := range b.item[parts.first(i):parts.first(i+1)] {
			part[item]++
		}
		lock.Lock()
		defer lock.Unlock()
		for item, n := range part {
			counts[item] += int64(n)
		}
	})
	return counts
}

// rank is a number that holds any rank and one number more, which ends a basket.
type rank interface{ uint16 | uint32 }

// ranked are the baskets rewritten in ranks and folded: where baskets begin with the same ranks, from the greatest down,
// these stand once, with the number of baskets. It is a tree of prefixes, cut into chunks that each have their own.
type ranked[R rank] struct {
	*frequent
	flat   []R        // baskets one after another, ranks descending in each
	chunks []chunk[R] // by parts of flat
}

// chunk is the tree over some of the baskets.
type chunk[R rank] struct {
	nodes []node[R] // by rank, the greatest first
	ends  []uint32  // by rank: its nodes are nodes[ends[rank+1]:ends[rank]]; one more, 0, for what is before the greatest
}

// of gives the nodes of a rank.
func (c *chunk[R]) of(rank R) []node[R] { return c.nodes[c.ends[rank+1]:c.ends[rank]] }

// node is where a rank stands behind the same ranks in some baskets. Those before it are flat[end-before:end], in one of
// the baskets.
type node[R rank] struct {
	end     uint32 // FromPairs holds flat's length within 32 bits
	before  R
	baskets R // when there are more than R holds, another node goes on counting
}

// part are equal parts of n things, none of them very small.
type part struct{ things, n int }

func parts(things, workers int) part { return part{things, max(1, min(4*workers, things/1024))} }

// first is the first thing of part i.
func (p part) first(i int) int { return int(int64(p.things) * int64(i) / int64(p.n)) }

// each calls fn for 0 to n-1, up to workers of them at once.
func each(workers, n int, fn func(i int)) {
	if workers <= 1 || n <= 1 {
		for i := range n {
			fn(i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(workers, n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				fn(i)
			}
		})
	}
	group.Wait()
}
