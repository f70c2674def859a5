package anomaly

import (
	"math"
	"slices"
)

// roots holds the last n square roots of revenue, in the order they came and sorted, and how many of their windows had
// sales.
type roots struct {
	ring   []float64
	sold   []bool
	sorted []float64
	next   int
	sales  int
}

func newRoots(n int) roots {
	return roots{ring: make([]float64, n), sold: make([]bool, n), sorted: make([]float64, 0, n)}
}

// push takes in x and lets the oldest go when the window is full.
func (r *roots) push(x float64, sold bool) {
	if len(r.sorted) == len(r.ring) {
		at, _ := slices.BinarySearch(r.sorted, r.ring[r.next])
		r.sorted = slices.Delete(r.sorted, at, at+1)
		if r.sold[r.next] {
			r.sales--
		}
	}
	at, _ := slices.BinarySearch(r.sorted, x)
	r.sorted = slices.Insert(r.sorted, at, x)
	r.ring[r.next], r.sold[r.next] = x, sold
	if sold {
		r.sales++
	}
	r.next = (r.next + 1) % len(r.ring)
}

// dense tells whether more than half of the windows had sales; only then their median says something.
func (r *roots) dense() bool { return 2*r.sales > len(r.sorted) }

// center returns the median and the scale of the roots: 1.4826 times the median absolute deviation, which is the standard
// deviation of normal values, but at least a twentieth of what is expected and at least what Poisson counts of orders of
// this value would give (half the root of one order). Without the floors, quiet series would alarm at nothing.
func (r *roots) center(expected, order float64) (median, scale float64) {
	median = middle(r.sorted)
	return median, math.Max(1.4826*r.deviation(median), math.Max(0.05*expected, 0.5*order))
}

// deviation is the median of the distances to m, found by walking outwards from m on both sides.
func (r *roots) deviation(m float64) float64 {
	n := len(r.sorted)
	if n == 0 {
		return 0
	}
	right, _ := slices.BinarySearch(r.sorted, m)
	left := right - 1
	before, last := 0.0, 0.0
	for range n/2 + 1 {
		before = last
		if right >= n || left >= 0 && m-r.sorted[left] <= r.sorted[right]-m {
			last = m - r.sorted[left]
			left--
		} else {
			last = r.sorted[right] - m
			right++
		}
	}
	if n%2 == 0 {
		return (before + last) / 2
	}
	return last
}

// middle is the median of sorted values.
func middle(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
