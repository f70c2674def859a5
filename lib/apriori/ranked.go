package apriori

import (
	"cmp"
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
	counts := make([]int64, b.items)
	for _, item := range b.item {
		counts[item]++
	}
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

// rank is a number that holds any rank and one number more, which ends a basket.
type rank interface{ uint16 | uint32 }

// ranked are the baskets rewritten in ranks, to be read by basket and by item.
type ranked[R rank] struct {
	*frequent
	flat   []R      // the baskets one after another, ranks ascending in each, each ended by the greatest R
	starts []int    // by rank: at[starts[r]:starts[r+1]] is where in flat the item stands, basket by basket
	at     []uint32 // FromPairs holds flat's length within 32 bits
}

// places of a rank in flat.
func (r *ranked[R]) places(of R) []uint32 { return r.at[r.starts[of]:r.starts[of+1]] }

// chunkLines is about how many lines of baskets are rewritten at once: what belongs to them stays in the second cache.
const chunkLines = 1 << 17

// rewrite makes the ranked baskets. Going through the items by rank, and for each through its baskets, gives the ranks
// of every basket in order without comparing any. Baskets are taken chunk by chunk, each by one worker.
func rewrite[R rank](b *Baskets, f *frequent, workers int) *ranked[R] {
	r := &ranked[R]{frequent: f, starts: make([]int, len(f.item)+1)}
	for i, count := range f.count {
		r.starts[i+1] = r.starts[i] + int(count)
	}
	lines := r.starts[len(f.item)]
	r.at, r.flat = make([]uint32, lines), make([]R, lines+b.Len())

	// A chunk keeps a counter per frequent item; few chunks hold that below the memory of the baskets.
	chunks := min(len(b.item)/max(chunkLines, 4*len(f.item))+1, b.Len())
	cuts := make([]int, chunks+1) // of baskets
	for i := range cuts {
		cuts[i] = int(int64(b.Len()) * int64(i) / int64(chunks))
	}
	counts := make([][]uint32, chunks) // by chunk and rank; then where the chunk's places of a rank begin
	each(workers, chunks, func(i int) {
		counts[i] = make([]uint32, len(f.item))
		for _, item := range b.item[b.starts[cuts[i]]:b.starts[cuts[i+1]]] {
			if at := f.rank[item]; at >= 0 {
				counts[i][at]++
			}
		}
	})
	begin := make([]int, chunks) // of each chunk in flat
	for i := range chunks {
		if i > 0 {
			begin[i] += begin[i-1] + cuts[i] - cuts[i-1]
		}
		for _, n := range counts[i] {
			if i+1 < chunks {
				begin[i+1] += int(n)
			}
		}
	}
	for at, next := range r.starts[:len(f.item)] {
		for i := range chunks {
			n := counts[i][at]
			counts[i][at] = uint32(next)
			next += int(n)
		}
	}
	each(workers, chunks, func(i int) { r.chunk(b, cuts[i], cuts[i+1], begin[i], counts[i]) })
	return r
}

// chunk rewrites the baskets from first to last into flat from begin on; next says where the places of each rank go.
func (r *ranked[R]) chunk(b *Baskets, first, last, begin int, next []uint32) {
	held := slices.Clone(next)
	put := make([]uint32, last-first) // by basket: where in flat its next rank goes
	for i := range put {
		put[i] = uint32(begin)
		for _, item := range b.Basket(first + i) {
			if at := r.rank[item]; at >= 0 {
				r.at[next[at]] = uint32(i) // the basket for now
				next[at]++
				begin++
			}
		}
		r.flat[begin] = ^R(0)
		begin++
	}
	for at := range next {
		places := r.at[held[at]:next[at]]
		for i, basket := range places {
			p := put[basket]
			put[basket] = p + 1
			r.flat[p] = R(at)
			places[i] = p
		}
	}
}

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
