package kmeans

import (
	"math"
	"sync"
)

// leafSize is how many points a node may have that is not split.
const leafSize = 16

// vec is a point of the tree. Points of one or two coordinates have zeros for the others, which change no distance.
type vec = [3]float64

// item is a point and its place in the input.
type item struct {
	at    vec
	index int32
}

// node is a box of points: those of the tree's items from first on.
type node struct {
	middle, half vec      // of the box
	sum          [3]fixed // of the coordinates
	spread       float64  // sum of the squared distances to the mean
	first, count int32
	right        int32 // the second child; the first is the next node. 0 in a leaf
}

func (n *node) mean(g grid) vec {
	var m vec
	for i := range m {
		m[i] = n.sum[i].float() / float64(n.count) * g.down
	}
	return m
}

// point reports that all points of the node are equal.
func (n *node) point() bool { return n.half == vec{} }

// tree is a kd-tree: nodes in preorder over items that lie in the order of the leaves.
type tree struct {
	grid  grid
	items []item
	nodes []node
	depth int     // nodes from the root to the deepest leaf
	tasks []int32 // disjoint nodes with all points, in order: what workers share out
}

// newTree sorts the items, which lie between low and high, into a tree. It is the same for any number of workers: boxes are
// split in the middle of their longest side, whoever does it. Cost: n times the depth, which is about log2(n/leafSize) for
// points that are spread out; memory: 32 bytes a point and about 14 in nodes.
func newTree(items []item, low, high vec, g grid, workers int) *tree {
	t := &tree{grid: g, items: items}
	b := builder{tree: t, free: make(chan struct{}, max(0, workers-1))}
	whole := b.build(0, len(items), low, high)
	t.nodes, t.depth = whole.flatten(workers), whole.depth
	t.tasks = t.cut(len(items) / 64)
	return t
}

// cut are the topmost nodes of at most so many points, or leaves.
func (t *tree) cut(most int) []int32 {
	var cut []int32
	var walk func(i int32)
	walk = func(i int32) {
		if n := &t.nodes[i]; int(n.count) <= most || n.right == 0 {
			cut = append(cut, i)
			return
		}
		walk(i + 1)
		walk(t.nodes[i].right)
	}
	walk(0)
	return cut
}

func bounds(items []item) (low, high vec) {
	low, high = items[0].at, items[0].at
	for i := range items {
		for d, v := range items[i].at {
			low[d], high[d] = min(low[d], v), max(high[d], v)
		}
	}
	return low, high
}

// builder makes nodes; free holds a place for each goroutine beyond the first.
type builder struct {
	tree *tree
	free chan struct{}
}

// branch is a finished subtree and its box.
type branch struct {
	nodes       []node // of all of it, or, when it has parts, its root
	left, right *branch
	size, depth int // nodes, in all and from the root to the deepest leaf
	low, high   vec
}

// spawn is how many points make a goroutine worth its while.
const spawn = 1 << 16

// build makes the subtree of the items from first to last, all of which lie between low and high.
func (b *builder) build(first, last int, low, high vec) *branch {
	if last-first < spawn {
		return b.tree.serial(first, last, low, high)
	}
	side, middle, at := b.tree.split(first, last, &low, &high)
	if at == first { // equal points
		return b.tree.serial(first, last, low, high)
	}
	leftHigh, rightLow := high, low
	leftHigh[side], rightLow[side] = middle, middle
	whole := &branch{nodes: make([]node, 1)}
	var group sync.WaitGroup
	select {
	case b.free <- struct{}{}:
		group.Go(func() {
			whole.left = b.build(first, at, low, leftHigh)
			<-b.free
		})
	default:
		whole.left = b.build(first, at, low, leftHigh)
	}
	whole.right = b.build(at, last, rightLow, high)
	group.Wait()
	l, r := whole.left, whole.right
	whole.low, whole.high = whole.nodes[0].join(&l.nodes[0], &r.nodes[0], l.low, l.high, r.low, r.high, b.tree.grid)
	whole.size, whole.depth = 1+l.size+r.size, 1+max(l.depth, r.depth)
	return whole
}

func (t *tree) serial(first, last int, low, high vec) *branch {
	s := serial{tree: t, nodes: make([]node, 0, (last-first)/leafSize*3+1)}
	low, high, depth := s.build(first, last, low, high)
	return &branch{nodes: s.nodes, size: len(s.nodes), depth: depth, low: low, high: high}
}

// flatten gives the nodes in preorder.
func (b *branch) flatten(workers int) []node {
	nodes := make([]node, b.size)
	type piece struct {
		nodes []node
		at    int
	}
	var pieces []piece
	var walk func(b *branch, at int)
	walk = func(b *branch, at int) {
		if b.left == nil {
			pieces = append(pieces, piece{b.nodes, at})
			return
		}
		nodes[at] = b.nodes[0]
		nodes[at].right = int32(at + 1 + b.left.size)
		walk(b.left, at+1)
		walk(b.right, at+1+b.left.size)
	}
	walk(b, 0)
	each(len(pieces), workers, func(_, i int) {
		p := pieces[i]
		for j := range p.nodes {
			n := &nodes[p.at+j]
			if *n = p.nodes[j]; n.right != 0 {
				n.right += int32(p.at)
			}
		}
	})
	return nodes
}

