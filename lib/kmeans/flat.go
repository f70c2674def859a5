package kmeans

import "math"

// chunk is how many points are added up on their own before their sum joins the others. It is part of the inertia's last
// bits, so it is a constant and not a setting.
const chunk = 1024

// flat are points, moved so that their mean is 0, one by one.
type flat struct {
	Points
	grid grid
}

func (c flat) chunks() int { return (c.Len() + chunk - 1) / chunk }

func (c flat) assign(centers []float64, into *tally, workers int) {
	parts := tallies(into, workers)
	each(c.chunks(), workers, func(worker, i int) {
		t := parts[worker]
		for p := i * chunk; p < min((i+1)*chunk, c.Len()); p++ {
			point := c.At(p)
			label := nearest(point, centers)
			t.count[label]++
			sum := t.sum[label*c.D : (label+1)*c.D]
			for j, v := range point {
				sum[j].add(c.grid.fix(v))
			}
		}
	})
	for _, t := range parts[1:] {
		into.join(t)
	}
}

// tallies are one for each worker, of which the first is the given one.
func tallies(into *tally, workers int) []*tally {
	parts := []*tally{into}
	for range workers - 1 {
		parts = append(parts, newTally(len(into.count), into.d))
	}
	return parts
}

func (c flat) farthest(centers []float64, m int) []far {
	f := farther{m: m}
	for i := range c.Len() {
		label := nearest(c.At(i), centers)
		f.offer(i, i, label, distance(c.At(i), centers[label*c.D:(label+1)*c.D]))
	}
	for i := range f.kept {
		p := &f.kept[i]
		p.count, p.sum = 1, make([]fixed, c.D)
		for j, v := range c.At(p.place) {
			p.sum[j].add(c.grid.fix(v))
		}
	}
	return f.kept
}

func (c flat) inertia(centers []float64, workers int) float64 {
	return c.sum(workers, func(i int) float64 {
		label := nearest(c.At(i), centers)
		return distance(c.At(i), centers[label*c.D:(label+1)*c.D])
	})
}

// labels writes the nearest center of each point.
func (c flat) labels(centers []float64, into []int32, workers int) {
	each(c.chunks(), workers, func(_, i int) {
		for p := i * chunk; p < min((i+1)*chunk, c.Len()); p++ {
			into[p] = int32(nearest(c.At(p), centers))
		}
	})
}

// sum adds up a figure of each point: a chunk from its first point on, then the chunks from the first on.
func (c flat) sum(workers int, f func(i int) float64) float64 {
	parts := make([]float64, c.chunks())
	each(len(parts), workers, func(_, i int) {
		sum := 0.0
		for p := i * chunk; p < min((i+1)*chunk, c.Len()); p++ {
			sum += f(p)
		}
		parts[i] = sum
	})
	total := 0.0
	for _, part := range parts {
		total += part
	}
	return total
}

func nearest(point, centers []float64) int {
	if len(point) == 3 { // the common case, customers by R, F and M: half the time
		return nearest3((*[3]float64)(point), centers)
	}
	best, least := 0, math.Inf(1)
	for j := 0; j*len(point) < len(centers); j++ {
		if d := distance(point, centers[j*len(point):(j+1)*len(point)]); d < least {
			best, least = j, d
		}
	}
	return best
}

func nearest3(p *[3]float64, centers []float64) int {
	best, least := 0, math.Inf(1)
	for j := 0; len(centers) >= 3; j++ {
		if d := distance3(p, (*[3]float64)(centers)); d < least {
			best, least = j, d
		}
		centers = centers[3:]
	}
	return best
}

// distance is the squared Euclidean distance.
func distance(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		d := v - b[i]
		sum += float64(d * d) // no fused multiply-add: the same bits on every machine
	}
	return sum
}

// distance3 is distance in three coordinates, bit for bit.
func distance3(a, b *[3]float64) float64 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return float64(x*x) + float64(y*y) + float64(z*z)
}
