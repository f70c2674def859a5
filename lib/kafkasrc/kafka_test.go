package kafkasrc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"

	"github.com/google/go-cmp/cmp"
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

func TestSentMessagesComeBackInOrder(t *testing.T) {
	t.Parallel()
	_, c := broker(t)
	ctx := t.Context()
	if err := c.EnsureTopic(ctx, "sales", 3); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureTopic(ctx, "sales", 5); err != nil {
		t.Fatalf("topic that exists: %v", err)
	}
	topic, err := c.Topic(ctx, "sales")
	if err != nil {
		t.Fatal(err)
	}
	if len(topic.ID) != 22 || topic.ClusterID == "" || !cmp.Equal(topic.Partitions, []int{0, 1, 2}) {
		t.Errorf("topic is %+v", topic)
	}
	p, err := c.NewProducer(ctx, "sales")
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var want []msg
	for range 5 {
		var batch []kafkasrc.Record
		for range 3000 { // more than one record batch of 900 kB
			m := msg{Offset: int64(len(want)), TimeMs: 1_700_000_000_000 + rng.Int64N(1e6), Value: strings.Repeat("x", rng.IntN(600))}
			r := kafkasrc.Record{TimeMs: m.TimeMs, Value: []byte(m.Value)}
			switch rng.IntN(10) {
			case 0:
				m.Key = "k"
				r.Key = []byte("k")
			case 1:
				m.Value, m.Null, r.Value = "", true, nil
			}
			want, batch = append(want, m), append(batch, r)
		}
		if err := p.Send(ctx, 1, batch); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, readAll(t, c, "sales", 1, 0)); diff != "" {
		t.Errorf("messages differ (-sent +read):\n%.2000s", diff)
	}
	from := int64(len(want) - 1234) // in the middle of a batch
	if diff := cmp.Diff(want[from:], readAll(t, c, "sales", 1, from)); diff != "" {
		t.Errorf("messages from %d differ (-sent +read):\n%.2000s", from, diff)
	}
	last, at, ok, err := c.LastMessage(ctx, "sales", 1)
	if err != nil || !ok || at != int64(len(want)-1) || string(last) != want[at].Value {
		t.Errorf("last message is %d %q (%v, %v)", at, last, ok, err)
	}
	first, at, ok, err := c.FirstMessage(ctx, "sales", 1)
	if err != nil || !ok || at != 0 || string(first) != want[0].Value {
		t.Errorf("first message is %d %q (%v, %v)", at, first, ok, err)
	}
	if _, _, ok, err := c.LastMessage(ctx, "sales", 0); ok || err != nil {
		t.Errorf("last message of an empty partition: %v, %v", ok, err)
	}
}

