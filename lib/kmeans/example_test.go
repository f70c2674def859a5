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
