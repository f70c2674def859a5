//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Cluster is a real Kafka of several nodes, each of them broker and controller, with every partition on three of them. It is
// not for concurrent use.
type Cluster struct {
	t     testing.TB
	nodes []*server
}

// StartCluster starts a cluster for one test. It is gone at the test's end.
func StartCluster(t testing.TB, nodes int) *Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	for tries := 1; ; tries++ {
		c, err := launchCluster(ctx, nodes)
		if err == nil {
			t.Cleanup(c.close)
			c.t = t
			return c
		}
		if tries == attempts || !portTaken(err) {
			t.Fatalf("kafkatest: %v", err)
		}
	}
}

func launchCluster(ctx context.Context, nodes int) (*Cluster, error) {
	var ports, controllers []int
	var voters []string
	for i := range nodes {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		controller, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		ports, controllers = append(ports, port), append(controllers, controller)
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", i+1, controller))
	}
	c, id := &Cluster{}, newClusterID()
	replicas := fmt.Sprint(min(nodes, 3))
	for i := range nodes {
		s, err := newNode(ctx, ports[i], id, map[string]string{
			"node.id":                                  fmt.Sprint(i + 1),
			"controller.quorum.voters":                 strings.Join(voters, ","),
			"listeners":                                fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", ports[i], controllers[i]),
			"default.replication.factor":               replicas,
			"min.insync.replicas":                      fmt.Sprint(min(nodes, 2)),
			"offsets.topic.replication.factor":         replicas,
			"transaction.state.log.replication.factor": replicas,

			// Who has sent old messages is forgotten at once, and not within ten minutes.
			"producer.id.expiration.check.interval.ms": "500",
		})
		if err != nil {
			c.close()
			return nil, err
		}
		c.nodes = append(c.nodes, s)
	}
	if err := c.start(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// start starts all nodes at once, for one alone does not answer.
func (c *Cluster) start(ctx context.Context) error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, s := range c.nodes {
		all.Go(func() { errs[i] = s.start(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) close() {
	for _, s := range c.nodes {
		s.close()
	}
}

// Brokers returns the addresses of all nodes, whether they run or not.
func (c *Cluster) Brokers() []string {
	var all []string
	for _, s := range c.nodes {
		all = append(all, s.address())
	}
	return all
}

// Kill ends a node with kill -9. Nodes count from 1, as their ids in the cluster do.
func (c *Cluster) Kill(node int) { c.t.Helper(); c.end(node, syscall.SIGKILL) }

// Stop ends a node with SIGTERM: it hands its partitions over before it goes.
func (c *Cluster) Stop(node int) { c.t.Helper(); c.end(node, syscall.SIGTERM) }

func (c *Cluster) end(node int, sig syscall.Signal) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	if err := c.nodes[node-1].end(ctx, sig); err != nil {
		c.t.Fatalf("kafkatest: node %d: %v", node, err)
	}
}

// Restart starts a node that does not run, and returns when it answers.
func (c *Cluster) Restart(node int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), startTime)
	defer cancel()
	if err := c.nodes[node-1].start(ctx); err != nil {
		c.t.Fatalf("kafkatest: restart node %d: %v", node, err)
	}
}
