package kafkasrc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.all {
		if strings.Contains(s, part) {
			n++
		}
	}
	return n
}

// Errors a broker gives while it elects, loads or learns are outlived, and told once.
func TestPassingErrorsAreRetried(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		key  kmsg.Key
		errs []*kerr.Error
		call func(ctx context.Context, c *kafkasrc.Client) error
	}{
		{"topic", kmsg.Metadata, []*kerr.Error{kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable}, func(ctx context.Context, c *kafkasrc.Client) error {
			_, err := c.Topic(ctx, "sales")
			return err
		}},
		{"fetch", kmsg.Fetch, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.OffsetNotAvailable, kerr.FencedLeaderEpoch}, func(ctx context.Context, c *kafkasrc.Client) error {
			_, err := c.NewFetcher("sales", 0).Fetch(ctx, 0, 0, func(*kafkasrc.Message) error { return nil })
			return err
		}},
		{"produce", kmsg.Produce, []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.LeaderNotAvailable, kerr.NotEnoughReplicasAfterAppend}, func(ctx context.Context, c *kafkasrc.Client) error {
			return produceOne(ctx, c, "b")
		}},
		{"producer_id", kmsg.InitProducerID, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable}, func(ctx context.Context, c *kafkasrc.Client) error {
			return produceOne(ctx, c, "b")
		}},
		{"offsets", kmsg.ListOffsets, []*kerr.Error{kerr.NotLeaderForPartition, kerr.LeaderNotAvailable}, func(ctx context.Context, c *kafkasrc.Client) error {
			_, err := c.Offsets(ctx, "sales")
			return err
		}},
		{"commit", kmsg.OffsetCommit, []*kerr.Error{kerr.CoordinatorLoadInProgress, kerr.CoordinatorNotAvailable, kerr.NotCoordinator}, func(ctx context.Context, c *kafkasrc.Client) error {
			return c.CommitOffsets(ctx, "g", "sales", map[int]int64{0: 1})
		}},
		{"find_coordinator", kmsg.FindCoordinator, []*kerr.Error{kerr.CoordinatorNotAvailable}, func(ctx context.Context, c *kafkasrc.Client) error {
			return c.CommitOffsets(ctx, "g", "sales", map[int]int64{0: 1})
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fake := cluster(t)
			send(t, open(t, fake.ListenAddrs(), nil), "sales", "a")
			for _, e := range tc.errs {
				var told lines
				c := open(t, fake.ListenAddrs(), slog.New(slog.NewTextHandler(&told, nil)))
				h := fake.Fault(kfake.Fault{Keys: []kmsg.Key{tc.key}, Err: e, Count: 3})
				if err := tc.call(t.Context(), c); err != nil {
					t.Errorf("%s: %v", e.Message, err)
				}
				if h.Hits() == 0 {
					t.Errorf("%s was never answered", e.Message)
				}
				h.Remove()
				if n := told.count("WARN"); n > 1 {
					t.Errorf("%s: told %d times: %q", e.Message, n, told.all)
				}
			}
		})
	}
}

func produceOne(ctx context.Context, c *kafkasrc.Client, v string) error {
	p, err := c.NewProducer(ctx, "sales")
	if err != nil {
		return err
	}
	return p.Send(ctx, 0, []kafkasrc.Record{{Value: []byte(v)}})
}

