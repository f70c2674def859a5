package kmeans

import (
	"math"
	"slices"
)

// Silhouette is the mean over the points of (b-a)/max(a,b), a being the mean distance to the others of a point's own
// cluster and b the least of the mean distances to another cluster's points; a point alone in its cluster counts 0. It is
// NaN with fewer than two clusters. Labels are 0 or more.
//
// Cost: n^2 distances; draw a sample of large sets.
func Silhouette(x Points, labels []int32, workers int) float64 {
	return silhouettes(x, [][]int32{labels}, workers)[0]
}

// silhouettes are those of several ways to label the same points. Points that all ways label alike form a group; the
// distances of a point are added up by group, and the sums of groups to those of clusters, so that all ways together cost
// little more than one.
func silhouettes(x Points, ways [][]int32, workers int) []float64 {
	n := x.Len()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		for _, labels := range ways {
			if labels[a] != labels[b] {
				return int(labels[a]) - int(labels[b])
			}
		}
		return 0
	})
	sorted := Points{D: x.D, X: make([]float64, 0, len(x.X))}
	var ends []int // of the groups
	for i, point := range order {
		sorted.X = append(sorted.X, x.At(point)...)
		if i > 0 && slices.ContainsFunc(ways, func(labels []int32) bool { return labels[point] != labels[order[i-1]] }) {
			ends = append(ends, i)
		}
	}
	if n > 0 {
		ends = append(ends, n)
	}
	divisions := make([]division, len(ways))
	for w, labels := range ways {
		divisions[w] = newDivision(labels, order, ends)
	}
	parts := make([][]float64, (n+63)/64) // sums of 64 points each, by way
	each(len(parts), workers, func(_, part int) {
		parts[part] = make([]float64, len(ways))
		groups := make([]float64, len(ends))
		for i := part * 64; i < min((part+1)*64, n); i++ {
			group := sorted.reach(i, ends, groups)
			for w := range divisions {
				parts[part][w] += divisions[w].silhouette(group, groups)
			}
		}
	})
	means := make([]float64, len(ways))
	for w := range means {
		if divisions[w].clusters < 2 {
			means[w] = math.NaN()
			continue
		}
		for _, part := range parts {
			means[w] += part[w]
		}
		means[w] /= float64(n)
	}
	return means
}

// reach writes the sum of the distances from point i to those of each group, and returns the group i is in.
func (p Points) reach(i int, ends []int, groups []float64) (own int) {
	from, start := p.At(i), 0
	for g, end := range ends {
		sum := 0.0
		if p.D == 3 {
			for j := start; j < end; j++ {
				sum += math.Sqrt(distance3((*[3]float64)(from), (*[3]float64)(p.X[3*j:])))
			}
		} else {
			for j := start; j < end; j++ {
				sum += math.Sqrt(distance(from, p.At(j)))
			}
		}
		if start <= i && i < end {
			own = g
		}
		groups[g], start = sum, end
	}
	return own
}

// division is one way to label, by group.
type division struct {
	label    []int32 // of each group
	size     []int   // points a cluster
	clusters int     // with points
}

func newDivision(labels []int32, order, ends []int) division {
	var d division
	start := 0
	for _, end := range ends {
		label := labels[order[start]]
		d.label = append(d.label, label)
		for int(label) >= len(d.size) {
			d.size = append(d.size, 0)
		}
		if d.size[label] == 0 {
			d.clusters++
		}
		d.size[label] += end - start
		start = end
	}
	return d
}

// silhouette is that of one point, by the sums of its distances to each group.
func (d *division) silhouette(group int, groups []float64) float64 {
	own := d.label[group]
	if d.size[own] == 1 || d.clusters < 2 {
		return 0
	}
	var few [16]float64 // most sweeps end below
	sums := few[:]
	if len(d.size) > len(few) {
		sums = make([]float64, len(d.size))
	}
	for g, sum := range groups {
		sums[d.label[g]] += sum
	}
	a, b := sums[own]/float64(d.size[own]-1), math.Inf(1)
	for label, size := range d.size {
		if size > 0 && label != int(own) {
			b = min(b, sums[label]/float64(size))
		}
	}
	if widest := max(a, b); widest > 0 {
		return (b - a) / widest
	}
	return 0
}
