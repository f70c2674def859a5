//go:build unix && kafka

package stream

import (
	"testing"

	"tillflow/lib/kafkatest"
)

// Every node of a cluster is killed in its turn, in the middle of a backlog: leaders, coordinators and the controller move, and
// two workers go on and store everything once.
func TestClusterNodesAreKilled(t *testing.T) {
	cluster := kafkatest.StartCluster(t, 3)
	r := newBrokerRig(t, cluster.Brokers(), 4)
	p := r.producer(21, 4)
	small := func(w *With, _ *Deps) { w.Batch = 200 }
	a, b := r.start("a", small), r.start("b", small)
	for node := 1; node <= 3; node++ {
		p.produce(6_000)
		r.until("reading", func() bool { return p.backlog() < 5_000 })
		cluster.Kill(node)
		p.produce(6_000)
		r.until("going on", func() bool { return p.backlog() < 3_000 })
		cluster.Restart(node)
	}
	p.exact()
	a.stop()
	b.stop()
}
