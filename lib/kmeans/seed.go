package kmeans

import (
	"math"
	"math/rand/v2"
	"sort"
)

// seed picks k first centers by greedy k-means++: the first uniformly, each further one as the best of 2+ln(k) points
// drawn with a chance proportional to their squared distance from the centers so far. Best is the least sum of those
// distances after it joins. A point that stands for several has the weight of their number; nil is 1 each.
func seed(x Points, weight []float64, k int, rng *rand.Rand, workers int) []float64 {
	s := seeder{x: x, weight: weight, workers: workers, cumulative: make([]float64, x.Len())}
	n := x.Len()
	first := rng.IntN(n)
	if weight != nil {
		first = s.draw(weight, rng)
	}
	centers := make([]float64, 0, k*x.D)
	centers = append(centers, x.At(first)...)
	least := make([]float64, n) // squared distance of each point to its nearest center, times its weight
	for i := range least {
		least[i] = math.Inf(1)
	}
	potential := s.closer(first, least, least)
	candidate, best := make([]float64, n), make([]float64, n)
	for len(centers) < k*x.D {
		s.accumulate(least)
		chosen, chosenPotential := 0, math.Inf(1)
		for range 2 + int(math.Log(float64(k))) {
			at := s.find(rng.Float64() * potential)
			if p := s.closer(at, least, candidate); p < chosenPotential {
				chosen, chosenPotential = at, p
				candidate, best = best, candidate
			}
		}
		centers = append(centers, x.At(chosen)...)
		potential = chosenPotential
		least, best = best, least
	}
	return centers
}

type seeder struct {
	x          Points
	weight     []float64
	cumulative []float64
	workers    int
}

func (s *seeder) accumulate(of []float64) {
	total := 0.0
	for i, v := range of {
		total += v
		s.cumulative[i] = total
	}
}

func (s *seeder) find(v float64) int {
	return min(sort.SearchFloat64s(s.cumulative, v), len(s.cumulative)-1)
}

// draw takes a point with a chance proportional to its share.
func (s *seeder) draw(share []float64, rng *rand.Rand) int {
	s.accumulate(share)
	return s.find(rng.Float64() * s.cumulative[len(s.cumulative)-1])
}

// closer writes to into what least becomes when the point joins the centers, and returns its sum.
func (s *seeder) closer(point int, least, into []float64) float64 {
	x, target := s.x, s.x.At(point)
	return flat{Points: x}.sum(s.workers, func(p int) float64 {
		var d float64
		if x.D == 3 {
			d = distance3((*[3]float64)(x.X[3*p:]), (*[3]float64)(target))
		} else {
			d = distance(x.At(p), target)
		}
		if s.weight != nil {
			d *= s.weight[p]
		}
		d = min(least[p], d)
		into[p] = d
		return d
	})
}
