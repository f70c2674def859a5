package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tillflow/lib/embedded"
)

func startKafka(t *testing.T, cfg embedded.KafkaConfig) *embedded.Kafka {
	t.Helper()
	k, err := embedded.StartKafka(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return k
}

func kafkaClient(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.AllowAutoTopicCreation())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func produce(t *testing.T, c *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// consume returns n values of a topic, sorted.
func consume(t *testing.T, brokers []string, topic string, n int) []string {
	t.Helper()
	values := consumeUntil(t, brokers, topic, func(values []string) bool { return len(values) >= n })
	slices.Sort(values)
	return values
}

// consumeUntil returns the values of a topic from its start, in the order they come, until there are enough.
func consumeUntil(t *testing.T, brokers []string, topic string, enough func(values []string) bool) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := kafkaClient(t, brokers, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var values []string
	for !enough(values) {
		fetched := c.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			t.Fatalf("after %d messages: %v", len(values), err)
		}
		fetched.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// identity returns the ids of the cluster and of a topic, and the topic's number of partitions.
func identity(t *testing.T, c *kgo.Client, topic string) (cluster, id string, partitions int) {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return *resp.ClusterID, fmt.Sprintf("%x", resp.Topics[0].TopicID), len(resp.Topics[0].Partitions)
}

// The stream stores the ids with its offsets and stops when they change, so a restart must not change them.
func TestKafkaKeepsMessagesAndIdsOverARestart(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	k := startKafka(t, embedded.KafkaConfig{State: state, Partitions: 3})
	c := kafkaClient(t, k.Brokers())
	produce(t, c, "transactions", "a", "b")
	cluster, topic, partitions := identity(t, c, "transactions")
	if partitions != 3 {
		t.Errorf("%d partitions, want 3", partitions)
	}
	c.Close()
	if err := k.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	k = startKafka(t, embedded.KafkaConfig{State: state, Port: k.Port()})
	c = kafkaClient(t, k.Brokers())
	produce(t, c, "transactions", "c")
	if got := consume(t, k.Brokers(), "transactions", 3); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("after the restart: %q", got)
	}
	cluster2, topic2, partitions2 := identity(t, c, "transactions")
	if cluster != cluster2 || topic != topic2 || partitions != partitions2 {
		t.Errorf("before %s %s %d, after the restart %s %s %d", cluster, topic, partitions, cluster2, topic2, partitions2)
	}
}

func TestKafkaInMemoryStartsEmptyAsAnotherCluster(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for range 2 {
		k := startKafka(t, embedded.KafkaConfig{})
		c := kafkaClient(t, k.Brokers())
		produce(t, c, "transactions", "a")
		cluster, _, partitions := identity(t, c, "transactions")
		ids[cluster] = true
		if partitions != 2 {
			t.Errorf("%d partitions, want the default of 2", partitions)
		}
	}
	if len(ids) != 2 {
		t.Errorf("two brokers in memory have the same cluster id: %v", ids)
	}
}

func TestKafkaRefusesATakenPort(t *testing.T) {
	t.Parallel()
	l, port := listen(t)
	_, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Port: port})
	var taken *embedded.PortTakenError
	if !errors.As(err, &taken) || taken.Port != port || taken.Service != "Kafka" {
		t.Fatalf("got %v, want a PortTakenError for %d", err, port)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	startKafka(t, embedded.KafkaConfig{Port: port})
}

// Two brokers on one folder would write over each other's logs.
func TestKafkaRefusesAFolderInUse(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	startKafka(t, embedded.KafkaConfig{State: state})
	_, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{State: state})
	var used *embedded.InUseError
	if !errors.As(err, &used) || used.PID == 0 {
		t.Fatalf("got %v, want an InUseError with a process id", err)
	}
}

// A batch above the limit is refused here as it is by a real broker, so that nobody finds out in production.
func TestKafkaLimitsBatchesLikeARealBroker(t *testing.T) {
	t.Parallel()
	k := startKafka(t, embedded.KafkaConfig{})
	c := kafkaClient(t, k.Brokers(), kgo.ProducerBatchMaxBytes(4<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	produce(t, c, "transactions", string(make([]byte, 1_000_000)))
	err := c.ProduceSync(t.Context(), &kgo.Record{Topic: "transactions", Value: make([]byte, 1_100_000)}).FirstErr()
	if err == nil {
		t.Fatal("a batch of 1.1 MB was accepted")
	}
}

// listen takes a free port on loopback until the test ends.
func listen(t *testing.T) (net.Listener, int) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, l.Addr().(*net.TCPAddr).Port
}
