package segments

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"tillflow/dag/run"
	"tillflow/lib/kmeans"
	"tillflow/lib/publish"
	"tillflow/lib/rfm"
)

var columns = []string{
	"customer_id", "recency_days", "frequency", "monetary", "r_score", "f_score", "m_score", "rfm_segment", "cluster_id", "run_id", "as_of",
}

// output are the rows to write, and a few words about them.
type output struct {
	cells [][]any
	note  string
}

// segment scores and groups the customers.
func (j *Job) segment(p purchases, in run.Input) (output, error) {
	asOf := in.AsOf.UTC()
	recency := p.customers.RecencyDays(asOf.UnixMicro())
	score := func(ties rfm.Ties) rfm.Scores {
		return rfm.Score(recency, p.customers.Frequency, p.customers.Monetary, ties)
	}
	scores := score(rfm.Ties(j.with.Ties))
	groups, err := j.cluster(recency, p.customers)
	if err != nil {
		return output{}, fmt.Errorf("group customers: %w", err)
	}
	out := output{cells: make([][]any, len(p.ids))}
	seen := map[string]bool{}
	for i, id := range p.ids {
		segment := j.table.Segment(scores.R[i], scores.F[i])
		seen[segment] = true
		var group any
		if groups.label[i] >= 0 {
			group = groups.label[i]
		}
		out.cells[i] = []any{
			id, int32(min(recency[i], math.MaxInt32)), p.customers.Frequency[i], publish.Minor(p.customers.Monetary[i], *j.with.Scale),
			int16(scores.R[i]), int16(scores.F[i]), int16(scores.M[i]), segment, group, string(in.ID), asOf,
		}
	}
	out.note = fmt.Sprintf("%s customers, %d segments, k=%d", thousands(len(p.ids)), len(seen), groups.k)
	if differ := rfm.Differ(score(rfm.First), score(rfm.Value)); j.with.Ties == string(rfm.First) && differ > 0 {
		out.note += fmt.Sprintf(", %s would score otherwise with ties: value", thousands(differ))
	}
	return out, nil
}

// groups are the clusters: label of each customer, -1 for none, and how many clusters have customers.
type groups struct {
	label []int32
	k     int
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
	model, err := kmeans.Fit(kmeans.FromColumns(features...), o)
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

// thousands writes a count with separators.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