// A broker that is away is told once for all partitions, and so is its return.
func TestBrokerAwayIsToldOnce(t *testing.T) {
	t.Parallel()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{State: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var told lines
	c := open(t, k.Brokers(), slog.New(slog.NewTextHandler(&told, nil)))
	send(t, c, "sales", "a")
	if err := k.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			_, err := c.NewFetcher("sales", p).Fetch(ctx, 0, 0, func(*kafkasrc.Message) error { return nil })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := told.count("connection refused"); n > 1 {
		t.Errorf("told %d times: %q", n, told.all)
	}
	again, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{State: t.TempDir(), Port: k.Port()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop(context.Background())
	send(t, c, "sales", "b")
	if got := values(readAll(t, c, "sales", 0, 0)); !cmp.Equal(got, []string{"b"}) {
		t.Errorf("the new log has %q", got)
	}
}

func TestLastingErrorsAreReturned(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	send(t, c, "sales", "a")
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, err := c.NewFetcher("sales", 0).Fetch(t.Context(), 0, 0, func(*kafkasrc.Message) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "fetch from sales/0: [29] Topic Authorization Failed") {
		t.Errorf("got %v", err)
	}
}

// A topic that is not there yet is waited for; when the wait ends the error says both.
func TestUnknownTopicIsWaitedFor(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // enough for one answer, however busy the machine is
	defer cancel()
	_, err := c.Topic(ctx, "later")
	var unknown *kafkasrc.UnknownTopicError
	if !errors.As(err, &unknown) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	found := make(chan error, 1)
	go func() {
		_, err := c.NewFetcher("later", 0).Fetch(t.Context(), 0, 0, func(*kafkasrc.Message) error { return nil })
		found <- err
	}()
	if err := fake.CreateTopic("later", 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Error(err)
	}
}

func TestCancelledCallsReturnTheCause(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	send(t, c, "sales", "a")
	cause := errors.New("the shop closes")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
	_, err := c.NewFetcher("sales", 0).Fetch(ctx, 1, time.Minute, func(*kafkasrc.Message) error { return nil })
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// Replies that get lost make the producer send again; nothing may be stored twice or out of order.
func TestLostRepliesStoreNothingTwice(t *testing.T) {
	t.Parallel()
	var cut atomic.Bool
	fake := cluster(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		return &cuttingListener{Listener: l, on: &cut}, err
	}))
	c := open(t, fake.ListenAddrs(), nil)
	p, err := c.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	cut.Store(true)
	var want []string
	for i := range 60 {
		v := fmt.Sprint("v", i)
		want = append(want, v, v+"b")
		if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: []byte(v)}, {Value: []byte(v + "b")}}); err != nil {
			t.Fatal(err)
		}
	}
	cut.Store(false)
	if diff := cmp.Diff(want, values(readAll(t, c, "sales", 0, 0))); diff != "" {
		t.Errorf("messages differ (-sent +stored):\n%s", diff)
	}
}

// cuttingListener gives connections that break one time in five instead of sending a reply.
type cuttingListener struct {
	net.Listener
	on *atomic.Bool
}

func (l *cuttingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &cuttingConn{c, l.on}, err
}

type cuttingConn struct {
	net.Conn
	on *atomic.Bool
}

func (c *cuttingConn) Write(p []byte) (int, error) {
	if c.on.Load() && rand.IntN(5) == 0 {
		c.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

// A broker that says it ran out of time may have stored the batch or not.
func TestTimedOutBatchIsStoredOnce(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 3})
	send(t, c, "sales", "a", "b")
	send(t, c, "sales", "c")
	if got := values(readAll(t, c, "sales", 0, 0)); !cmp.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("stored %q", got)
	}
}

// A broker that has forgotten the producer is sent the batch under a new id.
func TestForgottenProducerStartsAgain(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{kerr.UnknownProducerID, kerr.OutOfOrderSequenceNumber, kerr.InvalidProducerEpoch} {
		fake := cluster(t)
		c := open(t, fake.ListenAddrs(), nil)
		p, err := c.NewProducer(t.Context(), "sales")
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range []string{"a", "b", "c"} {
			if i == 1 {
				fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e})
			}
			if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: []byte(v)}}); err != nil {
				t.Fatalf("%s: %v", e.Message, err)
			}
		}
		if got := values(readAll(t, c, "sales", 0, 0)); !cmp.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%s: stored %q", e.Message, got)
		}
	}
}

