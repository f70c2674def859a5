package rfm_test

import (
	"fmt"
	"time"

	"tillflow/lib/rfm"
)

// Five customers, numbered in the order of their ids. Amounts are in minor units.
func Example() {
	day := func(d int) int64 { return time.Date(2025, 1, d, 12, 0, 0, 0, time.UTC).UnixMicro() }
	customers, err := rfm.Aggregate(rfm.Lines{
		Customer: []int32{0, 0, 0, 1, 1, 2, 3, 3, 4},
		Time:     []int64{day(2), day(20), day(30), day(3), day(5), day(29), day(10), day(28), day(1)},
		Amount:   []int64{50_00, 60_00, 20_00, 10_00, 10_00, 99_00, 5_00, 5_00, 8_00},
	}, 5, rfm.Rows)
	if err != nil {
		fmt.Println(err)
		return
	}
	recency := customers.RecencyDays(time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	scores := rfm.Score(recency, customers.Frequency, customers.Monetary, rfm.First)
	for i := range recency {
		fmt.Println(recency[i], "days", customers.Frequency[i], "times", customers.Monetary[i],
			"->", scores.R[i], scores.F[i], scores.M[i], rfm.Default.Segment(scores.R[i], scores.F[i]))
	}
	// Output:
	// 1 days 3 times 13000 -> 5 5 5 Champions
	// 26 days 2 times 2000 -> 2 3 3 At Risk
	// 2 days 1 times 9900 -> 4 1 4 New Customers
	// 3 days 2 times 1000 -> 3 4 2 Loyal Customers
	// 30 days 1 times 800 -> 1 2 1 Hibernating
}
