package publish_test

import (
	"fmt"

	"tillflow/lib/publish"
)

func ExampleMinor() {
	value, err := publish.Minor(129_95, 2).Value()
	fmt.Println(value, err)
	// Output: 129.95 <nil>
}
