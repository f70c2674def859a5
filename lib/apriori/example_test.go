package apriori_test

import (
	"context"
	"fmt"

	"tillflow/lib/apriori"
)

func Example() {
	names := []string{"BAG", "HUB", "LAPTOP", "MOUSE"} // item numbers are in the order of the names
	baskets, err := apriori.FromPairs(
		[]int32{0, 0, 0, 1, 1, 2, 2, 3, 4, 4},
		[]int32{2, 3, 0, 2, 3, 2, 3, 1, 3, 0}, 5, len(names))
	if err != nil {
		fmt.Println(err)
		return
	}
	sets, err := apriori.Mine(context.Background(), baskets, apriori.Options{MinSupport: 0.4})
	if err != nil {
		fmt.Println(err)
		return
	}
	for items, count := range sets.All() {
		for _, item := range items {
			fmt.Print(names[item], " ")
		}
		fmt.Println(count)
	}
	rules, err := apriori.Rules(sets, apriori.RuleOptions{MinConfidence: 0.7, MaxConsequent: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rules {
		fmt.Printf("%s -> %s: confidence %.2f (%.2f to %.2f), lift %.2f, p %.2f\n", names[r.Antecedent[0]], names[r.Consequent[0]],
			r.Confidence, r.ConfidenceLow, r.ConfidenceHigh, r.Lift, r.P)
	}
	// Output:
	// BAG 2
	// LAPTOP 3
	// MOUSE 4
	// BAG MOUSE 2
	// LAPTOP MOUSE 3
	// LAPTOP -> MOUSE: confidence 1.00 (0.44 to 1.00), lift 1.25, p 0.40
	// BAG -> MOUSE: confidence 1.00 (0.34 to 1.00), lift 1.25, p 0.60
	// MOUSE -> LAPTOP: confidence 0.75 (0.30 to 0.95), lift 1.25, p 0.40
}
