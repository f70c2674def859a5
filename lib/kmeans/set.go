package kmeans

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// treeFrom is the number of points from which on a tree pays.
const treeFrom = 20_000

// Set are points made ready for fits: checked, moved to mean 0 and, when they are many and of at most three coordinates,
// sorted into a tree. It does not change, so fits of it may run at the same time.
type Set struct {
	input    Points
	mean     []float64
	variance float64 // mean over the coordinates of their population variances; the tolerance is a share of it
	grid     grid
	flat     flat  // all points, or none when there is a tree
	tree     *tree // or nil
}

// Prepare makes points ready on up to workers goroutines. It keeps x, which must not change while the set is used.
//
// Cost: one pass, and with a tree n times its depth. Memory beyond x: 8 bytes a coordinate, or 45 a point with a tree.
func Prepare(x Points, workers int) (*Set, error) { return prepare(x, workers, treeFrom) }

func prepare(x Points, workers, treeFrom int) (*Set, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	n := x.Len()
	if n == 0 {
		return nil, fmt.Errorf("no points to group")
	}
	s := &Set{input: x, mean: x.mean()}
	greatest := 0.0
	scatter := func() { // of the points around their mean
		for i := 0; i < len(x.X); i += x.D {
			for j, v := range x.X[i : i+x.D] {
				d := v - s.mean[j]
				s.variance += float64(d * d)
				greatest = max(greatest, math.Abs(d))
			}
		}
		s.variance /= float64(len(x.X))
	}
	if n >= treeFrom && n <= math.MaxInt32 && x.D <= 3 {
		var items []item
		var low, high vec
		each(2, workers, func(_, half int) { // neither needs the other
			if half == 0 {
				items, low, high = s.items()
			} else {
				scatter()
			}
		})
		s.grid = newGrid(greatest)
		s.tree = newTree(items, low, high, s.grid, workers)
		return s, nil
	}
	scatter()
	s.grid = newGrid(greatest)
	moved := Points{D: x.D, X: make([]float64, len(x.X))}
	for i := range n {
		for j, v := range x.At(i) {
			moved.X[i*x.D+j] = v - s.mean[j]
		}
	}
	s.flat = flat{moved, s.grid}
	return s, nil
}

// mean is the mean of each coordinate, its sum made from the first point on.
func (p Points) mean() []float64 {
	sum := make([]float64, p.D)
	if p.D == 3 { // the common case; the sums stay in registers
		var x, y, z float64
		for i := 0; i+2 < len(p.X); i += 3 {
			x, y, z = x+p.X[i], y+p.X[i+1], z+p.X[i+2]
		}
		copy(sum, []float64{x, y, z})
	} else {
		for i := 0; i < len(p.X); i += p.D {
			for j, v := range p.X[i : i+p.D] {
				sum[j] += v
			}
		}
	}
	for j := range sum {
		sum[j] /= float64(p.Len())
	}
	return sum
}

// items are the points moved to mean 0, and their box.
func (s *Set) items() (items []item, low, high vec) {
	items = make([]item, s.input.Len())
	for i := range items {
		items[i].index = int32(i)
		for j, v := range s.input.At(i) {
			items[i].at[j] = v - s.mean[j]
		}
	}
	low, high = bounds(items)
	return items, low, high
}

// space are the points for a fit, and their number of coordinates there.
func (s *Set) space() (space, int) {
	if s.tree != nil {
		return s.tree, 3
	}
	return s.flat, s.flat.D
}

// inside moves centers to the coordinates of the space.
func (s *Set) inside(centers Points) []float64 {
	_, d := s.space()
	moved := make([]float64, centers.Len()*d)
	for i := range centers.Len() {
		for j, v := range centers.At(i) {
			moved[i*d+j] = v - s.mean[j]
		}
	}
	return moved
}

