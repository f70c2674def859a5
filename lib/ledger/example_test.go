package ledger_test

import (
	"fmt"
	"time"

	"tillflow/lib/ledger"
)

// Three partitions are shared by two workers; when one of them is gone, the other has all.
func ExampleAssign() {
	fmt.Println(ledger.Assign([]string{"host-a", "host-b"}, []int{0, 1, 2}, "host-a"))
	fmt.Println(ledger.Assign([]string{"host-a", "host-b"}, []int{0, 1, 2}, "host-b"))
	fmt.Println(ledger.Assign([]string{"host-b"}, []int{0, 1, 2}, "host-b"))
	// Output:
	// [0 2]
	// [1]
	// [0 1 2]
}

// A stream is as far as its slowest partition that still has something to say.
func ExampleWatermarkOf() {
	noon := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	watermark, ok := ledger.WatermarkOf([]ledger.Partition{
		{Partition: 0, MaxEvent: noon.Add(30 * time.Minute), Updated: noon.Add(31 * time.Minute)},
		{Partition: 1, MaxEvent: noon.Add(20 * time.Minute), Updated: noon.Add(31 * time.Minute)},
		{Partition: 2, MaxEvent: noon, Updated: noon}, // silent for half an hour
	}, time.Minute, 5*time.Minute)
	fmt.Println(watermark.Format(time.TimeOnly), ok)
	// Output: 12:15:00 true
}
