package apriori

// chunkLines is about how many lines of baskets are sorted or folded at once: what belongs to them stays in the second cache.
const chunkLines = 1 << 17

// rewrite makes the ranked baskets: it brings those with the same greatest rank together, which are all that can share a
// prefix, and folds chunk by chunk. Cost: some passes over the lines, no comparison of baskets.
func rewrite[R rank](b *Baskets, f *frequent, workers int) *ranked[R] {
	r := &ranked[R]{frequent: f}
	starts := r.group(b, workers)
	cuts := cut(starts, max(chunkLines, 4*len(f.item))) // a chunk has a number for each item
	r.chunks = make([]chunk[R], len(cuts)-1)
	folders := make(chan *folder[R], workers) // their memory is used again
	for range workers {
		folders <- &folder[R]{}
	}
	each(workers, len(r.chunks), func(i int) {
		fold := <-folders
		r.chunks[i] = fold.chunk(r, starts[cuts[i]:cuts[i+1]+1])
		folders <- fold
	})
	return r
}

// group writes the baskets that hold a frequent item to flat, in ranks, those of one greatest rank together, and returns
// where each begins and the last one ends.
func (r *ranked[R]) group(b *Baskets, workers int) (starts []uint32) {
	parts := parts(b.Len(), min(workers, len(b.item)/(4*len(r.item)+1))) // a part has two numbers for each item
	ranks := make([]R, len(b.item))                                      // a part's lines from where its baskets begin, without gaps
	sizes := make([]uint32, b.Len())                                     // of each basket in ranks
	top := make([]R, b.Len())                                            // its greatest
	type tally struct{ baskets, lines uint32 }
	tallies := make([][]tally, parts.n) // by part and greatest rank; then where the next one goes
	each(workers, parts.n, func(part int) {
		tally := make([]tally, len(r.item))
		next := b.starts[parts.first(part)]
		for i := parts.first(part); i < parts.first(part+1); i++ {
			begin, greatest := next, int32(-1)
			for _, item := range b.Basket(i) {
				at := r.rank[item]
				ranks[next] = R(at)
				next += 1 + int(at>>31) // an item that is not frequent is written over: no branch, no wrong guess
				greatest = max(greatest, at)
			}
			if size := uint32(next - begin); size > 0 {
				sizes[i], top[i] = size, R(greatest)
				tally[greatest].baskets++
				tally[greatest].lines += size
			}
		}
		tallies[part] = tally
	})
	baskets, lines := uint32(0), uint32(0)
	for rank := range r.item {
		for _, tally := range tallies {
			n := tally[rank]
			tally[rank].baskets, tally[rank].lines = baskets, lines
			baskets, lines = baskets+n.baskets, lines+n.lines
		}
	}
	r.flat, starts = make([]R, lines), make([]uint32, baskets+1)
	starts[baskets] = lines
	each(workers, parts.n, func(part int) {
		next := b.starts[parts.first(part)]
		for i := parts.first(part); i < parts.first(part+1); i++ {
			if size := sizes[i]; size > 0 {
				to := &tallies[part][top[i]]
				copy(r.flat[to.lines:], ranks[next:next+int(size)])
				starts[to.baskets] = to.lines
				to.baskets, to.lines, next = to.baskets+1, to.lines+size, next+int(size)
			}
		}
	})
	return starts
}

// cut gives the baskets at which chunks of about so many lines begin, and the number of baskets.
func cut[T int | uint32](starts []T, lines int) []int {
	cuts, begin := []int{0}, starts[0]
	for i, from := range starts[:len(starts)-1] {
		if int(from-begin) >= lines {
			cuts, begin = append(cuts, i), from
		}
	}
	return append(cuts, len(starts)-1)
}

// folder makes the tree of a chunk. Going through the ranks from the greatest, and for each through its baskets, puts the
// ranks of every basket in order and finds its way down the tree, without comparing any.
type folder[R rank] struct {
	held  []uint32   // the baskets of each rank, one rank after the other
	ways  []way      // by basket
	nodes []node[R]  // the root first
	last  []child[R] // by node
}

// way is how far a basket is written, and the node that stands for it so far.
type way struct{ next, node uint32 }

// child is the last one a node got: there is none of a rank when its rank is another.
type child[R rank] struct {
	rank R
	node uint32
}

// chunk folds the baskets that begin at starts; the last of these is where they end.
func (f *folder[R]) chunk(r *ranked[R], starts []uint32) chunk[R] {
	lines, baskets := r.flat[starts[0]:starts[len(starts)-1]], len(starts)-1
	ends := make([]uint32, len(r.item)+1) // at first, of each rank's baskets in held
	for _, rank := range lines {
		ends[rank]++
	}
	sum := uint32(0)
	for rank := len(r.item) - 1; rank >= 0; rank-- {
		n := ends[rank]
		ends[rank], sum = sum, sum+n
	}
	f.held = resize(f.held, len(lines))
	f.ways = resize(f.ways, baskets)
	for i, from := range starts[:baskets] {
		f.ways[i] = way{next: from}
		for _, rank := range r.flat[from:starts[i+1]] {
			f.held[ends[rank]] = uint32(i)
			ends[rank]++
		}
	}
	none := ^R(0)
	f.nodes, f.last = resize(f.nodes, len(lines)+1), resize(f.last, len(lines)+1)
	nodes, from := f.nodes, uint32(0)
	nodes[0], f.last[0] = node[R]{before: none}, child[R]{rank: none}
	count := uint32(1)
	for rank := len(r.item) - 1; rank >= 0; rank-- {
		for _, basket := range f.held[from:ends[rank]] {
			w := &f.ways[basket]
			last := &f.last[w.node]
			if last.rank == R(rank) && nodes[last.node].baskets < none {
				nodes[last.node].baskets++
			} else {
				*last = child[R]{R(rank), count}
				nodes[count] = node[R]{w.next, nodes[w.node].before + 1, 1}
				f.last[count] = child[R]{rank: none}
				count++
			}
			r.flat[w.next] = R(rank)
			w.next, w.node = w.next+1, last.node
		}
		from, ends[rank] = ends[rank], count-1
	}
	return chunk[R]{append([]node[R](nil), nodes[1:count]...), ends}
}

// resize gives n values of any content, in the same memory if it can.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
