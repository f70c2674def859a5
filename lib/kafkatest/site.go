//go:build unix

package kafkatest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"tillflow/lib/embedded"
)

// Site is a kind of broker that a suite runs against.
type Site struct {
	Name string

	// Shared gives the addresses of a broker that other tests may use at the same time, each with topics of its own.
	Shared func(t testing.TB) []string

	// Own starts a broker for one test alone, with its log on disk. It is gone at the test's end.
	Own func(t testing.TB) Node

	// Compacts says that a compacted topic is looked at within a second; the embedded broker does so once an hour.
	Compacts bool
}

// Node is a broker that its test may stop, kill and start again. The methods fail the test when they cannot.
type Node interface {
	Brokers() []string
	Stop()    // as an operator does: with what a clean start wants to find on disk
	Kill()    // kill -9
	Restart() // on the same log and address, after a Stop if it runs

	// CutTail takes the last bytes of a partition's log away, as a machine does that loses power before it has written what
	// it had acknowledged. The broker must be down, and the last batch of the partition is lost.
	CutTail(topic string, partition int)

	// Damage changes one bit of a partition's last message, as a bad disk does. The broker must be down, after a Stop.
	Damage(topic string, partition int)
}

// Sites are the embedded broker and, with the build tag kafka, a real one.
func Sites() []Site { return sites }

var sites = []Site{{
	Name:   "embedded",
	Shared: func(t testing.TB) []string { return startEmbedded(t, "").Brokers() },
	Own:    func(t testing.TB) Node { return startEmbedded(t, t.TempDir()) },
}}

// embeddedNode runs in this process, so Kill can do no more than Stop; what a kill -9 of the process leaves is tested
// in package embedded.
type embeddedNode struct {
	t   testing.TB
	k   *embedded.Kafka
	cfg embedded.KafkaConfig
}

func startEmbedded(t testing.TB, state string) *embeddedNode {
	n := &embeddedNode{t: t, cfg: embedded.KafkaConfig{State: state}}
	n.Restart()
	n.cfg.Port = n.k.Port()
	t.Cleanup(n.Stop)
	return n
}

func (n *embeddedNode) Brokers() []string { return n.k.Brokers() }
func (n *embeddedNode) Kill()             { n.t.Helper(); n.Stop() }

func (n *embeddedNode) Stop() {
	n.t.Helper()
	if err := n.k.Stop(context.WithoutCancel(n.t.Context())); err != nil {
		n.t.Errorf("kafkatest: %v", err)
	}
}

func (n *embeddedNode) Restart() {
	n.t.Helper()
	if n.k != nil {
		n.Stop()
	}
	k, err := embedded.StartKafka(n.t.Context(), n.cfg)
	if err != nil {
		n.t.Fatalf("kafkatest: %v", err)
	}
	n.k = k
}

func (n *embeddedNode) CutTail(topic string, partition int) {
	n.t.Helper()
	cutTail(n.t, n.log(topic, partition))
}

func (n *embeddedNode) Damage(topic string, partition int) {
	n.t.Helper()
	damage(n.t, n.log(topic, partition))
}

func (n *embeddedNode) log(topic string, partition int) string {
	return filepath.Join(n.cfg.State, "kafka", "data", "partitions", fmt.Sprintf("%s-%d", topic, partition), "*.dat")
}
