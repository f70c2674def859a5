//go:build unix && kafka

package kafkatest

import "testing"

func init() {
	sites = append(sites, Site{Name: "kafka", Shared: Shared, Own: func(t testing.TB) Node { return Start(t, nil) }, Compacts: true})
}
