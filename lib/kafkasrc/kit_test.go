package kafkasrc_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// broker starts the embedded broker and opens a client of it.
func broker(t testing.TB) (*embedded.Kafka, *kafkasrc.Client) {
	t.Helper()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return k, open(t, k.Brokers(), nil)
}

func open(t testing.TB, brokers []string, log *slog.Logger) *kafkasrc.Client {
	t.Helper()
	c, err := kafkasrc.Open(brokers, kafkasrc.Options{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// cluster starts a broker that can be made to fail.
func cluster(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "sales")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// msg is a Message that outlives its fetch.
type msg struct {
	Offset, TimeMs int64
	Key, Value     string
	Null           bool
	Headers        []kafkasrc.Header
}

func keep(m *kafkasrc.Message) msg {
	headers := m.Headers()
	for i := range headers {
		headers[i].Value = bytes.Clone(headers[i].Value)
	}
	return msg{m.Offset, m.TimeMs, string(m.Key), string(m.Value), m.Value == nil, headers}
}

// readAll gives the messages of a partition from an offset to its end.
func readAll(t testing.TB, c *kafkasrc.Client, topic string, partition int, from int64) []msg {
	t.Helper()
	log, err := c.Offsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var got []msg
	f := c.NewFetcher(topic, partition)
	for from < log[partition].End {
		res, err := f.Fetch(t.Context(), from, time.Second, func(m *kafkasrc.Message) error {
			got = append(got, keep(m))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if res.Next <= from {
			t.Fatalf("fetch from %d gave %+v", from, res)
		}
		from = res.Next
	}
	return got
}

func values(ms []msg) []string {
	vs := make([]string, len(ms))
	for i, m := range ms {
		vs[i] = m.Value
	}
	return vs
}

// send makes the topic if needed and appends values to its partition 0.
func send(t testing.TB, c *kafkasrc.Client, topic string, values ...string) {
	t.Helper()
	if err := c.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	p, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	rs := make([]kafkasrc.Record, len(values))
	for i, v := range values {
		rs[i] = kafkasrc.Record{Value: []byte(v), TimeMs: int64(i)}
	}
	if err := p.Send(t.Context(), 0, rs); err != nil {
		t.Fatal(err)
	}
}

func franz(t testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}
