package segments

import (
	"cmp"
	"math"
	"slices"

	"tillflow/lib/kmeans"
	"tillflow/lib/rfm"
)

// groups are the clusters: label of each customer, -1 for none, how many clusters have customers, who these are, and the
// points they were made of; nil when nobody has a cluster.
type groups struct {
	label    []int32
	k        int
	profiles []kmeans.Profile
	set      *kmeans.Set
}

// cluster groups the customers who spent something.
func (j *Job) cluster(recency []int64, c rfm.Customers) (groups, error) {
	g := groups{label: make([]int32, c.Len())}
	var who []int
	features := make([][]float64, 3)
	unit := math.Pow10(*j.with.Scale)
	for i := range g.label {
		g.label[i] = -1
		if c.Monetary[i] > 0 {
			who = append(who, i)
			features[0] = append(features[0], float64(recency[i]))
			features[1] = append(features[1], float64(c.Frequency[i]))
			features[2] = append(features[2], float64(c.Monetary[i])/unit)
		}
	}
	if len(who) == 0 {
		return g, nil
	}
	for _, column := range features {
		kmeans.Log1p(column)
		kmeans.Standardize(column)
	}
	o := kmeans.Defaults(j.with.K)
	o.Starts, o.Seed, o.Tolerance = j.with.Starts, j.with.Seed, 0
	var err error
	if g.set, err = kmeans.Prepare(kmeans.FromColumns(features...), o.Workers); err != nil {
		return groups{}, err
	}
	model, err := g.set.Fit(o)
	if err != nil {
		return groups{}, err
	}
	model.Renumber(bySpend(model, who, recency, c))
	for i, label := range model.Labels {
		g.label[who[i]] = label
	}
	for _, size := range model.Sizes {
		if size > 0 {
			g.k++
		}
	}
	g.profiles = j.profiles(g, recency, c)
	return g, nil
}

// bySpend orders clusters by descending mean monetary value, then by ascending mean recency; empty ones come last.
func bySpend(m *kmeans.Model, who []int, recency []int64, c rfm.Customers) []int {
	spent, days := make([]float64, len(m.Sizes)), make([]float64, len(m.Sizes))
	for i, label := range m.Labels {
		spent[label] += float64(c.Monetary[who[i]])
		days[label] += float64(recency[who[i]])
	}
	order := make([]int, len(m.Sizes))
	for j, size := range m.Sizes {
		order[j] = j
		if size == 0 {
			spent[j] = math.Inf(-1)
			continue
		}
		spent[j] /= float64(size)
		days[j] /= float64(size)
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(spent[b], spent[a]), cmp.Compare(days[a], days[b]), cmp.Compare(a, b))
	})
	return order
}