// split parts the items at the middle of the longest side of their box, which it makes tight when nothing lies on one
// side, and returns that side, the middle and the first item beyond it. Equal points are not parted: at is first.
func (t *tree) split(first, last int, low, high *vec) (side int, middle float64, at int) {
	for {
		side = 0
		for d := range low {
			if high[d]-low[d] > high[side]-low[side] {
				side = d
			}
		}
		middle = low[side] + (high[side]-low[side])/2
		if middle >= high[side] {
			middle = low[side]
		}
		items := t.items[first:last]
		if i := part(items, side, middle); i > 0 && i < len(items) {
			return side, middle, first + i
		}
		if *low, *high = bounds(items); *low == *high {
			return side, middle, first
		}
	}
}

// partBlock is how many items are compared before any moves.
const partBlock = 64

// part moves the items beyond the middle of a side behind the others and returns how many others there are. In a block, the
// items to move are written down without a branch, which could only guess: that halves the time.
//
// Source: Edelkamp and Weiss, "BlockQuicksort: avoiding branch mispredictions in quicksort", ESA 2016.
func part(items []item, side int, middle float64) int {
	var left, right [partBlock]uint8 // items to move, from the begin of the first block and from the end of the last
	i, j := 0, len(items)
	var l, lefts, r, rights int
	for j-i >= 2*partBlock {
		if l == lefts {
			l, lefts = 0, 0
			for b := range items[i : i+partBlock] {
				left[lefts&(partBlock-1)] = uint8(b)
				beyond := 0
				if items[i+b].at[side] > middle {
					beyond = 1
				}
				lefts += beyond
			}
		}
		if r == rights {
			r, rights = 0, 0
			for b := range items[j-partBlock : j] {
				right[rights&(partBlock-1)] = uint8(b)
				before := 0
				if items[j-1-b].at[side] <= middle {
					before = 1
				}
				rights += before
			}
		}
		for ; l < lefts && r < rights; l, r = l+1, r+1 {
			a, b := i+int(left[l]), j-1-int(right[r])
			items[a], items[b] = items[b], items[a]
		}
		if l == lefts {
			i, l, lefts = i+partBlock, 0, 0
		}
		if r == rights {
			j, r, rights = j-partBlock, 0, 0
		}
	}
	for j--; ; i, j = i+1, j-1 { // what is left, and may have been looked at
		for i <= j && items[i].at[side] <= middle {
			i++
		}
		for i <= j && items[j].at[side] > middle {
			j--
		}
		if i > j {
			return i
		}
		items[i], items[j] = items[j], items[i]
	}
}

// serial makes the nodes of a subtree one after the other.
type serial struct {
	tree  *tree
	nodes []node
}

func (s *serial) build(first, last int, low, high vec) (tightLow, tightHigh vec, depth int) {
	id := len(s.nodes)
	s.nodes = append(s.nodes, node{})
	if last-first > leafSize {
		if side, middle, at := s.tree.split(first, last, &low, &high); at > first {
			leftHigh, rightLow := high, low
			leftHigh[side], rightLow[side] = middle, middle
			ll, lh, left := s.build(first, at, low, leftHigh)
			second := int32(len(s.nodes))
			rl, rh, right := s.build(at, last, rightLow, high)
			n := &s.nodes[id]
			n.right = second
			tightLow, tightHigh = n.join(&s.nodes[id+1], &s.nodes[second], ll, lh, rl, rh, s.tree.grid)
			return tightLow, tightHigh, 1 + max(left, right)
		}
	}
	n := &s.nodes[id]
	items := s.tree.items[first:last]
	n.first, n.count = int32(first), int32(last-first)
	for i := range items {
		for d, v := range items[i].at {
			n.sum[d].add(s.tree.grid.fix(v))
		}
	}
	tightLow, tightHigh = bounds(items)
	n.box(tightLow, tightHigh)
	if !n.point() {
		mean := n.mean(s.tree.grid)
		for i := range items {
			n.spread += distance3(&items[i].at, &mean)
		}
	}
	return tightLow, tightHigh, 1
}

func (n *node) box(low, high vec) {
	for d := range low {
		n.half[d] = (high[d] - low[d]) / 2
		n.middle[d] = low[d] + n.half[d]
	}
}

// join makes a node of its two children.
func (n *node) join(a, b *node, aLow, aHigh, bLow, bHigh vec, g grid) (low, high vec) {
	n.first, n.count = a.first, a.count+b.count
	for d := range low {
		low[d], high[d] = min(aLow[d], bLow[d]), max(aHigh[d], bHigh[d])
		n.sum[d] = a.sum[d]
		n.sum[d].plus(b.sum[d])
	}
	n.box(low, high)
	all, ma, mb := n.mean(g), a.mean(g), b.mean(g)
	n.spread = a.spread + b.spread + float64(float64(a.count)*distance3(&ma, &all)) + float64(float64(b.count)*distance3(&mb, &all))
	return low, high
}

// span is the greatest distance of a point from the origin, or more.
func (t *tree) span() float64 {
	sum := 0.0
	for d, m := range t.nodes[0].middle {
		v := math.Abs(m) + t.nodes[0].half[d]
		sum += v * v
	}
	return math.Sqrt(sum)
}