// A broker that stores and never says so is not asked for ever: the batch is found in the log, behind those of others.
func TestDeniedBatchIsFoundInTheLog(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	p, err := c.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	send(t, c, "sales", "other")
	for i, vs := range [][]string{{"a", "b"}, {"c"}, {"d", "e", "f"}} {
		fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 1})
		var rs []kafkasrc.Record
		for _, v := range vs {
			rs = append(rs, kafkasrc.Record{Value: []byte(v)})
		}
		if err := p.Send(t.Context(), 0, rs); err != nil {
			t.Fatal(err)
		}
		send(t, c, "sales", fmt.Sprint("other", i))
	}
	want := []string{"other", "a", "b", "other0", "c", "other1", "d", "e", "f", "other2"}
	if diff := cmp.Diff(want, values(readAll(t, c, "sales", 0, 0))); diff != "" {
		t.Errorf("messages differ (-sent +stored):\n%s", diff)
	}
}

// After a Send that was given up, its sequence numbers may be taken: the next batch must not be mistaken for it.
func TestSendAfterGivingUpIsNotSwallowed(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	p, err := c.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	h := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: -1}) // stored, and denied
	blind := fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.NotLeaderForPartition, Count: -1})
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for h.Hits() == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		giveUp()
	})
	if err := p.Send(ctx, 0, []kafkasrc.Record{{Value: []byte("a")}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	waiting.Wait()
	h.Remove()
	blind.Remove()
	if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: []byte("b")}}); err != nil {
		t.Fatal(err)
	}
	if got := values(readAll(t, c, "sales", 0, 0)); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("stored %q", got)
	}
}

// Leaders move between brokers while one producer writes and one fetcher reads.
func TestLeadersMayMove(t *testing.T) {
	t.Parallel()
	fake := cluster(t, kfake.NumBrokers(3))
	c := open(t, fake.ListenAddrs(), nil)
	p, err := c.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	const n = 60
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			if i%10 == 5 {
				if err := fake.MoveTopicPartition("sales", 0, int32(i/10%3)); err != nil {
					t.Error(err)
				}
			}
			if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: fmt.Append(nil, i)}}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var got []string
	f := c.NewFetcher("sales", 0)
	for next := int64(0); len(got) < n && !t.Failed(); {
		res, err := f.Fetch(t.Context(), next, 100*time.Millisecond, func(m *kafkasrc.Message) error {
			got = append(got, string(m.Value))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		next = res.Next
	}
	wg.Wait()
	for i, v := range got {
		if v != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, v)
		}
	}
}

// A fetch that is cancelled leaves a connection that still writes into its buffer; no other fetch may get that buffer.
func TestCancelledFetchSharesNoBuffer(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	c := open(t, fake.ListenAddrs(), nil)
	var rs []kafkasrc.Record
	for i := range 5000 {
		rs = append(rs, kafkasrc.Record{Value: fmt.Appendf(nil, "%0300d", i)})
	}
	p, err := c.NewProducer(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), 0, rs); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			f := c.NewFetcher("sales", 0)
			for range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), rand.N(3*time.Millisecond))
				_, err := f.Fetch(ctx, 0, 0, func(m *kafkasrc.Message) error {
					if string(m.Value) != string(rs[m.Offset].Value) {
						return fmt.Errorf("message %d is %.20q", m.Offset, m.Value)
					}
					return nil
				})
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// A broker too new for the fetch requests we can write is refused in words, not asked in vain.
func TestBrokerTooNewIsRefused(t *testing.T) {
	t.Parallel()
	fake := cluster(t)
	fake.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		res := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key := range int16(30) {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key, kmsg.RequestForKey(key).MaxVersion()
			if key == int16(kmsg.Fetch) {
				k.MinVersion = 12
			}
			res.ApiKeys = append(res.ApiKeys, k)
		}
		return res, nil, true
	})
	c := open(t, fake.ListenAddrs(), nil)
	_, err := c.NewFetcher("sales", 0).Fetch(t.Context(), 0, 0, func(*kafkasrc.Message) error { return nil })
	var version *kafkasrc.VersionError
	if !errors.As(err, &version) || !strings.Contains(err.Error(), "the broker speaks Fetch v12 to v18, this program v4 to v11") {
		t.Errorf("got %v", err)
	}
}
