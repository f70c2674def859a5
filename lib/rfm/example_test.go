package rfm_test

import (
	"fmt"
	"time"

	"tillflow/lib/rfm"
)

// Five customers, and when they bought. Amounts are in minor units.
func Example() {
	day := func(d int) int64 { return time.Date(2025, 1, d, 12, 0, 0, 0, time.UTC).UnixMicro() }
	r, err := rfm.Compute(rfm.Lines{
		Customer: []int64{10, 10, 10, 21, 21, 32, 43, 43, 54},
		Time:     []int64{day(2), day(20), day(30), day(3), day(5), day(29), day(10), day(28), day(1)},
		Amount:   []int64{50_00, 60_00, 20_00, 10_00, 10_00, 99_00, 5_00, 5_00, 8_00},
	}, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), rfm.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, id := range r.ID {
		fmt.Println(id, ":", r.Recency[i], "days", r.Frequency[i], "times", r.Monetary[i],
			"->", r.R[i], r.F[i], r.M[i], rfm.Default.Segment(r.R[i], r.F[i]))
	}
	// Output:
	// 10 : 1 days 3 times 13000 -> 5 5 5 Champions
	// 21 : 26 days 2 times 2000 -> 2 3 3 At Risk
	// 32 : 2 days 1 times 9900 -> 4 1 4 New Customers
	// 43 : 3 days 2 times 1000 -> 3 4 2 Loyal Customers
	// 54 : 30 days 1 times 800 -> 1 2 1 Hibernating
}
