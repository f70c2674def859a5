package kmeans

import (
	"math"
	"math/rand/v2"
	"slices"
)

// swapsATime is how many swaps start from the same centers, of which the best is kept. It is part of the result, so it
// is a constant and not the number of workers.
const swapsATime = 4

// swaps tries to better the best of the starts: a center moves to a point drawn with a chance proportional to its squared
// distance from its center, and Lloyd's algorithm goes on from there; what has a lower inertia is kept. There are two
// swaps a start. Half of them move the center whose loss costs least, as in Lattanzi and Sohler, "A better k-means++
// algorithm via local search", ICML 2019, half of them any.
func (s *Set) swaps(where space, x Points, weight []float64, from fitted, o Options, tolerance float64, workers int) fitted {
	best, inertia := from, where.inertia(from.centers, workers)
	if o.K < 2 || !(inertia > 1e-12*s.variance*float64(len(s.input.X))) { // every point sits on its center
		return best
	}
	rng := rand.New(rand.NewPCG(o.Seed, math.MaxUint64-1)) // no start has this stream
	for range (2*max(1, o.Starts) + swapsATime - 1) / swapsATime {
		p := newPairs(x, weight, best.centers, workers)
		var tries [swapsATime]fitted
		var inertias [swapsATime]float64
		for i := range tries {
			at := p.draw(rng)
			out := rng.IntN(o.K)
			if i%2 == 0 {
				out = p.cheapest(at, o.K)
			}
			tries[i].centers = slices.Clone(best.centers)
			copy(tries[i].centers[out*x.D:], x.At(at))
		}
		each(swapsATime, workers, func(_, i int) {
			tries[i] = lloyd(where, x.D, s.grid, tries[i].centers, tolerance, o.MaxIterations, 1)
			inertias[i] = where.inertia(tries[i].centers, 1)
		})
		for i, v := range inertias {
			if v < inertia*(1-1e-12) { // less is rounding
				best, inertia = tries[i], v
			}
		}
	}
	return best
}

// pairs are the two nearest centers of each point.
type pairs struct {
	x      Points
	weight []float64
	label  []int32
	first  []float64 // squared distance to the nearest center, times the weight
	second []float64 // and to the second nearest
}

func newPairs(x Points, weight, centers []float64, workers int) *pairs {
	n := x.Len()
	p := &pairs{x: x, weight: weight, label: make([]int32, n), first: make([]float64, n), second: make([]float64, n)}
	each((n+chunk-1)/chunk, workers, func(_, part int) {
		for i := part * chunk; i < min((part+1)*chunk, n); i++ {
			first, second, label := math.Inf(1), math.Inf(1), 0
			for j := 0; j*x.D < len(centers); j++ {
				if d := distance(x.At(i), centers[j*x.D:(j+1)*x.D]); d < first {
					first, second, label = d, first, j
				} else if d < second {
					second = d
				}
			}
			w := p.of(i)
			p.first[i], p.second[i], p.label[i] = w*first, w*second, int32(label)
		}
	})
	return p
}

func (p *pairs) of(i int) float64 {
	if p.weight == nil {
		return 1
	}
	return p.weight[i]
}

// draw takes a point with a chance proportional to its share of the inertia.
func (p *pairs) draw(rng *rand.Rand) int {
	s := seeder{x: p.x, cumulative: make([]float64, len(p.first))}
	return s.draw(p.first, rng)
}

// cheapest is the center whose points lose least when it moves to a point.
func (p *pairs) cheapest(to, k int) int {
	loss := make([]float64, k)
	for i := range p.first {
		d := p.of(i) * distance(p.x.At(i), p.x.At(to))
		loss[p.label[i]] += min(p.second[i], d) - min(p.first[i], d)
	}
	least := 0
	for j, v := range loss {
		if v < loss[least] {
			least = j
		}
	}
	return least
}
