package kmeans

import (
	"slices"
	"sort"
	"strings"
)

// Feature is a property of the points as people know it, before logarithms and scales.
type Feature struct {
	Values []float64 // of each point
	Words  [5]string // for the fifths of all values, from the lowest to the highest
	Format func(v float64) string
}

// Profile is what sets a cluster apart.
type Profile struct {
	Size    int
	Share   float64   // of all points that have a cluster
	Sums    []float64 // by feature
	Means   []float64
	Medians []float64 // of an even number of points the lower one, a value that occurs
	Text    string    // a phrase a feature: the word for the fifth its median lies in, and the median
}

// Profiles describes clusters 0 to k-1. Points with a label below 0 belong to none and are left out. An empty cluster has
// Size 0 and no text.
func Profiles(labels []int32, k int, features []Feature) []Profile {
	profiles := make([]Profile, k)
	all := 0
	for _, label := range labels {
		if label >= 0 {
			profiles[label].Size++
			all++
		}
	}
	phrases := make([][]string, k)
	for _, f := range features {
		values := make([][]float64, k)
		sorted := make([]float64, 0, all)
		for i, label := range labels {
			if label >= 0 {
				values[label] = append(values[label], f.Values[i])
				sorted = append(sorted, f.Values[i])
			}
		}
		slices.Sort(sorted)
		for j := range profiles {
			p, of := &profiles[j], values[j]
			sum, mean, median := 0.0, 0.0, 0.0
			for _, v := range of {
				sum += v
			}
			if len(of) > 0 {
				slices.Sort(of)
				mean, median = sum/float64(len(of)), of[(len(of)-1)/2]
				phrases[j] = append(phrases[j], f.Words[fifth(sorted, median)]+" ("+f.Format(median)+")")
			}
			p.Sums, p.Means, p.Medians = append(p.Sums, sum), append(p.Means, mean), append(p.Medians, median)
		}
	}
	for j := range profiles {
		if all > 0 {
			profiles[j].Share = float64(profiles[j].Size) / float64(all)
		}
		profiles[j].Text = strings.Join(phrases[j], ", ")
	}
	return profiles
}

// fifth is where a value lies among all, 0 to 4; of equal values the middle one counts.
func fifth(sorted []float64, v float64) int {
	below := sort.SearchFloat64s(sorted, v)
	upTo := sort.Search(len(sorted), func(i int) bool { return sorted[i] > v })
	return min(4, 5*(below+upTo)/(2*len(sorted)))
}
