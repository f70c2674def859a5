package kafkasrc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/kafkatest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// admin changes topics as an operator's tools do.
type admin struct {
	t  testing.TB
	cl *kgo.Client
}

func newAdmin(t testing.TB, brokers []string) admin {
	return admin{t, franz(t, brokers, kgo.MaxVersions(kversion.V2_8_0()))}
}

func (a admin) create(topic string, settings map[string]string) {
	a.t.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, 1, 1
	for name, value := range settings {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		rt.Configs = append(rt.Configs, c)
	}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check("create "+topic, res.Topics[0].ErrorCode)
}

func (a admin) delete(topic string) {
	a.t.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{topic}
	rt := kmsg.NewDeleteTopicsRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check("delete "+topic, res.Topics[0].ErrorCode)
}

// grow gives a topic more partitions.
func (a admin) grow(topic string, partitions int) {
	a.t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, int32(partitions)
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check("grow "+topic, res.Topics[0].ErrorCode)
}

// trim deletes the messages before an offset, as retention does.
func (a admin) trim(topic string, before int64) {
	a.t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check("trim "+topic, res.Topics[0].Partitions[0].ErrorCode)
}

// committed gives a group's offsets by partition, as lag tools ask for them.
func (a admin) committed(group, topic string, partitions ...int32) map[int]int64 {
	a.t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic, rt.Partitions = topic, partitions
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil {
		a.t.Fatal(err)
	}
	a.check("fetch offsets of "+group, res.ErrorCode)
	got := map[int]int64{}
	for _, p := range res.Topics[0].Partitions {
		a.check("fetch offsets of "+group, p.ErrorCode)
		got[int(p.Partition)] = p.Offset
	}
	return got
}

func (a admin) check(what string, code int16) {
	a.t.Helper()
	if code != 0 {
		a.t.Fatalf("%s: error %d", what, code)
	}
}

func testOutsideTheLog(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	c := open(t, addr, nil)
	send(t, c, topic, "a", "b", "c", "d")
	newAdmin(t, addr).trim(topic, 2)
	for _, tc := range []struct {
		offset int64
		want   string
	}{
		{1, topic + "/0: offset 1 was removed by retention: the log starts at 2"},
		{9, topic + "/0: offset 9 is behind the log's end 4: the log lost its tail or was made anew"},
	} {
		_, err := c.NewFetcher(topic, 0).Fetch(t.Context(), tc.offset, 0, func(*kafkasrc.Message) error { return nil })
		var out *kafkasrc.OutOfRangeError
		if !errors.As(err, &out) || err.Error() != tc.want || out.Start != 2 || out.End != 4 {
			t.Errorf("offset %d: %v", tc.offset, err)
		}
	}
	if got := values(readAll(t, c, topic, 0, 2)); !cmp.Equal(got, []string{"c", "d"}) {
		t.Errorf("read %q", got)
	}
	v, at, ok, err := c.FirstMessage(t.Context(), topic, 0)
	if err != nil || !ok || at != 2 || string(v) != "c" {
		t.Errorf("first message is %d %q (%v, %v)", at, v, ok, err)
	}
}

// Compaction takes messages out of the log whose key comes again, and with them whole batches: what is left keeps its offsets,
// and reading goes over the gaps from wherever it begins.
func testCompacted(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	newAdmin(t, addr).create(topic, map[string]string{"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"})
	c := open(t, addr, nil)
	p, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var sent []msg
	latest := map[string]msg{}
	for round := range 6 {
		var rs []kafkasrc.Record
		for k := range 10 {
			m := msg{Offset: int64(len(sent)), TimeMs: time.Now().UnixMilli() + int64(round-10)*1000, Key: fmt.Sprint("k", k), Value: fmt.Sprint("v", round)}
			r := kafkasrc.Record{Key: []byte(m.Key), Value: []byte(m.Value), TimeMs: m.TimeMs}
			if k == round {
				m.Value, m.Null, r.Value = "", true, nil // deletes the key, until it comes again
			}
			sent, rs = append(sent, m), append(rs, r)
			latest[m.Key] = m
		}
		if err := p.Send(t.Context(), 0, rs); err != nil {
			t.Fatal(err)
		}
	}
	// The segment that is being written is left alone and does not count, so the last two rounds stay.
	stay := 2 * len(latest)
	got := readAll(t, c, topic, 0, 0)
	for deadline := time.Now().Add(90 * time.Second); s.Compacts && len(got) > stay; got = readAll(t, c, topic, 0, 0) {
		time.Sleep(50 * time.Millisecond)
		if time.Now().After(deadline) {
			t.Fatalf("the log still has %d of %d messages: %v", len(got), len(sent), got)
		}
	}
	for _, m := range got {
		if diff := cmp.Diff(sent[m.Offset], m); diff != "" {
			t.Errorf("offset %d (-sent +read):\n%s", m.Offset, diff)
		}
		if l := latest[m.Key]; l.Offset == m.Offset {
			delete(latest, m.Key)
		}
	}
	if len(latest) > 0 {
		t.Errorf("the last messages of these keys were not read: %v", latest)
	}
	for from := range int64(len(sent)) {
		again := readAll(t, c, topic, 0, from)
		if len(again) == 0 || again[0].Offset < from || len(again) > len(got) || !cmp.Equal(got[len(got)-len(again):], again) {
			t.Errorf("from offset %d: %v", from, again)
		}
	}
}

