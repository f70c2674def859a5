package kmeans

import (
	"cmp"
	"slices"
)

// space is what Lloyd's algorithm works on: all points, the tree over them, or its cells as heavy points.
type space interface {
	// assign adds each point to the tally of its nearest center, of equally near ones the lowest.
	assign(centers []float64, into *tally, workers int)
	// farthest are the m points farthest from their centers, the farthest first, of equally far ones the first.
	farthest(centers []float64, m int) []far
	// inertia is the sum of squared distances to the nearest centers.
	inertia(centers []float64, workers int) float64
}

// far is a point far from its center.
type far struct {
	index    int // of the point in the input
	place    int // of the point in its space
	label    int // of its center
	distance float64
	sum      []fixed // its coordinates, as they are in the tally
	count    int64   // 1, or the points of a cell
}

// fitted is where one start has led.
type fitted struct {
	centers    []float64
	iterations int
	converged  bool
}

// lloyd iterates from the given centers, which it overwrites, until their squared shift is at most the tolerance. Labels
// that are as before give sums as before, so scikit-learn's other reason to stop, equal labels, is a shift of 0.
func lloyd(s space, d int, g grid, centers []float64, tolerance float64, most, workers int) fitted {
	t := newTally(len(centers)/d, d)
	next := make([]float64, len(centers))
	for i := 1; ; i++ {
		t.clear()
		s.assign(centers, t, workers)
		refill(s, centers, t)
		t.means(g, centers, next)
		shift := distance(next, centers)
		centers, next = next, centers
		if shift <= tolerance || i == most {
			return fitted{centers: centers, iterations: i, converged: shift <= tolerance}
		}
	}
}

// refill gives each empty cluster the point farthest from its center, and takes it from the cluster it was in. When every
// point sits on its center there are fewer distinct points than clusters and nothing is done.
func refill(s space, centers []float64, t *tally) {
	var empty []int
	for j, n := range t.count {
		if n == 0 {
			empty = append(empty, j)
		}
	}
	if len(empty) == 0 {
		return
	}
	for i, p := range s.farthest(centers, len(empty)) {
		if p.distance == 0 {
			return
		}
		j := empty[i]
		for f, v := range p.sum {
			t.sum[p.label*t.d+f].minus(v)
			t.sum[j*t.d+f].plus(v)
		}
		t.count[p.label] -= p.count
		t.count[j] += p.count
	}
}

// farther keeps the m farthest points that are offered, the farthest first.
type farther struct {
	m    int
	kept []far
}

func (f *farther) offer(index, place, label int, distance float64) {
	if len(f.kept) == f.m && distance < f.kept[f.m-1].distance {
		return
	}
	p := far{index: index, place: place, label: label, distance: distance}
	at, _ := slices.BinarySearchFunc(f.kept, p, func(a, b far) int {
		return cmp.Or(cmp.Compare(b.distance, a.distance), cmp.Compare(a.index, b.index))
	})
	f.kept = slices.Insert(f.kept, at, p)
	f.kept = f.kept[:min(len(f.kept), f.m)]
}
