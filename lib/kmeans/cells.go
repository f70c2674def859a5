package kmeans

import "slices"

// cells are small nodes of a tree as heavy points at their means. Starts are drawn from them and first fitted to them,
// which takes a hundredth of the time; every fit is then finished on all points.
type cells []cell

type cell struct {
	at     vec // mean of its points
	sum    [3]fixed
	count  int64
	spread float64 // sum of the squared distances of its points to the mean
}

// newCells cuts the tree into at least least cells, as far as its leaves allow.
func newCells(t *tree, least int) cells {
	var c cells
	for _, i := range t.cut(len(t.items) / least) {
		n := &t.nodes[i]
		c = append(c, cell{at: n.mean(t.grid), sum: n.sum, count: int64(n.count), spread: n.spread})
	}
	return c
}

// points are the means, and weights the numbers of points.
func (c cells) points() (points Points, weights []float64) {
	points.D = 3
	for i := range c {
		points.X = append(points.X, c[i].at[:]...)
		weights = append(weights, float64(c[i].count))
	}
	return points, weights
}

// assign needs no workers: it takes less than a millisecond.
func (c cells) assign(centers []float64, into *tally, _ int) {
	for i := range c {
		p := &c[i]
		label := nearest3(&p.at, centers)
		sum := (*[3]fixed)(into.sum[3*label:])
		sum[0].plus(p.sum[0])
		sum[1].plus(p.sum[1])
		sum[2].plus(p.sum[2])
		into.count[label] += p.count
	}
}

func (c cells) farthest(centers []float64, m int) []far {
	f := farther{m: m}
	for i := range c {
		label := nearest3(&c[i].at, centers)
		f.offer(i, i, label, distance3(&c[i].at, (*vec)(centers[3*label:])))
	}
	for i := range f.kept {
		p := &c[f.kept[i].place]
		f.kept[i].sum, f.kept[i].count = p.sum[:], p.count
	}
	return f.kept
}

// inertia is that of all points, each with the center of its cell.
func (c cells) inertia(centers []float64, _ int) float64 {
	total := 0.0
	for i := range c {
		label := nearest3(&c[i].at, centers)
		total += c[i].spread + float64(float64(c[i].count)*distance3(&c[i].at, (*vec)(centers[3*label:])))
	}
	return total
}

// same reports that two sets of centers differ in nothing but their order.
func same(a, b []float64, d int) bool { return slices.Equal(ordered(a, d), ordered(b, d)) }

func ordered(centers []float64, d int) []float64 {
	return slices.Concat(slices.SortedFunc(slices.Chunk(centers, d), slices.Compare)...)
}