func TestFetchStopsWhereEachFails(t *testing.T) {
	t.Parallel()
	_, c := broker(t)
	send(t, c, "sales", "a", "b", "c", "d")
	stop := errors.New("enough")
	res, err := c.NewFetcher("sales", 0).Fetch(t.Context(), 0, time.Second, func(m *kafkasrc.Message) error {
		if string(m.Value) == "c" {
			return stop
		}
		return nil
	})
	if err != stop || res.Next != 2 || res.HighWatermark != 4 || res.LastStable != 4 || res.LogStart != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
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

// A fetch at the end of the log waits for the first message and no longer.
func TestFetchWaitsForAMessage(t *testing.T) {
	t.Parallel()
	_, c := broker(t)
	send(t, c, "sales", "a")
	f := c.NewFetcher("sales", 0)
	res, err := f.Fetch(t.Context(), 1, 20*time.Millisecond, func(*kafkasrc.Message) error { return errors.New("no message was sent") })
	if err != nil || res.Next != 1 {
		t.Fatalf("at the end: %+v, %v", res, err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { send(t, c, "sales", "b") })
	began := time.Now()
	res, err = f.Fetch(t.Context(), 1, 30*time.Second, func(m *kafkasrc.Message) error { return nil })
	if err != nil || res.Next != 2 {
		t.Errorf("got %+v, %v", res, err)
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("the message was there, and the fetch took %s", d)
	}
}

func TestEveryCompressionAndHeadersAreRead(t *testing.T) {
	t.Parallel()
	k, c := broker(t)
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			cl := franz(t, k.Brokers(), kgo.ProducerBatchCompression(codec), kgo.AllowAutoTopicCreation())
			var want []msg
			for i := range 2000 {
				r := &kgo.Record{
					Topic: name, Partition: 0, Value: fmt.Appendf(nil, `{"n":%d,"text":"some text that repeats"}`, i), Timestamp: time.UnixMilli(int64(1e12 + i)),
					Headers: []kgo.RecordHeader{{Key: "trace", Value: fmt.Append(nil, i)}, {Key: "none"}},
				}
				want = append(want, msg{Offset: int64(i), TimeMs: int64(1e12 + i), Value: string(r.Value), Headers: []kafkasrc.Header{{Key: "trace", Value: fmt.Append(nil, i)}, {Key: "none"}}})
				cl.Produce(t.Context(), r, func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			if err := cl.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := readAll(t, c, name, 0, 0)
			for i := range got {
				if len(got[i].Headers) == 2 && len(got[i].Headers[1].Value) == 0 {
					got[i].Headers[1].Value = nil // franz-go sends an empty value for none
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages differ (-sent +read):\n%.2000s", diff)
			}
		})
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

// Only what was committed is read, whatever the transactions of several producers look like side by side in the log.
func TestAbortedTransactionsAreNotRead(t *testing.T) {
	t.Parallel()
	k, c := broker(t)
	ctx := t.Context()
	if err := c.EnsureTopic(ctx, "sales", 1); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	type producer struct {
		cl   *kgo.Client
		open []string // sent in the transaction that is open
	}
	var producers []*producer
	for i := range 3 {
		producers = append(producers, &producer{cl: franz(t, k.Brokers(), kgo.TransactionalID(fmt.Sprint("till-", i)))})
	}
	plain := franz(t, k.Brokers())
	put := func(cl *kgo.Client, v string) {
		t.Helper()
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "sales", Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	committed := map[string]bool{}
	var sent []string
	for n := range 400 {
		v := fmt.Sprint("v", n)
		p := producers[rng.IntN(len(producers))]
		switch rng.IntN(8) {
		case 0:
			put(plain, v)
			sent, committed[v] = append(sent, v), true
		case 1, 2:
			if p.open != nil {
				commit := rng.IntN(2) == 0
				if err := p.cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
					t.Fatal(err)
				}
				for _, o := range p.open {
					committed[o] = commit
				}
				p.open = nil
			}
		default:
			if p.open == nil {
				if err := p.cl.BeginTransaction(); err != nil {
					t.Fatal(err)
				}
			}
			put(p.cl, v)
			p.open, sent = append(p.open, v), append(sent, v)
		}
	}
	// What is still open holds back everything behind it.
	var want []string
	openNow := map[string]bool{}
	for _, p := range producers {
		for _, o := range p.open {
			openNow[o] = true
		}
	}
	for _, v := range sent {
		if openNow[v] {
			break
		}
		if committed[v] {
			want = append(want, v)
		}
	}
	if diff := cmp.Diff(want, values(readAll(t, c, "sales", 0, 0))); diff != "" {
		t.Errorf("with open transactions (-committed +read):\n%s", diff)
	}
	for _, p := range producers {
		if p.open != nil {
			if err := p.cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
				t.Fatal(err)
			}
		}
	}
	want = nil
	for _, v := range sent {
		if committed[v] {
			want = append(want, v)
		}
	}
	all := readAll(t, c, "sales", 0, 0)
	if diff := cmp.Diff(want, values(all)); diff != "" {
		t.Errorf("messages differ (-committed +read):\n%s", diff)
	}
	for i := 0; i < len(all); i += 17 { // reading may begin anywhere, in an aborted range too
		if diff := cmp.Diff(values(all[i:]), values(readAll(t, c, "sales", 0, all[max(i, 1)-1].Offset+int64(min(i, 1))))); diff != "" {
			t.Errorf("from offset %d (-committed +read):\n%s", all[i].Offset, diff)
		}
	}
	v, at, ok, err := c.LastMessage(ctx, "sales", 0)
	if last := all[len(all)-1]; err != nil || !ok || at != last.Offset || string(v) != last.Value {
		t.Errorf("last message is %d %q (%v, %v), want %d %q", at, v, ok, err, last.Offset, last.Value)
	}
}

func TestOffsetOutsideTheLog(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	send(t, c, "sales", "a", "b", "c", "d")
	if err := fake.DeleteRecords("sales", 0, 2); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		offset int64
		want   string
	}{
		{1, "sales/0: offset 1 was removed by retention: the log starts at 2"},
		{9, "sales/0: offset 9 is behind the log's end 4: the log lost its tail or was made anew"},
	} {
		_, err := c.NewFetcher("sales", 0).Fetch(t.Context(), tc.offset, 0, func(*kafkasrc.Message) error { return nil })
		var out *kafkasrc.OutOfRangeError
		if !errors.As(err, &out) || err.Error() != tc.want || out.Start != 2 || out.End != 4 {
			t.Errorf("offset %d: %v", tc.offset, err)
		}
	}
	if got := values(readAll(t, c, "sales", 0, 2)); !cmp.Equal(got, []string{"c", "d"}) {
		t.Errorf("read %q", got)
	}
	v, at, ok, err := c.FirstMessage(t.Context(), "sales", 0)
	if err != nil || !ok || at != 2 || string(v) != "c" {
		t.Errorf("first message is %d %q (%v, %v)", at, v, ok, err)
	}
}

func TestOffsetsAreCommittedForLagTools(t *testing.T) {
	t.Parallel()
	k, c := broker(t)
	send(t, c, "sales", "a", "b", "c")
	if err := c.CommitOffsets(t.Context(), "stream.sales", "sales", map[int]int64{0: 2}); err != nil {
		t.Fatal(err)
	}
	cl := franz(t, k.Brokers(), kgo.ConsumerGroup("stream.sales"), kgo.ConsumeTopics("sales"))
	fs := cl.PollFetches(t.Context())
	if r := fs.Records(); len(r) != 1 || r[0].Offset != 2 {
		t.Errorf("a group's consumer starts at %v (%v)", r, fs.Err())
	}
}
