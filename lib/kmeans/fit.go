package kmeans

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// Options of a fit; [Defaults] fills them.
type Options struct {
	K             int     // clusters
	Starts        int     // fits from different first centers, of which the best is kept
	MaxIterations int     // of one fit
	Tolerance     float64 // a fit ends when the centers' squared shift is at most this times the mean variance; 0 = only when no label changes
	Seed          uint64
	Workers       int // goroutines; the result does not depend on it
}

// Defaults are scikit-learn's, with ten starts, as it had before version 1.4.
func Defaults(k int) Options {
	return Options{K: k, Starts: 10, MaxIterations: 300, Tolerance: 1e-4, Workers: runtime.GOMAXPROCS(0)}
}

func (o Options) check(x Points) error {
	switch {
	case o.K < 1:
		return fmt.Errorf("k is %d, it must be at least 1", o.K)
	case o.MaxIterations < 1:
		return fmt.Errorf("max iterations is %d, it must be at least 1", o.MaxIterations)
	case o.Tolerance < 0 || math.IsNaN(o.Tolerance):
		return fmt.Errorf("tolerance is %v, it must be at least 0", o.Tolerance)
	}
	return x.check()
}

// Model is the outcome of a fit.
type Model struct {
	Centers    Points
	Labels     []int32 // the center of each point: the nearest, of equally near ones the lowest
	Sizes      []int   // points a center; 0 for centers beyond the number of distinct points
	Inertia    float64 // sum of the squared distances of points to their centers
	Iterations int     // of the start that was kept, counted from 1
	Converged  bool    // false when MaxIterations ended it
}

// Fit groups points into o.K clusters from o.Starts starts and keeps the one with the lowest inertia; of equal ones, the
// first. Fewer distinct points than clusters leave some clusters empty; no points at all are an error.
//
// Cost: Starts * iterations * n * K * D. Memory: 12 bytes a point and worker beyond the points.
func Fit(x Points, o Options) (*Model, error) {
	if err := o.check(x); err != nil {
		return nil, err
	}
	if x.Len() == 0 {
		return nil, fmt.Errorf("no points to group")
	}
	starts, workers := max(1, o.Starts), max(1, o.Workers)
	c := center(x)
	models := make([]*Model, starts)
	// Starts are independent, so whole starts go to the workers; with one start its chunks do.
	each(starts, workers, func(i int) {
		rng := rand.New(rand.NewPCG(o.Seed, uint64(i)))
		inner := max(1, workers/starts)
		models[i] = c.lloyd(c.seed(o.K, rng, inner), o, inner)
	})
	best := models[0]
	for _, m := range models[1:] {
		if m.Inertia < best.Inertia {
			best = m
		}
	}
	c.uncenter(best)
	return best, nil
}

// FitFrom runs Lloyd's algorithm once from the given first centers, which it leaves untouched. o.K, o.Starts and o.Seed
// are not used.
func FitFrom(x, centers Points, o Options) (*Model, error) {
	o.K = max(1, centers.Len())
	if err := o.check(x); err != nil {
		return nil, err
	}
	if err := centers.check(); err != nil {
		return nil, fmt.Errorf("first centers: %w", err)
	}
	if x.D != centers.D || x.Len() == 0 || centers.Len() == 0 {
		return nil, fmt.Errorf("%d points of %d coordinates do not fit %d centers of %d", x.Len(), x.D, centers.Len(), centers.D)
	}
	c := center(x)
	first := make([]float64, len(centers.X))
	for i, v := range centers.X {
		first[i] = v - c.mean[i%x.D]
	}
	m := c.lloyd(first, o, max(1, o.Workers))
	c.uncenter(m)
	return m, nil
}

// Renumber gives cluster order[i] the number i. order holds each number once.
func (m *Model) Renumber(order []int) {
	to := make([]int32, len(order))
	centers := Points{D: m.Centers.D, X: make([]float64, 0, len(m.Centers.X))}
	sizes := make([]int, len(order))
	for i, old := range order {
		to[old] = int32(i)
		centers.X = append(centers.X, m.Centers.At(old)...)
		sizes[i] = m.Sizes[old]
	}
	for i, label := range m.Labels {
		m.Labels[i] = to[label]
	}
	m.Centers, m.Sizes = centers, sizes
}

// each calls f(0) to f(n-1) on up to workers goroutines and waits for all.
func each(n, workers int, f func(i int)) {
	if workers = min(workers, n); workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}
