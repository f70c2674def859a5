package kafkasrc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/kafkatest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

func testOrder(t *testing.T, s kafkatest.Site) {
	c, topic := open(t, s.Shared(t), nil), topicOf(t)
	ctx := t.Context()
	if err := c.EnsureTopic(ctx, topic, 3); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureTopic(ctx, topic, 5); err != nil {
		t.Fatalf("topic that exists: %v", err)
	}
	made, err := c.Topic(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.ID) != 22 || made.ClusterID == "" || !cmp.Equal(made.Partitions, []int{0, 1, 2}) {
		t.Errorf("topic is %+v", made)
	}
	p, err := c.NewProducer(ctx, topic)
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
			case 2:
				m.Headers = []kafkasrc.Header{{Key: "from", Value: []byte(m.Value[:len(m.Value)/2])}, {Key: "none"}}
				r.Headers = m.Headers
			}
			want, batch = append(want, m), append(batch, r)
		}
		if err := p.Send(ctx, 1, batch); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, readAll(t, c, topic, 1, 0)); diff != "" {
		t.Errorf("messages differ (-sent +read):\n%.2000s", diff)
	}
	from := int64(len(want) - 1234) // in the middle of a batch
	if diff := cmp.Diff(want[from:], readAll(t, c, topic, 1, from)); diff != "" {
		t.Errorf("messages from %d differ (-sent +read):\n%.2000s", from, diff)
	}
	last, at, ok, err := c.LastMessage(ctx, topic, 1)
	if err != nil || !ok || at != int64(len(want)-1) || string(last) != want[at].Value {
		t.Errorf("last message is %d %q (%v, %v)", at, last, ok, err)
	}
	first, at, ok, err := c.FirstMessage(ctx, topic, 1)
	if err != nil || !ok || at != 0 || string(first) != want[0].Value {
		t.Errorf("first message is %d %q (%v, %v)", at, first, ok, err)
	}
	if _, _, ok, err := c.LastMessage(ctx, topic, 0); ok || err != nil {
		t.Errorf("last message of an empty partition: %v, %v", ok, err)
	}
}

func testFetchStops(t *testing.T, s kafkatest.Site) {
	c, topic := open(t, s.Shared(t), nil), topicOf(t)
	send(t, c, topic, "a", "b", "c", "d")
	stop := errors.New("enough")
	res, err := c.NewFetcher(topic, 0).Fetch(t.Context(), 0, time.Second, func(m *kafkasrc.Message) error {
		if string(m.Value) == "c" {
			return stop
		}
		return nil
	})
	if err != stop || res.Next != 2 || res.HighWatermark != 4 || res.LastStable != 4 || res.LogStart != 0 {
		t.Errorf("got %+v, %v", res, err)
	}
}

// A fetch at the end of the log waits for the first message and no longer.
func testFetchWaits(t *testing.T, s kafkatest.Site) {
	c, topic := open(t, s.Shared(t), nil), topicOf(t)
	send(t, c, topic, "a")
	f := c.NewFetcher(topic, 0)
	res, err := f.Fetch(t.Context(), 1, 20*time.Millisecond, func(*kafkasrc.Message) error { return errors.New("no message was sent") })
	if err != nil || res.Next != 1 {
		t.Fatalf("at the end: %+v, %v", res, err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { send(t, c, topic, "b") })
	began := time.Now()
	res, err = f.Fetch(t.Context(), 1, 2*time.Minute, func(m *kafkasrc.Message) error { return nil })
	if err != nil || res.Next != 2 {
		t.Errorf("got %+v, %v", res, err)
	}
	if d := time.Since(began); d > 100*time.Second {
		t.Errorf("the message was there, and the fetch took %s", d)
	}
}

func testCompression(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	c := open(t, addr, nil)
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			topic := topicOf(t)
			if err := c.EnsureTopic(t.Context(), topic, 1); err != nil {
				t.Fatal(err)
			}
			cl := franz(t, addr, kgo.ProducerBatchCompression(codec))
			var want []msg
			for i := range 2000 {
				r := &kgo.Record{
					Topic: topic, Partition: 0, Value: fmt.Appendf(nil, `{"n":%d,"text":"some text that repeats"}`, i), Timestamp: time.UnixMilli(int64(1e12 + i)),
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
			got := readAll(t, c, topic, 0, 0)
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

// Every version of the fetch request that we can write is answered with the same, and the one that is chosen is among them.
func testFetchVersions(t *testing.T, s kafkatest.Site) {
	c, topic := open(t, s.Shared(t), nil), topicOf(t)
	send(t, c, topic, "a", "b", "c")
	for v := int16(kafkasrc.MinFetchVersion); v <= kafkasrc.MaxFetchVersion; v++ {
		got, res, err := c.NewFetcher(topic, 0).FetchIn(t.Context(), v)
		if err != nil {
			t.Errorf("version %d: %v", v, err)
			continue
		}
		start := int64(0)
		if v < 5 {
			start = -1 // it does not say
		}
		want := kafkasrc.Fetched{Next: 3, HighWatermark: 3, LastStable: 3, LogStart: start}
		if diff := cmp.Diff([]any{[]string{"a", "b", "c"}, want}, []any{got, res}); diff != "" {
			t.Errorf("version %d (-want +got):\n%s", v, diff)
		}
	}
	if got := values(readAll(t, c, topic, 0, 0)); !cmp.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the chosen version gave %q", got)
	}
}
