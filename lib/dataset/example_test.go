package dataset_test

import (
	"fmt"

	"tillflow/lib/dataset"
)

func ExampleEncode() {
	names, codes := dataset.Encode([]string{"MOUSE-001", "LAPTOP-001", "MOUSE-001"})
	fmt.Println(names, codes)
	// Output: [LAPTOP-001 MOUSE-001] [1 0 1]
}
