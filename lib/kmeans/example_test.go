package kmeans_test

import (
	"fmt"

	"tillflow/lib/kmeans"
)

// Customers by recency in days, number of purchases and money spent.
func Example() {
	columns := [][]float64{
		{2, 3, 1, 200, 180, 250, 30, 28},
		{40, 50, 45, 1, 2, 1, 6, 5},
		{9000, 12000, 8000, 30, 45, 20, 400, 350},
	}
	for _, column := range columns {
		kmeans.Log1p(column)
		kmeans.Standardize(column)
	}
	model, err := kmeans.Fit(kmeans.FromColumns(columns...), kmeans.Defaults(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	first := model.Labels[0]
	for i, label := range model.Labels {
		fmt.Print(label == first, " ")
		if i == 2 || i == 5 {
			first = model.Labels[i+1]
			fmt.Print("| ")
		}
	}
	fmt.Printf("| inertia %.2f\n", model.Inertia)
	// Output:
	// true true true | true true true | true true | inertia 0.23
}

// Which number of clusters fits, and who is in them.
func ExampleSet_Sweep() {
	days := []float64{2, 3, 1, 200, 180, 250, 30, 28, 33}
	spent := []float64{9000, 12000, 8000, 30, 45, 20, 400, 350, 410}
	scaled := [][]float64{append([]float64(nil), days...), append([]float64(nil), spent...)}
	for _, column := range scaled {
		kmeans.Log1p(column)
		kmeans.Standardize(column)
	}
	set, err := kmeans.Prepare(kmeans.FromColumns(scaled...), 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	sweep, err := set.Sweep(2, 6, 10_000, kmeans.Defaults(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range sweep.Trials {
		fmt.Printf("k=%d inertia %.2f silhouette %.2f\n", t.K, t.Inertia, t.Silhouette)
	}
	fmt.Println("elbow at", sweep.Elbow)

	model, err := set.Fit(kmeans.Defaults(sweep.Elbow))
	if err != nil {
		fmt.Println(err)
		return
	}
	profiles := kmeans.Profiles(model.Labels, sweep.Elbow, []kmeans.Feature{
		{Values: days, Words: [5]string{"just now", "lately", "a while ago", "long ago", "very long ago"}, Format: func(v float64) string { return fmt.Sprintf("%.0f days", v) }},
		{Values: spent, Words: [5]string{"spent very little", "little", "something", "much", "very much"}, Format: func(v float64) string { return fmt.Sprintf("%.0f", v) }},
	})
	fmt.Println(profiles[model.Labels[0]].Text)
	// Output:
	// k=2 inertia 3.64 silhouette 0.70
	// k=3 inertia 0.17 silhouette 0.88
	// k=4 inertia 0.10 silhouette 0.67
	// k=5 inertia 0.04 silhouette 0.46
	// k=6 inertia 0.02 silhouette 0.39
	// elbow at 3
	// just now (2 days), very much (9000)
}
