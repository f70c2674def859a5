package kafkasrc_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/kafkatest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Only what was committed is read, whatever the transactions of several producers look like side by side in the log.
func testAborted(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	c := open(t, addr, nil)
	ctx := t.Context()
	if err := c.EnsureTopic(ctx, topic, 1); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	type producer struct {
		cl   *kgo.Client
		open []string // sent in the transaction that is open
		from int64    // the offset of the first of them
	}
	var producers []*producer
	for i := range 3 {
		producers = append(producers, &producer{cl: franz(t, addr, kgo.TransactionalID(fmt.Sprint(topic, "-till-", i)))})
	}
	plain := franz(t, addr)
	put := func(cl *kgo.Client, v string) int64 {
		t.Helper()
		r, err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(v)}).First()
		if err != nil {
			t.Fatal(err)
		}
		return r.Offset
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
			if at := put(p.cl, v); p.open == nil {
				p.from = at
			}
			p.open, sent = append(p.open, v), append(sent, v)
		}
	}
	// What is still open holds back everything behind it.
	var want []string
	openNow := map[string]bool{}
	firstOpen := int64(math.MaxInt64)
	for _, p := range producers {
		if p.open != nil {
			firstOpen = min(firstOpen, p.from)
		}
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
	settled(t, c, topic, func(f kafkasrc.Fetched) bool { return f.LastStable == min(firstOpen, f.HighWatermark) })
	if diff := cmp.Diff(want, values(readAll(t, c, topic, 0, 0))); diff != "" {
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
	settled(t, c, topic, func(f kafkasrc.Fetched) bool { return f.LastStable == f.HighWatermark })
	all := readAll(t, c, topic, 0, 0)
	if diff := cmp.Diff(want, values(all)); diff != "" {
		t.Errorf("messages differ (-committed +read):\n%s", diff)
	}
	for i := 0; i < len(all); i += 17 { // reading may begin anywhere, in an aborted range too
		if diff := cmp.Diff(values(all[i:]), values(readAll(t, c, topic, 0, all[max(i, 1)-1].Offset+int64(min(i, 1))))); diff != "" {
			t.Errorf("from offset %d (-committed +read):\n%s", all[i].Offset, diff)
		}
	}
	v, at, ok, err := c.LastMessage(ctx, topic, 0)
	if last := all[len(all)-1]; err != nil || !ok || at != last.Offset || string(v) != last.Value {
		t.Errorf("last message is %d %q (%v, %v), want %d %q", at, v, ok, err, last.Offset, last.Value)
	}
}

// settled waits until the markers of ended transactions are in the log, which a real broker writes after it has said that the
// transaction is over.
func settled(t testing.TB, c *kafkasrc.Client, topic string, ok func(f kafkasrc.Fetched) bool) {
	t.Helper()
	enough := errors.New("enough")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		res, err := c.NewFetcher(topic, 0).Fetch(t.Context(), 0, 0, func(*kafkasrc.Message) error { return enough })
		if err != nil && err != enough {
			t.Fatal(err)
		}
		if ok(res) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("transactions do not end: %+v", res)
		}
	}
}
