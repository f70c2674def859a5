//go:build unix && kafka

package kafkasrc_test

import (
	"testing"
	"time"

	"tillflow/lib/kafkatest"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The leader of a partition is killed or stopped again and again, also when it leads the whole cluster, and another replica
// takes its place. Each message is stored once and in order, though the new leader does not know who has sent them.
func TestClusterLeadersMove(t *testing.T) {
	cluster := kafkatest.StartCluster(t, 3)
	cl := franz(t, cluster.Brokers())
	const topic = "moves"
	x := startTraffic(t, open(t, cluster.Brokers(), nil), topic)
	for i := range 6 {
		x.goesOn()
		node := leaderOf(t, cl, topic)
		begun := time.Now()
		if i%3 == 2 {
			cluster.Stop(node)
		} else {
			cluster.Kill(node)
		}
		x.goesOn()
		now := leaderOf(t, cl, topic)
		t.Logf("led by %d after %d, and 50 batches more, %v later", now, node, time.Since(begun).Round(time.Millisecond))
		if now == node {
			t.Errorf("node %d still leads", node)
		}
		cluster.Restart(node)
		inSync(t, cl, topic, 3)
	}
	x.goesOn()
	x.end()
	t.Logf("%d messages", len(x.want))
}

// about asks for a topic's only partition.
func about(t *testing.T, cl *kgo.Client, topic string) (p kmsg.MetadataResponseTopicPartition, ok bool) {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(t.Context(), cl)
	if err != nil || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return p, false // between two leaders
	}
	return res.Topics[0].Partitions[0], true
}

// leaderOf waits until a partition has a leader.
func leaderOf(t *testing.T, cl *kgo.Client, topic string) int {
	t.Helper()
	return int(wait(t, cl, topic, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader > 0 }).Leader)
}

// inSync waits until so many replicas are as far as their leader.
func inSync(t *testing.T, cl *kgo.Client, topic string, n int) {
	t.Helper()
	wait(t, cl, topic, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader > 0 && len(p.ISR) == n })
}

func wait(t *testing.T, cl *kgo.Client, topic string, cond func(kmsg.MetadataResponseTopicPartition) bool) kmsg.MetadataResponseTopicPartition {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		p, ok := about(t, cl, topic)
		if ok && cond(p) {
			return p
		}
		if time.Now().After(deadline) {
			t.Fatalf("partition of %s is still %+v", topic, p)
		}
	}
}
