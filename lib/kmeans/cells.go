package kmeans

import "slices"

// cells are small nodes of a tree as heavy points at their means. Starts are drawn from them and first fitted to them,
// which takes a hundredth of the time; every fit is then finished on all points.
type cells struct {
	list []cell
	tree *tree // over the means: what lies above the cells, which are its leaves
}

type cell struct {
	at     vec // mean of its points
	sum    [3]fixed
	count  int64
	spread float64 // sum of the squared distances of its points to the mean
}

// newCells cuts the tree into at least least cells, as far as its leaves allow.
func newCells(t *tree, least int) cells {
	most := int32(len(t.items) / least)
	c := cells{tree: &tree{grid: t.grid, depth: t.depth}}
	var copied func(i int32)
	copied = func(i int32) {
		n, id := t.nodes[i], len(c.tree.nodes)
		leaf := n.count <= most || n.right == 0
		if leaf {
			at := n.mean(t.grid)
			n.middle, n.half, n.first, n.right = at, vec{}, int32(len(c.list)), 0
			c.list = append(c.list, cell{at: at, sum: n.sum, count: int64(n.count), spread: n.spread})
			c.tree.items = append(c.tree.items, item{at: at})
		}
		c.tree.nodes = append(c.tree.nodes, n)
		if !leaf {
			copied(i + 1)
			c.tree.nodes[id].right = int32(len(c.tree.nodes))
			copied(n.right)
		}
	}
	copied(0)
	return c
}

// points are the means, and weights the numbers of points.
func (c cells) points() (points Points, weights []float64) {
	points.D = 3
	for i := range c.list {
		points.X = append(points.X, c.list[i].at[:]...)
		weights = append(weights, float64(c.list[i].count))
	}
	return points, weights
}

// assign needs no workers: it takes a fraction of a millisecond.
func (c cells) assign(centers []float64, into *tally, _ int) { c.tree.assign(centers, into, 1) }

func (c cells) farthest(centers []float64, m int) []far {
	f := farther{m: m}
	for i := range c.list {
		label := nearest3(&c.list[i].at, centers)
		f.offer(i, i, label, distance3(&c.list[i].at, (*vec)(centers[3*label:])))
	}
	for i := range f.kept {
		p := &c.list[f.kept[i].place]
		f.kept[i].sum, f.kept[i].count = p.sum[:], p.count
	}
	return f.kept
}

// inertia is that of all points, each with the center of its cell.
func (c cells) inertia(centers []float64, _ int) float64 {
	total := 0.0
	for i := range c.list {
		label := nearest3(&c.list[i].at, centers)
		total += c.list[i].spread + float64(float64(c.list[i].count)*distance3(&c.list[i].at, (*vec)(centers[3*label:])))
	}
	return total
}

// same reports that two sets of centers differ in nothing but their order.
func same(a, b []float64, d int) bool { return slices.Equal(ordered(a, d), ordered(b, d)) }

func ordered(centers []float64, d int) []float64 {
	return slices.Concat(slices.SortedFunc(slices.Chunk(centers, d), slices.Compare)...)
}
