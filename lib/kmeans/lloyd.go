package kmeans

import (
	"cmp"
	"math"
	"slices"
)

// chunk is how many points are summed on their own before the sum joins the others. It is part of the result's last
// bits, so it is a constant and not a setting.
const chunk = 1024

// centered are points moved so that their mean is 0, which keeps the digits of small clusters far from the origin.
type centered struct {
	Points
	mean     []float64
	variance float64 // mean over the coordinates of their population variances; the tolerance is a share of it
}

func center(x Points) *centered {
	n := x.Len()
	c := &centered{Points: Points{D: x.D, X: make([]float64, len(x.X))}, mean: make([]float64, x.D)}
	for i, v := range x.X {
		c.mean[i%x.D] += v
	}
	for j := range c.mean {
		c.mean[j] /= float64(n)
	}
	for i, v := range x.X {
		d := v - c.mean[i%x.D]
		c.X[i] = d
		c.variance += float64(d * d)
	}
	c.variance /= float64(len(x.X))
	return c
}

func (c *centered) uncenter(m *Model) {
	for i := range m.Centers.X {
		m.Centers.X[i] += c.mean[i%c.D]
	}
}

// lloyd iterates from the given centers, which it overwrites.
func (c *centered) lloyd(centers []float64, o Options, workers int) *Model {
	n, k := c.Len(), len(centers)/c.D
	m := &Model{Labels: make([]int32, n), Sizes: make([]int, k)}
	before := make([]int32, n)
	next := make([]float64, len(centers))
	s := newSums(n, k, c.D)
	strict := false
	for m.Iterations = 1; ; m.Iterations++ {
		s.assign(c, centers, m.Labels, workers)
		s.total(next, m.Sizes)
		c.refill(centers, next, m.Labels, m.Sizes)
		average(centers, next, m.Sizes, c.D)
		centers, next = next, centers
		if slices.Equal(m.Labels, before) && m.Iterations > 1 {
			strict, m.Converged = true, true
			break
		}
		if shift := distance(centers, next); shift <= o.Tolerance*c.variance {
			m.Converged = true
			break
		}
		if m.Iterations == o.MaxIterations {
			break
		}
		copy(before, m.Labels)
	}
	if !strict { // labels are those of the centers before the last shift: make them match
		s.assign(c, centers, m.Labels, workers)
		s.total(next, m.Sizes)
	}
	m.Centers = Points{D: c.D, X: centers}
	m.Inertia = c.inertia(m, workers)
	return m
}

// sums are the partial results of each chunk: coordinates added up and points counted, by center.
type sums struct {
	n, k, d int
	sum     []float64 // chunk by chunk, k*d
	count   []int     // chunk by chunk, k
}

func newSums(n, k, d int) *sums {
	chunks := (n + chunk - 1) / chunk
	return &sums{n: n, k: k, d: d, sum: make([]float64, chunks*k*d), count: make([]int, chunks*k)}
}

// assign labels each point with its nearest center and adds the chunks up.
func (s *sums) assign(c *centered, centers []float64, labels []int32, workers int) {
	each((s.n+chunk-1)/chunk, workers, func(i int) {
		sum, count := s.sum[i*s.k*s.d:(i+1)*s.k*s.d], s.count[i*s.k:(i+1)*s.k]
		clear(sum)
		clear(count)
		for p := i * chunk; p < min((i+1)*chunk, s.n); p++ {
			point := c.At(p)
			label := nearest(point, centers)
			labels[p] = int32(label)
			count[label]++
			for j, v := range point {
				sum[label*s.d+j] += v
			}
		}
	})
}

// total adds the chunks in their order.
func (s *sums) total(sum []float64, count []int) {
	clear(sum)
	clear(count)
	for i, v := range s.sum {
		sum[i%len(sum)] += v
	}
	for i, v := range s.count {
		count[i%len(count)] += v
	}
}

func nearest(point, centers []float64) int {
	if len(point) == 3 { // the common case, customers by R, F and M: half the time
		return nearest3([3]float64(point), centers)
	}
	best, least := 0, math.Inf(1)
	for j := 0; j*len(point) < len(centers); j++ {
		if d := distance(point, centers[j*len(point):(j+1)*len(point)]); d < least {
			best, least = j, d
		}
	}
	return best
}

func nearest3(p [3]float64, centers []float64) int {
	best, least := 0, math.Inf(1)
	for j := 0; len(centers) >= 3; j++ {
		x, y, z := p[0]-centers[0], p[1]-centers[1], p[2]-centers[2]
		if d := float64(x*x) + float64(y*y) + float64(z*z); d < least {
			best, least = j, d
		}
		centers = centers[3:]
	}
	return best
}

// refill gives each empty cluster the point farthest from its center, of equally far ones the first, and takes it from
// the cluster it was in. sum holds sums, not yet averages. When every point sits on its center there are fewer distinct
// points than clusters and nothing is done.
func (c *centered) refill(centers, sum []float64, labels []int32, sizes []int) {
	var empty []int
	for j, size := range sizes {
		if size == 0 {
			empty = append(empty, j)
		}
	}
	if len(empty) == 0 {
		return
	}
	type far struct {
		point    int
		distance float64
	}
	all := make([]far, c.Len())
	for i := range all {
		label := int(labels[i])
		all[i] = far{i, distance(c.At(i), centers[label*c.D:(label+1)*c.D])}
	}
	slices.SortFunc(all, func(a, b far) int {
		return cmp.Or(cmp.Compare(b.distance, a.distance), cmp.Compare(a.point, b.point))
	})
	for i, j := range empty {
		if i >= len(all) || all[i].distance == 0 {
			return
		}
		from := int(labels[all[i].point])
		for f, v := range c.At(all[i].point) {
			sum[from*c.D+f] -= v
			sum[j*c.D+f] = v
		}
		sizes[from]--
		sizes[j] = 1
	}
}

// average turns sums into centers. A cluster that stayed empty keeps its old center.
func average(old, sum []float64, sizes []int, d int) {
	for j, size := range sizes {
		for f := j * d; f < (j+1)*d; f++ {
			if size > 0 {
				sum[f] /= float64(size)
			} else {
				sum[f] = old[f]
			}
		}
	}
}

func (c *centered) inertia(m *Model, workers int) float64 {
	n := c.Len()
	parts := make([]float64, (n+chunk-1)/chunk)
	each(len(parts), workers, func(i int) {
		for p := i * chunk; p < min((i+1)*chunk, n); p++ {
			label := int(m.Labels[p])
			parts[i] += distance(c.At(p), m.Centers.At(label))
		}
	})
	total := 0.0
	for _, part := range parts {
		total += part
	}
	return total
}
