package anomaly

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
	to := r.search(x)
	if n := len(r.sorted); n < len(r.ring) {
		r.sorted = r.sorted[:n+1]
		copy(r.sorted[to+1:], r.sorted[to:n])
	} else { // what lies between the place of the oldest and that of x moves by one
		from := r.search(r.ring[r.next])
		if from < to {
			to--
			copy(r.sorted[from:to], r.sorted[from+1:to+1])
		} else {
			copy(r.sorted[to+1:from+1], r.sorted[to:from])
		}
		if r.sold[r.next] {
			r.sales--
		}
	}
	r.sorted[to] = x
	r.ring[r.next], r.sold[r.next] = x, sold
	if sold {
		r.sales++
	}
	if r.next++; r.next == len(r.ring) {
		r.next = 0
	}
}

// search is how many of the sorted values are less than x. No branch depends on the values: they are as good as random,
// and a wrong guess costs more than the whole comparison.
func (r *roots) search(x float64) int {
	at, n := 0, len(r.sorted)
	for n > 1 {
		half := n / 2
		step := 0
		if r.sorted[at+half-1] < x {
			step = half
		}
		at += step
		n -= half
	}
	if n == 1 && r.sorted[at] < x {
		at++
	}
	return at
}

// dense tells whether more than half of the windows had sales; only then their median says something.
func (r *roots) dense() bool { return 2*r.sales > len(r.sorted) }

// median is the middle of the roots; 0 when there are none.
func (r *roots) median() float64 {
	n := len(r.sorted)
	if n == 0 {
		return 0
	}
	return (r.sorted[(n-1)/2] + r.sorted[n/2]) / 2
}

// scale is 1.4826 times the median absolute deviation of the roots, which is the standard deviation of normal values, but
// at least a twentieth of what is expected and at least what Poisson counts of orders of this value would give (half the
// root of one order). Without the floors, quiet series would alarm at nothing.
func (r *roots) scale(median, expected, order float64) float64 {
	return max(1.4826*r.deviation(median), 0.05*expected, 0.5*order)
}

// deviation is the median of the distances to m, found by walking outwards from m on both sides.
func (r *roots) deviation(m float64) float64 {
	n := len(r.sorted)
	if n == 0 {
		return 0
	}
	right := r.search(m)
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
