package kmeans

import "math"

// target is a center as the tree asks for it.
type target struct {
	at   vec
	norm float64 // squared distance from the origin
}

// walker goes down the tree with the centers that can be nearest to a point of the node it is at.
type walker struct {
	tree    *tree
	centers []target
	margin  float64   // a center is only dropped when it is farther by more than rounding can hide
	open    []int32   // candidates of the nodes on the way down, level after level
	offset  []float64 // squared distance of the candidates to a node's middle, less that of the origin

	tally   *tally  // of what is assigned, or nil
	labels  []int32 // of the points by their place in the input, or nil
	summing bool    // whether the inertia is wanted
	inertia float64
}

func (t *tree) walker(centers []float64) *walker {
	k := len(centers) / 3
	w := &walker{tree: t, centers: make([]target, k), open: make([]int32, (t.depth+1)*k), offset: make([]float64, k)}
	greatest := 0.0
	for j := range w.centers {
		c := vec(centers[3*j:])
		w.centers[j] = target{c, c[0]*c[0] + c[1]*c[1] + c[2]*c[2]}
		greatest = max(greatest, w.centers[j].norm)
		w.open[j] = int32(j)
	}
	// Every term below is at most (span + farthest center)^2 and there are fewer than 40 roundings of 2^-53 each.
	reach := t.span() + math.Sqrt(greatest)
	w.margin = reach * reach * 0x1p-46
	return w
}

// visit assigns the points of node i to the nearest of the count candidates from place at on in open. Candidates stay in
// ascending order, so that the lowest of equally near ones is taken.
func (w *walker) visit(i int32, at, count int) {
	n := &w.tree.nodes[i]
	candidates, offset := w.open[at:at+count], w.offset[:count]
	best, least := 0, math.Inf(1)
	for j, c := range candidates {
		z := &w.centers[c]
		o := z.norm - 2*(z.at[0]*n.middle[0]+z.at[1]*n.middle[1]+z.at[2]*n.middle[2])
		offset[j] = o
		if o < least {
			best, least = j, o
		}
	}
	// The difference of two squared distances is linear, so over a box it is least in a corner: the difference in the
	// middle less what the way to that corner takes off.
	b := &w.centers[candidates[best]].at
	left := w.open[at+count : at+count]
	for j, c := range candidates {
		if j != best {
			z := &w.centers[c].at
			off := math.Abs(z[0]-b[0])*n.half[0] + math.Abs(z[1]-b[1])*n.half[1] + math.Abs(z[2]-b[2])*n.half[2]
			if offset[j]-least-2*off > w.margin {
				continue
			}
		}
		left = append(left, c)
	}
	switch {
	case len(left) == 1:
		w.whole(n, left[0])
	case n.point(): // one of them asked is all of them asked
		w.whole(n, w.nearest(&w.tree.items[n.first].at, left))
	case n.right != 0:
		w.visit(i+1, at+count, len(left))
		w.visit(n.right, at+count, len(left))
	default:
		w.single(n, left)
	}
}

// nearest asks in the words of [nearest3], for the same bits.
func (w *walker) nearest(p *vec, candidates []int32) int32 {
	best, least := candidates[0], math.Inf(1)
	for _, c := range candidates {
		if d := distance3(p, &w.centers[c].at); d < least {
			best, least = c, d
		}
	}
	return best
}

// whole assigns all points of a node to one center.
func (w *walker) whole(n *node, c int32) {
	if w.tally != nil {
		sum := (*[3]fixed)(w.tally.sum[3*c:])
		sum[0].plus(n.sum[0])
		sum[1].plus(n.sum[1])
		sum[2].plus(n.sum[2])
		w.tally.count[c] += int64(n.count)
	}
	if w.labels != nil {
		for i := n.first; i < n.first+n.count; i++ {
			w.labels[w.tree.items[i].index] = c
		}
	}
	if w.summing {
		mean := n.mean(w.tree.grid)
		w.inertia += n.spread + float64(float64(n.count)*distance3(&mean, &w.centers[c].at))
	}
}

// single assigns the points of a leaf one by one.
func (w *walker) single(n *node, candidates []int32) {
	items := w.tree.items[n.first : n.first+n.count]
	for i := range items {
		p := &items[i].at
		c := w.nearest(p, candidates)
		if w.tally != nil {
			sum := (*[3]fixed)(w.tally.sum[3*c:])
			sum[0].add(w.tree.grid.fix(p[0]))
			sum[1].add(w.tree.grid.fix(p[1]))
			sum[2].add(w.tree.grid.fix(p[2]))
			w.tally.count[c]++
		}
		if w.labels != nil {
			w.labels[items[i].index] = c
		}
		if w.summing {
			w.inertia += distance3(p, &w.centers[c].at)
		}
	}
}

func (t *tree) assign(centers []float64, into *tally, workers int) {
	k := len(centers) / 3
	if workers <= 1 {
		w := t.walker(centers)
		w.tally = into
		w.visit(0, 0, k)
		return
	}
	parts := tallies(into, workers)
	walkers := make([]*walker, workers)
	for i := range walkers {
		walkers[i] = t.walker(centers)
		walkers[i].tally = parts[i]
	}
	each(len(t.tasks), workers, func(worker, i int) { walkers[worker].visit(t.tasks[i], 0, k) })
	for _, p := range parts[1:] {
		into.join(p)
	}
}

func (t *tree) inertia(centers []float64, workers int) float64 {
	parts := make([]float64, len(t.tasks))
	each(len(parts), workers, func(_, i int) {
		w := t.walker(centers)
		w.summing = true
		w.visit(t.tasks[i], 0, len(w.centers))
		parts[i] = w.inertia
	})
	total := 0.0
	for _, p := range parts {
		total += p
	}
	return total
}

func (t *tree) farthest(centers []float64, m int) []far {
	f := farther{m: m}
	for i := range t.items {
		p := &t.items[i]
		label := nearest3(&p.at, centers)
		f.offer(int(p.index), i, label, distance3(&p.at, (*vec)(centers[3*label:])))
	}
	for i := range f.kept {
		p := &f.kept[i]
		p.count, p.sum = 1, make([]fixed, 3)
		for d, v := range t.items[p.place].at {
			p.sum[d].add(t.grid.fix(v))
		}
	}
	return f.kept
}

// label writes the nearest center of each point.
func (t *tree) label(centers []float64, into []int32, workers int) {
	each(len(t.tasks), workers, func(_, i int) {
		w := t.walker(centers)
		w.labels = into
		w.visit(t.tasks[i], 0, len(w.centers))
	})
}
