package kafkasrc_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/kafkatest"

	"github.com/google/go-cmp/cmp"
)

// traffic is one producer and one fetcher of a topic with one partition, at work until end. The messages are old, as those of
// a history that is loaded, which makes a real broker forget who has sent them.
type traffic struct {
	t      *testing.T
	c      *kafkasrc.Client
	topic  string
	both   sync.WaitGroup
	ending atomic.Bool // the producer ends after the message it is at
	sent   atomic.Int64
	want   []string
	got    []string
}

func startTraffic(t *testing.T, c *kafkasrc.Client, topic string) *traffic {
	x := &traffic{t: t, c: c, topic: topic}
	if err := c.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	p, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{}) // the producer has ended
	x.both.Go(func() {
		defer close(done)
		x.produce(p)
	})
	x.both.Go(func() { x.fetch(done) })
	return x
}

func (x *traffic) produce(p *kafkasrc.Producer) {
	lastYear := time.Now().AddDate(-1, 0, 0)
	for !x.ending.Load() {
		rs := make([]kafkasrc.Record, 1+len(x.want)%7)
		for i := range rs {
			v := fmt.Sprint("v", len(x.want))
			rs[i].Value, rs[i].TimeMs, x.want = []byte(v), lastYear.UnixMilli(), append(x.want, v)
		}
		if err := p.Send(x.t.Context(), 0, rs); err != nil {
			x.t.Errorf("send: %v", err)
			return
		}
		x.sent.Add(1)
	}
}

func (x *traffic) fetch(done <-chan struct{}) {
	f := x.c.NewFetcher(x.topic, 0)
	for next := int64(0); ; {
		res, err := f.Fetch(x.t.Context(), next, 50*time.Millisecond, func(m *kafkasrc.Message) error {
			x.got = append(x.got, string(m.Value))
			return nil
		})
		if err != nil {
			x.t.Errorf("fetch: %v", err)
			return
		}
		next = res.Next
		select {
		case <-done:
			if len(x.got) >= len(x.want) {
				return
			}
		default:
		}
	}
}

// goesOn waits until more was sent.
func (x *traffic) goesOn() {
	x.t.Helper()
	from := x.sent.Load()
	for deadline := time.Now().Add(2 * time.Minute); x.sent.Load() < from+50; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) || x.t.Failed() {
			x.t.Fatalf("%d batches were sent, %d before the broker was away", x.sent.Load(), from)
		}
	}
}

// end stops both, and checks that each message is stored once and in order, and read so.
func (x *traffic) end() {
	x.t.Helper()
	x.ending.Store(true)
	x.both.Wait()
	if diff := cmp.Diff(x.want, x.got); diff != "" {
		x.t.Errorf("messages differ (-sent +read):\n%.2000s", diff)
	}
	if diff := cmp.Diff(x.want, values(readAll(x.t, x.c, x.topic, 0, 0))); diff != "" {
		x.t.Errorf("messages differ (-sent +stored):\n%.2000s", diff)
	}
}

// A broker stops, is killed, and comes back each time, while one producer writes and one fetcher reads.
func testRestarts(t *testing.T, s kafkatest.Site) {
	b := s.Own(t)
	x := startTraffic(t, open(t, b.Brokers(), nil), topicOf(t))
	x.goesOn()
	b.Restart()
	x.goesOn()
	b.Kill()
	b.Restart()
	x.goesOn()
	x.end()
}

// A machine that loses power can lose messages that were acknowledged. Whoever has read them is told that their offset is
// behind the end, at the first fetch and not only after others were written in their place.
func testLostAndDamaged(t *testing.T, s kafkatest.Site) {
	b, topic := s.Own(t), topicOf(t)
	c := open(t, b.Brokers(), nil)
	send(t, c, topic, "a")
	send(t, c, topic, "b", "c")
	b.Kill()
	b.CutTail(topic, 0)
	b.Restart()
	_, err := c.NewFetcher(topic, 0).Fetch(t.Context(), 3, 0, func(*kafkasrc.Message) error { return nil })
	var out *kafkasrc.OutOfRangeError
	if !errors.As(err, &out) || out.Start != 0 || out.End != 1 {
		t.Errorf("a fetch behind the end: %v", err)
	}
	send(t, c, topic, "d")
	if got := values(readAll(t, c, topic, 0, 0)); !cmp.Equal(got, []string{"a", "d"}) {
		t.Errorf("the log has %q", got)
	}
	b.Stop()
	b.Damage(topic, 0)
	b.Restart()
	testDamaged(t, open(t, b.Brokers(), nil), topic)
}

// A message that a bad disk has changed is never shown. The real broker hands it out and the reader tells; the embedded one
// looks at its start and has lost it, which is the case above.
func testDamaged(t *testing.T, c *kafkasrc.Client, topic string) {
	t.Helper()
	var got []string
	each := func(m *kafkasrc.Message) error {
		got = append(got, string(m.Value))
		return nil
	}
	f := c.NewFetcher(topic, 0)
	res, err := f.Fetch(t.Context(), 0, 0, each)
	if err != nil || res.Next != 1 {
		t.Errorf("the batch before the damaged one: %+v, %v", res, err)
	}
	_, err = f.Fetch(t.Context(), 1, 0, each)
	var corrupt *kafkasrc.CorruptError
	if lost := res.HighWatermark == 1; lost != (err == nil) || !lost && (!errors.As(err, &corrupt) || corrupt.Offset != 1) {
		t.Errorf("the damaged batch, of a log that ends at %d: %v", res.HighWatermark, err)
	}
	if !cmp.Equal(got, []string{"a"}) {
		t.Errorf("read %q", got)
	}
}
