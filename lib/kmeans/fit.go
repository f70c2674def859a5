package kmeans

import (
	"fmt"
	"math"
	"runtime"
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

func (o Options) check() error {
	switch {
	case o.K < 1:
		return fmt.Errorf("k is %d, it must be at least 1", o.K)
	case o.MaxIterations < 1:
		return fmt.Errorf("max iterations is %d, it must be at least 1", o.MaxIterations)
	case o.Tolerance < 0 || math.IsNaN(o.Tolerance):
		return fmt.Errorf("tolerance is %v, it must be at least 0", o.Tolerance)
	}
	return nil
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

// Fit is [Prepare] and [Set.Fit] in one.
func Fit(x Points, o Options) (*Model, error) {
	s, err := Prepare(x, o.Workers)
	if err != nil {
		return nil, err
	}
	return s.Fit(o)
}

// FitFrom is [Prepare] and [Set.FitFrom] in one.
func FitFrom(x, centers Points, o Options) (*Model, error) {
	s, err := Prepare(x, o.Workers)
	if err != nil {
		return nil, err
	}
	return s.FitFrom(centers, o)
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
