package ledger_test

import (
	"fmt"

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
