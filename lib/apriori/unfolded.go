package apriori

// rankedBaskets rewrites baskets in ranks, folded where that pays: the more baskets there are for each frequent item, the
// more of them begin with the same ranks. Below some dozens an item, finding that out costs more than it saves.
func rankedBaskets[R rank](b *Baskets, f *frequent, workers int) *ranked[R] {
	if b.Len() < 64*len(f.item) {
		return unfolded[R](b, f, workers)
	}
	return rewrite[R](b, f, workers)
}

// unfolded makes the ranked baskets with a node for each line. Cost: three passes over the lines, no comparison of baskets.
func unfolded[R rank](b *Baskets, f *frequent, workers int) *ranked[R] {
	cuts := cut(b.starts, max(chunkLines/2, 4*len(f.item))) // a chunk has a number for each item
	r := &ranked[R]{frequent: f, flat: make([]R, len(b.item)), chunks: make([]chunk[R], len(cuts)-1)}
	each(workers, len(r.chunks), func(i int) {
		r.chunks[i] = r.unfoldedChunk(b, cuts[i], cuts[i+1])
	})
	return r
}

// unfoldedChunk writes baskets to flat, from where the first one's items begin, and makes their nodes. Going through the
// ranks from the greatest, and for each through its baskets, puts the ranks of every basket in order.
func (r *ranked[R]) unfoldedChunk(b *Baskets, first, last int) chunk[R] {
	ends := make([]uint32, len(r.item)+1) // at rank+1: at first, where its next node goes; at 0, of what is not frequent
	for _, item := range b.item[b.starts[first]:b.starts[last]] {
		ends[r.rank[item]+1]++
	}
	sum := uint32(0)
	for at := len(r.item); at >= 0; at-- {
		n := ends[at]
		ends[at], sum = sum, sum+n
	}
	nodes := make([]node[R], int(ends[0])+1) // the last one takes what is not frequent
	type way struct{ begin, next uint32 }    // where a basket begins, and how far it is written
	ways := make([]way, last-first)
	next := uint32(b.starts[first])
	for i := range ways {
		ways[i] = way{next, next}
		for _, item := range b.Basket(first + i) {
			rank := r.rank[item]
			to := &ends[rank+1]
			nodes[*to].end = uint32(i)   // its basket, for now
			step := uint32(1 + rank>>31) // 0 when not frequent: no branch, no wrong guess
			*to, next = *to+step, next+step
		}
	}
	from := uint32(0)
	for rank := len(r.item) - 1; rank >= 0; rank-- {
		of := nodes[from:ends[rank+1]]
		for i := range of {
			w := &ways[of[i].end]
			r.flat[w.next] = R(rank)
			of[i] = node[R]{w.next, R(w.next - w.begin), 1}
			w.next++
		}
		from = ends[rank+1]
	}
	copy(ends, ends[1:])
	ends[len(r.item)] = 0
	return chunk[R]{nodes, ends}
}
