//go:build unix

package kafkatest_test

import (
	"fmt"

	"tillflow/lib/kafkatest"
)

// A suite is written once and runs against every site: for each of kafkatest.Sites(), t.Run(site.Name, ...) with
// site.Shared(t) for an address, or site.Own(t) for a broker to kill.
func Example() {
	for _, site := range kafkatest.Sites()[:1] { // with the build tag kafka there is a second: "kafka"
		fmt.Println(site.Name)
	}
	// Output: embedded
}
