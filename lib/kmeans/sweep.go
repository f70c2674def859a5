package kmeans

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Sweep is what a try of several numbers of clusters found.
type Sweep struct {
	Trials []Trial // by ascending K
	Elbow  int     // the K whose inertia lies farthest below the chord of the curve; 0 when none does
	Sample int     // points the silhouettes were made of
}

// Trial is one number of clusters.
type Trial struct {
	K          int
	Inertia    float64
	Bend       float64 // how far the inertia lies below the straight line from the first to the last K, as a share of the fall
	Silhouette float64 // mean of the sample, -1 to 1; NaN when it has fewer than two clusters
	Sizes      []int   // points a cluster
	Iterations int
	Converged  bool
}

// Sweep fits each K from from to to, as [Set.Fit] does with the other options, and measures how well each divides the
// points. The silhouette is that of a sample of points drawn by the seed without repeats, or of all when there are no
// more; 0 leaves it out. Both are advice: inertia always falls with K, and silhouettes of customers mostly favour 2.
//
// Cost beyond the fits: sample^2 distances for all K together.
func (s *Set) Sweep(from, to, sample int, o Options) (*Sweep, error) {
	if from < 1 || to < from {
		return nil, fmt.Errorf("a sweep from k=%d to k=%d has nothing to try, it must be from at least 1 to no less", from, to)
	}
	if sample < 0 {
		return nil, fmt.Errorf("a sample of %d points cannot be drawn", sample)
	}
	drawn := s.draw(sample, o.Seed)
	sweep := &Sweep{Sample: len(drawn)}
	var labels [][]int32
	for k := from; k <= to; k++ {
		o.K = k
		m, err := s.Fit(o)
		if err != nil {
			return nil, err
		}
		sweep.Trials = append(sweep.Trials, Trial{
			K: k, Inertia: m.Inertia, Silhouette: math.NaN(), Sizes: m.Sizes, Iterations: m.Iterations, Converged: m.Converged,
		})
		of := make([]int32, len(drawn))
		for i, point := range drawn {
			of[i] = m.Labels[point]
		}
		labels = append(labels, of)
	}
	points := Points{D: s.input.D}
	for _, i := range drawn {
		points.X = append(points.X, s.input.At(i)...)
	}
	for i, v := range silhouettes(points, labels, max(1, o.Workers)) {
		sweep.Trials[i].Silhouette = v
	}
	sweep.elbow()
	return sweep, nil
}

// draw takes so many different points (Floyd's algorithm), in their order.
func (s *Set) draw(sample int, seed uint64) []int {
	n := s.input.Len()
	sample = min(sample, n)
	rng := rand.New(rand.NewPCG(seed, math.MaxUint64)) // no start has this stream
	taken := make(map[int]bool, sample)
	drawn := make([]int, 0, sample)
	for last := n - sample; last < n; last++ {
		i := rng.IntN(last + 1)
		if taken[i] {
			i = last
		}
		taken[i] = true
		drawn = append(drawn, i)
	}
	slices.Sort(drawn)
	return drawn
}

// elbow sets the bends. The distance to the chord is greatest where the vertical one is.
func (s *Sweep) elbow() {
	first, last := s.Trials[0], s.Trials[len(s.Trials)-1]
	fall := first.Inertia - last.Inertia
	if !(fall > 0) {
		return
	}
	most := 1e-9 // less is rounding
	for i := range s.Trials {
		t := &s.Trials[i]
		way := float64(t.K-first.K) / float64(last.K-first.K)
		t.Bend = (first.Inertia-t.Inertia)/fall - way
		if t.Bend > most {
			most, s.Elbow = t.Bend, t.K
		}
	}
}
