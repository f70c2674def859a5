package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/kafkatest"
	"tillflow/lib/pgtest"
)

// brokerSuite is what the stream must do on every broker: on the embedded one and, with the build tag kafka, on a real one.
var brokerSuite = []struct {
	name string
	run  func(t *testing.T, s kafkatest.Site)
}{
	{"every_message_is_one_of_its_kinds", testEveryKind},
	{"aborted_messages_are_not_stored", testAbortedSales},
	{"largest_messages_are_kept", testLargest},
	{"batches_larger_than_a_fetch", testLargeBatches},
	{"workers_share_and_hand_over", testHandOver},
	{"broker_restarts", testBrokerRestarts},
	{"log_lost_its_tail", testLostTail},
	{"topic_made_again", testTopicMadeAgain},
	{"retention_passed_us", testRetention},
	{"partitions_are_added", testAddedPartitions},
	{"lag_tools_see_the_offsets", testLagTools},
	{"group_is_reset", testGroupReset},
}

func TestBroker(t *testing.T) {
	t.Parallel()
	for _, s := range kafkatest.Sites() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, c := range brokerSuite {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.run(t, s)
				})
			}
		})
	}
}

var brokerTopics atomic.Int64

// newBrokerRig is a rig on a broker that came from elsewhere, with a topic that no other test uses.
func newBrokerRig(t testing.TB, addr []string, partitions int) *rig {
	t.Helper()
	client, err := kafkasrc.Open(addr, kafkasrc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := &rig{t: t, db: pgtest.Open(t), addr: addr, client: client, with: decode(t, sales), settings: sales}
	r.with.Topic = fmt.Sprint("sales-", brokerTopics.Add(1))
	if err := client.EnsureTopic(t.Context(), r.with.Topic, partitions); err != nil {
		t.Fatal(err)
	}
	r.dims(4, 3)
	return r
}

func (r *rig) brokers() []string {
	if r.addr != nil {
		return r.addr
	}
	return r.kafka.Brokers()
}

// fails runs the stream until it ends by itself and gives its error.
func (r *rig) fails(once bool) error {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	_, err := r.job("a").Run(ctx, run.Input{Once: once})
	return err
}

// rows is how many sales are stored.
func (r *rig) rows() int64 {
	r.t.Helper()
	return r.number("select count(*) from transactions")
}

func testEveryKind(t *testing.T, s kafkatest.Site) {
	r := newBrokerRig(t, s.Shared(t), 2)
	p := r.producer(1, 2)
	p.produce(8_000)
	r.once(func(w *With, _ *Deps) { w.Batch = 500 })
	p.exact()
	p.produce(8_000)
	r.once()
	p.exact()
	if n := r.once().RowsRead; n != 0 {
		t.Errorf("a run with nothing new read %d rows", n)
	}
}

// Sales of a transaction that was aborted do not exist, and those of one still open do not exist yet. The markers in the log
// are no messages, and the offset moves past them.
func testAbortedSales(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 1)
	cl := franz(t, addr, kgo.TransactionalID(r.with.Topic), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	work := r.start("a")
	var want []string
	for n := range 12 {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		commit := n%3 != 1
		for i := range 10 {
			id := n*10 + i
			if commit {
				want = append(want, fmt.Sprintf("(%d)", id))
			}
			if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.with.Topic, Value: []byte(makeSale(id, time.Duration(id)*time.Second))}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
	}
	stored := "select transaction_id from transactions order by 1"
	r.until("all stored", func() bool { return r.rows() >= int64(len(want)) })
	r.until("behind the last marker", func() bool { return r.number("select sum(next_offset) from dag.stream_offsets") == 12*10+12 })
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.with.Topic, Value: []byte(makeSale(1000, 0))}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	work.stop()
	r.once()
	if diff := cmp.Diff(want, r.texts(stored)); diff != "" {
		t.Errorf("sales (-committed +stored):\n%s", diff)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	r.until("over", func() bool {
		r.once()
		return r.rows() == int64(len(want))+1
	})
	r.verify()
}

// The largest message the broker takes is a dead letter with all its bytes, and the next message is read.
func testLargest(t *testing.T, s kafkatest.Site) {
	r := newBrokerRig(t, s.Shared(t), 1)
	large := strings.Repeat("x", 1_048_588-100)
	r.send(0, makeSale(1, 0))
	r.send(0, large)
	r.send(0, makeSale(2, 0))
	r.once()
	r.verify()
	if n := r.rows(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	if n := r.number("select length(value) from dag.dead_letters"); n != int64(len(large)) {
		t.Errorf("the dead letter has %d bytes, want %d", n, len(large))
	}
}

// A batch that is larger than what a fetch asks for comes whole, whatever the topic allows.
func testLargeBatches(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 1)
	newAdmin(t, addr).allow(r.with.Topic, 16<<20)
	cl := franz(t, addr, kgo.ProducerBatchMaxBytes(12<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	blanks := strings.Repeat(" ", 6<<20)
	for _, v := range []string{makeSale(1, 0), makeSale(2, 0) + blanks, makeSale(3, 0), "x" + blanks, makeSale(4, 0)} {
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: r.with.Topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	r.once()
	r.verify()
	if n := r.rows(); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
	if n := r.number("select length(value) from dag.dead_letters"); n != int64(len(blanks))+1 {
		t.Errorf("the dead letter has %d bytes, want %d", n, len(blanks)+1)
	}
}

func testHandOver(t *testing.T, s kafkatest.Site) {
	r := newBrokerRig(t, s.Shared(t), 4)
	p := r.producer(3, 4)
	p.produce(4_000)
	small := func(w *With, _ *Deps) { w.Batch = 200 }
	a := r.start("a", small)
	r.until("owned by a alone", func() bool { return r.owned("a") == 4 })
	b := r.start("b", small)
	r.until("shared", func() bool { return r.owned("a") == 2 && r.owned("b") == 2 })
	p.produce(4_000)
	a.stop()
	r.until("taken over", func() bool { return r.owned("b") == 4 })
	p.produce(2_000)
	p.exact()
	b.stop()
}

// The broker stops cleanly, then is killed, in the middle of a backlog, and stays away for a while.
func testBrokerRestarts(t *testing.T, s kafkatest.Site) {
	b := s.Own(t)
	r := newBrokerRig(t, b.Brokers(), 2)
	p := r.producer(6, 2)
	p.produce(20_000)
	work := r.start("a", func(w *With, _ *Deps) { w.Batch = 500 })
	for _, end := range []func(){b.Stop, b.Kill} {
		r.until("reading", func() bool { return p.backlog() < 15_000 })
		end()
		b.Restart()
		p.produce(10_000)
	}
	p.exact()
	work.stop()
}

// A log that lost acknowledged messages is not read on as if nothing had happened: what is written next has the offsets of
// what is in the tables already.
func testLostTail(t *testing.T, s kafkatest.Site) {
	b := s.Own(t)
	r := newBrokerRig(t, b.Brokers(), 1)
	r.send(0, makeSale(1, 0))
	r.send(0, makeSale(2, 0), makeSale(3, 0))
	work := r.start("a")
	r.caughtUp()
	b.Kill()
	b.CutTail(r.with.Topic, 0)
	b.Restart()
	r.ends(work, "behind the log's end 1")
	for _, once := range []bool{true, false} {
		if err := r.fails(once); err == nil || !strings.Contains(err.Error(), "offset 3 is behind the log's end 1: the log lost its tail") {
			t.Errorf("once=%v: %v", once, err)
		}
	}
	if n := r.rows(); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

// ends waits until a stream has ended by itself with an error.
func (r *rig) ends(work *running, want string) {
	r.t.Helper()
	select {
	case <-work.ended:
	case <-time.After(patience):
		r.t.Fatalf("the stream goes on; it should end with %q", want)
	}
	if work.err == nil || !strings.Contains(work.err.Error(), want) {
		r.t.Errorf("the stream ended with %v, want %q", work.err, want)
	}
}

func testTopicMadeAgain(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 1)
	r.send(0, makeSale(1, 0), makeSale(2, 0))
	work := r.start("a")
	r.caughtUp()
	newAdmin(t, addr).delete(r.with.Topic)
	if err := r.client.EnsureTopic(t.Context(), r.with.Topic, 1); err != nil {
		t.Fatal(err)
	}
	r.send(0, makeSale(11, 0), makeSale(12, 0), makeSale(13, 0), makeSale(14, 0))
	r.ends(work, " made a") // "made again", or "made anew" where the shorter log was noticed first
	if n := r.rows(); n != 2 {
		t.Errorf("%d rows, want 2: messages of the new log were read as if they followed on the old one's", n)
	}
	for _, once := range []bool{true, false} {
		if err := r.fails(once); err == nil || !strings.Contains(err.Error(), "deleted and made again") {
			t.Errorf("once=%v: %v", once, err)
		}
	}
	// What the error says to do: the new log is read from its start.
	if _, err := r.job("skip").SkipToNewLog(t.Context(), nil, "test"); err != nil {
		t.Fatal(err)
	}
	r.once()
	r.verify()
	if diff := cmp.Diff([]string{"(1)", "(2)", "(11)", "(12)", "(13)", "(14)"}, r.texts("select transaction_id from transactions order by 1")); diff != "" {
		t.Errorf("sales (-want +got):\n%s", diff)
	}
}

// A partition whose next message retention has removed stops, and the other goes on.
func testRetention(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 2)
	r.send(0, makeSale(1, 0))
	r.send(1, makeSale(2, 0))
	r.once()
	r.send(0, makeSale(3, 0), makeSale(4, 0), makeSale(5, 0))
	newAdmin(t, addr).trim(r.with.Topic, 0, 3)
	work := r.start("a")
	r.send(1, makeSale(6, 0))
	r.until("stored", func() bool { return r.number("select count(*) from transactions where transaction_id = 6") == 1 })
	work.stop()
	err := r.fails(true)
	var gap *kafkasrc.OutOfRangeError
	if !errors.As(err, &gap) || gap.Partition != 0 || gap.Offset != 1 || gap.Start != 3 || gap.End != 4 {
		t.Errorf("got %v", err)
	}
	if n := r.rows(); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
	// What the state says to do: it goes on at the log's start, and the gap is on record.
	skips, err := r.job("skip").SkipToStart(t.Context(), nil, "test")
	if err != nil || len(skips) != 1 || skips[0].First != 1 || skips[0].Next != 3 {
		t.Fatalf("skipped %v, %v; want offsets 1 and 2", skips, err)
	}
	r.once()
	r.verify()
	if n := r.rows(); n != 4 {
		t.Errorf("%d rows after the gap, want 4", n)
	}
}

// A partition that is added while the stream runs is read from its first message. That the log was trimmed before the stream
// first saw it is no gap.
func testAddedPartitions(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 1)
	admin := newAdmin(t, addr)
	r.send(0, makeSale(1, 0), makeSale(2, 0))
	admin.trim(r.with.Topic, 0, 1)
	work := r.start("a")
	r.caughtUp()
	admin.grow(r.with.Topic, 3)
	r.send(1, makeSale(3, 0))
	r.send(2, makeSale(4, 0))
	r.until("stored", func() bool { return r.rows() == 3 })
	work.stop()
	r.verify()
	if n := r.number("select count(*) from dag.stream_offsets"); n != 3 {
		t.Errorf("the ledger has %d partitions, want 3", n)
	}
}

// Our offsets are the group's, under the job's name, while the stream runs and after it has stopped.
func testLagTools(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 2)
	admin := newAdmin(t, addr)
	work := r.start("a")
	r.send(0, makeSale(1, 0), makeSale(2, 0))
	r.send(1, makeSale(3, 0))
	r.until("told", func() bool {
		return cmp.Equal(admin.committed("stream.test", r.with.Topic, 0, 1), map[int]int64{0: 2, 1: 1})
	})
	r.send(1, makeSale(4, 0))
	r.caughtUp()
	work.stop()
	if got := admin.committed("stream.test", r.with.Topic, 0, 1); !cmp.Equal(got, map[int]int64{0: 2, 1: 2}) {
		t.Errorf("after the stop the group is at %v", got)
	}
}

// What happens to the group on the broker, a reset of its offsets or its deletion, changes nothing: the ledger alone says where
// to read on, and lag tools are told again.
func testGroupReset(t *testing.T, s kafkatest.Site) {
	addr := s.Shared(t)
	r := newBrokerRig(t, addr, 1)
	admin := newAdmin(t, addr)
	name := "stream." + r.with.Topic // not the one all other tests on this broker have
	r.name = name
	at := func(want int64) func() bool {
		return func() bool { return cmp.Equal(admin.committed(name, r.with.Topic, 0), map[int]int64{0: want}) }
	}
	work := r.start("a")
	r.send(0, makeSale(1, 0), makeSale(2, 0))
	r.until("told", at(2))
	admin.reset(name, r.with.Topic, 0)
	r.send(0, makeSale(3, 0))
	r.until("told again", at(3))
	admin.forget(name)
	r.send(0, makeSale(4, 0))
	r.until("told once more", at(4))
	work.stop()
	if n := r.number("select sum(messages) from dag.stream_batches"); n != 4 {
		t.Errorf("%d messages were read, want 4", n)
	}
}
