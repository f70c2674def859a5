package kmeans

import (
	"math"
	"math/rand/v2"
	"sort"
)

// seed picks k first centers by greedy k-means++: the first uniformly, each further one as the best of 2+ln(k) points
// drawn with a chance proportional to their squared distance from the centers so far. Best is the least sum of those
// distances after it joins.
func (c *centered) seed(k int, rng *rand.Rand, workers int) []float64 {
	n := c.Len()
	centers := make([]float64, 0, k*c.D)
	first := rng.IntN(n)
	centers = append(centers, c.At(first)...)
	least := make([]float64, n) // squared distance of each point to its nearest center
	for i := range least {
		least[i] = math.Inf(1)
	}
	potential := c.closer(first, least, least, workers)
	cumulative := make([]float64, n)
	candidate, best := make([]float64, n), make([]float64, n)
	for len(centers) < k*c.D {
		total := 0.0
		for i, v := range least {
			total += v
			cumulative[i] = total
		}
		chosen, chosenPotential := 0, math.Inf(1)
		for range 2 + int(math.Log(float64(k))) {
			at := min(sort.SearchFloat64s(cumulative, rng.Float64()*potential), n-1)
			if p := c.closer(at, least, candidate, workers); p < chosenPotential {
				chosen, chosenPotential = at, p
				candidate, best = best, candidate
			}
		}
		centers = append(centers, c.At(chosen)...)
		potential = chosenPotential
		least, best = best, least
	}
	return centers
}

// closer writes to into what least becomes when the point joins the centers, and returns its sum, chunk by chunk.
func (c *centered) closer(point int, least, into []float64, workers int) float64 {
	n, target := c.Len(), c.At(point)
	parts := make([]float64, (n+chunk-1)/chunk)
	each(len(parts), workers, func(i int) {
		for p := i * chunk; p < min((i+1)*chunk, n); p++ {
			d := min(least[p], distance(c.At(p), target))
			into[p] = d
			parts[i] += d
		}
	})
	total := 0.0
	for _, part := range parts {
		total += part
	}
	return total
}
