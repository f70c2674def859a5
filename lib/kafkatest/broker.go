//go:build unix

package kafkatest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Broker is a real Kafka with one node. It is a Node, and not for concurrent use.
type Broker struct {
	t testing.TB
	s *server
}

// startTime bounds a start, the fetching of the jars included.
const startTime = 3 * time.Minute

// Start starts a broker for one test, which may stop, kill and restart it. It is gone at the test's end. settings are
// Kafka's own ("num.partitions": "3"); nil for none.
func Start(t testing.TB, settings map[string]string) *Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	s, err := launch(ctx, settings)
	if err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
	t.Cleanup(s.close)
	return &Broker{t, s}
}

// Shared returns the addresses of the broker that all tests of this binary use at the same time, each with topics of
// its own. It starts at the first use and ends with the process.
func Shared(t testing.TB) []string {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTime)
		defer cancel()
		shared.s, shared.err = launch(ctx, nil)
	})
	if shared.err != nil {
		t.Fatalf("kafkatest: %v", shared.err)
	}
	return []string{shared.s.address()}
}

var shared struct {
	once sync.Once
	s    *server
	err  error
}

// launch starts a broker, on other ports when somebody was faster at the ones chosen.
func launch(ctx context.Context, settings map[string]string) (*server, error) {
	for tries := 1; ; tries++ {
		s, err := newServer(ctx, settings)
		if err != nil {
			return nil, err
		}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
		s.close()
		if tries == attempts || !portTaken(err) {
			return nil, err
		}
	}
}

// attempts is how often a start is tried when a port was taken between its choice and its use.
const attempts = 3

func portTaken(err error) bool { return strings.Contains(err.Error(), "Address already in use") }

// Brokers returns the address to give to clients.
func (b *Broker) Brokers() []string { return []string{b.s.address()} }

// Stop ends the broker with SIGTERM.
func (b *Broker) Stop() { b.t.Helper(); b.end(syscall.SIGTERM) }

// Kill ends the broker with kill -9.
func (b *Broker) Kill() { b.t.Helper(); b.end(syscall.SIGKILL) }

func (b *Broker) end(sig syscall.Signal) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if err := b.s.end(ctx, sig); err != nil {
		b.t.Fatalf("kafkatest: %v", err)
	}
}

// Restart starts the broker again, after a Stop if it runs.
func (b *Broker) Restart() {
	b.t.Helper()
	b.Stop()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for tries := 1; ; tries++ {
		err := b.s.start(ctx)
		if err == nil {
			return
		}
		if tries == attempts || !portTaken(err) {
			b.t.Fatalf("kafkatest: restart: %v", err)
		}
	}
}

// CutTail shortens the last segment of a partition. The broker finds that at its next start only after a Kill: it believes
// what it has written down at a Stop.
func (b *Broker) CutTail(topic string, partition int) {
	b.t.Helper()
	cutTail(b.t, b.log(topic, partition))
}

// Damage changes a message on disk. After a Stop the broker does not look and hands it out.
func (b *Broker) Damage(topic string, partition int) {
	b.t.Helper()
	damage(b.t, b.log(topic, partition))
}

func (b *Broker) log(topic string, partition int) string {
	return filepath.Join(b.s.dir, "data", fmt.Sprintf("%s-%d", topic, partition), "*.log")
}
