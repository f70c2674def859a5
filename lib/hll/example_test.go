package hll_test

import (
	"fmt"

	"tillflow/lib/hll"
)

// Two tills saw customers, some of them the same.
func Example() {
	var first, second hll.Sketch
	for i := range 6000 {
		first.Add(hll.Text(fmt.Sprint("customer ", i)))
	}
	for i := 4000; i < 10_000; i++ {
		second.Add(hll.Text(fmt.Sprint("customer ", i)))
	}
	first.Merge(&second)
	fmt.Println(first.Estimate() > 9500 && first.Estimate() < 10_500)
	// Output: true
}