// Fit groups the points into o.K clusters from o.Starts starts and keeps the one with the lowest inertia; of equal ones,
// the first. Fewer distinct points than clusters leave some clusters empty.
//
// The best of the starts is then bettered by two swaps a start: a center moves elsewhere, and what ends lower is kept.
//
// With a tree, first centers are drawn from its cells (some thousand, each at the mean of its points), and Lloyd's
// algorithm first runs on these until it rests, swaps included; starts that rest at the same centers are finished once,
// on all points.
//
// Cost without a tree: Starts * iterations * n * K * D; with one some tenths of a second a million points.
func (s *Set) Fit(o Options) (*Model, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	starts, workers := max(1, o.Starts), max(1, o.Workers)
	inner := max(1, workers/starts) // whole starts go to the workers, and what is left over into each
	random := func(i int) *rand.Rand { return rand.New(rand.NewPCG(o.Seed, uint64(i))) }
	tolerance := o.Tolerance * s.variance
	firsts := make([][]float64, starts)
	if s.tree == nil {
		where, d := s.space()
		each(starts, workers, func(_, i int) { firsts[i] = seed(s.flat.Points, nil, o.K, random(i), inner) })
		best := s.best(where, d, firsts, o, tolerance, workers)
		return s.model(s.swaps(where, s.flat.Points, nil, best, o, tolerance, workers), workers), nil
	}
	c := newCells(s.tree, max(4096, 32*o.K))
	points, weights := c.points()
	each(starts, workers, func(_, i int) {
		firsts[i] = lloyd(c, 3, s.grid, seed(points, weights, o.K, random(i), inner), 0, o.MaxIterations, 1).centers
	})
	firsts = distinct(firsts)
	lowest := slices.MinFunc(firsts, func(a, b []float64) int { return cmp.Compare(c.inertia(a, 1), c.inertia(b, 1)) })
	swapped := s.swaps(c, points, weights, fitted{centers: lowest}, o, s.variance*cellTolerance, workers)
	firsts = distinct(append(firsts, swapped.centers))
	return s.model(s.best(s.tree, 3, firsts, o, tolerance, workers), workers), nil
}

// cellTolerance ends swaps on cells: what they gain beyond it shows on all points.
const cellTolerance = 1e-6

// best fits all points from each of the first centers, which it overwrites, and returns the fit of the lowest inertia.
func (s *Set) best(where space, d int, firsts [][]float64, o Options, tolerance float64, workers int) fitted {
	fits, inertias := make([]fitted, len(firsts)), make([]float64, len(firsts))
	inner := max(1, workers/len(firsts))
	each(len(firsts), workers, func(_, i int) {
		fits[i] = lloyd(where, d, s.grid, firsts[i], tolerance, o.MaxIterations, inner)
		inertias[i] = where.inertia(fits[i].centers, inner)
	})
	best := 0
	for i, inertia := range inertias {
		if inertia < inertias[best]*(1-1e-12) { // less is rounding
			best = i
		}
	}
	return fits[best]
}

// distinct leaves out first centers that differ from others in nothing but their order.
func distinct(firsts [][]float64) [][]float64 {
	var kept [][]float64
	for _, first := range firsts {
		if !slices.ContainsFunc(kept, func(other []float64) bool { return same(first, other, 3) }) {
			kept = append(kept, first)
		}
	}
	return kept
}

// FitFrom runs Lloyd's algorithm once from the given first centers, which it leaves untouched. o.K, o.Starts and o.Seed
// are not used.
func (s *Set) FitFrom(centers Points, o Options) (*Model, error) {
	if err := centers.check(); err != nil {
		return nil, fmt.Errorf("first centers: %w", err)
	}
	if s.input.D != centers.D || centers.Len() == 0 {
		return nil, fmt.Errorf("%d points of %d coordinates do not fit %d centers of %d", s.input.Len(), s.input.D, centers.Len(), centers.D)
	}
	o.K = centers.Len()
	if err := o.check(); err != nil {
		return nil, err
	}
	where, d := s.space()
	workers := max(1, o.Workers)
	return s.model(lloyd(where, d, s.grid, s.inside(centers), o.Tolerance*s.variance, o.MaxIterations, workers), workers), nil
}

// model labels the points by the centers a fit came to.
func (s *Set) model(f fitted, workers int) *Model {
	_, d := s.space()
	k, n := len(f.centers)/d, s.input.Len()
	m := &Model{
		Centers: Points{D: s.input.D}, Labels: make([]int32, n), Sizes: make([]int, k),
		Iterations: f.iterations, Converged: f.converged,
	}
	if s.tree != nil {
		s.tree.label(f.centers, m.Labels, workers)
	} else {
		s.flat.labels(f.centers, m.Labels, workers)
	}
	for _, label := range m.Labels {
		m.Sizes[label]++
	}
	m.Inertia = flat{Points: s.input}.sum(workers, func(i int) float64 {
		sum, center := 0.0, f.centers[int(m.Labels[i])*d:]
		for j, v := range s.input.At(i) {
			v = v - s.mean[j] - center[j]
			sum += float64(v * v)
		}
		return sum
	})
	for j := range k {
		for i, mean := range s.mean {
			m.Centers.X = append(m.Centers.X, f.centers[j*d+i]+mean)
		}
	}
	return m
}

// each calls f(worker, i) for every i below n on up to workers goroutines and waits for all. No two calls at a time have
// the same worker, a number below workers.
func each(n, workers int, f func(worker, i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(worker, i)
			}
		})
	}
	group.Wait()
}
