package anomaly_test

import (
	"fmt"

	"tillflow/lib/anomaly"
)

// Five hours of a product that sells five times a minute, with ten minutes without a sale and one minute with forty.
func Example() {
	const minute = 60
	var start, revenue, orders []int64
	for i := range int64(300) {
		n := 4 + i%3
		switch {
		case i >= 150 && i < 160:
			continue // a window without sales has no row
		case i == 250:
			n = 40
		}
		start, revenue, orders = append(start, i*minute), append(revenue, n*20_00), append(orders, n)
	}
	series, err := anomaly.Fill(start, revenue, orders, 0, 300*minute, minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	events, _ := anomaly.Detect(series, anomaly.Defaults())
	for _, e := range events {
		fmt.Printf("%s from minute %d for %d: %d, expected %.0f, score %.1f\n", e.Kind, e.First, e.Windows, e.Observed, e.Expected, e.Score)
	}
	// Output:
	// drop from minute 150 for 10: 0, expected 100000, score -9.7
	// spike from minute 250 for 1: 80000, expected 10000, score 9.8
}