// A topic that was deleted and made again has another id, and offsets of the old one mean nothing in it. A producer and a
// client that knew the old one go on with the new.
func testMadeAgain(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	c, a := open(t, addr, nil), newAdmin(t, addr)
	send(t, c, topic, "a", "b", "c")
	p, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: []byte("d")}}); err != nil {
		t.Fatal(err)
	}
	before, err := c.Topic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	// A reader of the old log that has asked while the topic was away is not given the new one's messages.
	reader := c.NewFetcher(topic, 0)
	fetch := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		_, err := reader.Fetch(ctx, 4, 0, func(m *kafkasrc.Message) error { return fmt.Errorf("was shown %q", m.Value) })
		return err
	}
	if err := fetch(time.Minute); err != nil {
		t.Fatal(err)
	}
	a.delete(topic)
	for err == nil { // the broker answers for a moment more
		err = fetch(200 * time.Millisecond)
	}
	if err := c.EnsureTopic(t.Context(), topic, 1); err != nil {
		t.Fatal(err)
	}
	var anew *kafkasrc.RecreatedError
	for i := range 2 {
		if err := p.Send(t.Context(), 0, []kafkasrc.Record{{Value: []byte("e")}, {Value: []byte("f")}, {Value: []byte("g")}}); err != nil {
			t.Fatal(err)
		}
		if err := fetch(time.Minute); !errors.As(err, &anew) || anew.Was != before.ID {
			t.Errorf("a reader of the old log, %d messages into the new: %v", 3*i+3, err)
		}
	}
	after, err := c.Topic(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if before.ID == after.ID || before.ClusterID != after.ClusterID {
		t.Errorf("topic was %+v and is %+v", before, after)
	}
	_, err = c.NewFetcher(topic, 0).Fetch(t.Context(), 7, 0, func(*kafkasrc.Message) error { return nil })
	var out *kafkasrc.OutOfRangeError
	if !errors.As(err, &out) || out.Start != 0 || out.End != 6 {
		t.Errorf("an offset of the old log: %v", err)
	}
	if got := values(readAll(t, c, topic, 0, 0)); !cmp.Equal(got, []string{"e", "f", "g", "e", "f", "g"}) {
		t.Errorf("the new log has %q", got)
	}
}

func testAddedPartitions(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	c := open(t, addr, nil)
	send(t, c, topic, "a")
	p, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	newAdmin(t, addr).grow(topic, 3)
	for part := range 3 {
		if err := p.Send(t.Context(), part, []kafkasrc.Record{{Value: fmt.Append(nil, "b", part)}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.Topic(t.Context(), topic)
	if err != nil || !cmp.Equal(got.Partitions, []int{0, 1, 2}) {
		t.Errorf("topic is %+v, %v", got, err)
	}
	log, err := c.Offsets(t.Context(), topic)
	if want := map[int]kafkasrc.Range{0: {End: 2}, 1: {End: 1}, 2: {End: 1}}; err != nil || !cmp.Equal(log, want) {
		t.Errorf("log is %v, %v; want %v", log, err, want)
	}
	if got := values(readAll(t, c, topic, 2, 0)); !cmp.Equal(got, []string{"b2"}) {
		t.Errorf("a new partition has %q", got)
	}
}

// A topic that takes smaller batches than ours gets smaller ones; a message too large by itself is an error. A topic with the
// default limit takes ours as they are.
func testSmallBatches(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	newAdmin(t, addr).create(topic, map[string]string{"max.message.bytes": "20000"})
	c := open(t, addr, nil)
	var rs []kafkasrc.Record
	for i := range 2000 {
		rs = append(rs, kafkasrc.Record{Value: fmt.Appendf(nil, "%01000d", i)})
	}
	small, err := c.NewProducer(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	plain := topicOf(t)
	if err := c.EnsureTopic(t.Context(), plain, 1); err != nil {
		t.Fatal(err)
	}
	large, err := c.NewProducer(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*kafkasrc.Producer{small, large} {
		if err := p.Send(t.Context(), 0, rs); err != nil {
			t.Fatal(err)
		}
	}
	for _, topic := range []string{topic, plain} {
		got := readAll(t, c, topic, 0, 0)
		if len(got) != len(rs) {
			t.Errorf("%s has %d messages, %d were sent", topic, len(got), len(rs))
		}
		for i, m := range got {
			if m.Value != string(rs[i].Value) {
				t.Fatalf("message %d of %s is %.20q", i, topic, m.Value)
			}
		}
	}
	err = small.Send(t.Context(), 0, []kafkasrc.Record{{Value: make([]byte, 50_000)}})
	if err == nil || !strings.Contains(err.Error(), "[10] Message Size Too Large") {
		t.Errorf("got %v", err)
	}
}

// What we commit is what lag tools read, and where a group's own consumer would begin.
func testCommits(t *testing.T, s kafkatest.Site) {
	addr, topic := s.Shared(t), topicOf(t)
	group := "stream." + topic
	c, a := open(t, addr, nil), newAdmin(t, addr)
	send(t, c, topic, "a", "b", "c")
	for next := range int64(3) { // again and again, as the stream goes on
		if err := c.CommitOffsets(t.Context(), group, topic, map[int]int64{0: next}); err != nil {
			t.Fatal(err)
		}
		if got := a.committed(group, topic, 0); got[0] != next {
			t.Errorf("the group is at %v, want %d", got, next)
		}
	}
	cl := franz(t, addr, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic))
	fs := cl.PollFetches(t.Context())
	if r := fs.Records(); len(r) != 1 || r[0].Offset != 2 {
		t.Errorf("a group's consumer starts at %v (%v)", r, fs.Err())
	}
	// It is a member now: the group is its own, and our commit is refused rather than mixed in.
	if err := c.CommitOffsets(t.Context(), group, topic, map[int]int64{0: 1}); err == nil {
		t.Error("a commit into a group with a live member was accepted")
	}
}
