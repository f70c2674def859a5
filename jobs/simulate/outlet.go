package simulate

import (
	"context"
	"time"

	"tillflow/lib/kafkasrc"
)

// Kinds of events, each with a topic of its own.
const (
	sales = iota
	refunds
	kinds
)

// outlet gathers events by topic and partition and sends them. Memory for a chunk is used again for the next.
type outlet struct {
	topics     [kinds]string
	producers  [kinds]*kafkasrc.Producer
	batches    [kinds][]batch // by partition
	partitions [kinds]int
	held       int // events gathered
}

// batch is what one partition gets next.
type batch struct {
	text    []byte
	marks   []mark
	records []kafkasrc.Record
}

// mark says where in the text a message and its key stand. The text moves as it grows, so records are cut at the end.
type mark struct {
	end int
	key [2]int
}

// newOutlet makes the topics where they are missing. A topic that is there keeps the partitions it has.
func newOutlet(ctx context.Context, client *kafkasrc.Client, w With) (*outlet, error) {
	o := &outlet{topics: [kinds]string{w.Topics.Transactions, w.Topics.Refunds}}
	for kind, topic := range o.topics {
		if err := client.EnsureTopic(ctx, topic, w.Partitions); err != nil {
			return nil, err
		}
		t, err := client.Topic(ctx, topic)
		if err != nil {
			return nil, err
		}
		if o.producers[kind], err = client.NewProducer(ctx, topic); err != nil {
			return nil, err
		}
		o.partitions[kind] = len(t.Partitions)
		o.batches[kind] = make([]batch, len(t.Partitions))
	}
	return o, nil
}

// partition is where a customer's events of a kind go: the partition Kafka's own clients choose for the key, so that
// another producer's events of the same customer stand in the same partition.
func (o *outlet) partition(kind int, key []byte) int {
	return kafkasrc.PartitionOf(key, o.partitions[kind])
}

// send writes what is gathered, stamped with the time it was produced: on a broker that keeps a week, a month of history
// must not be too old to keep. All sales go before all refunds, which refer to them. It returns when the brokers have
// everything.
func (o *outlet) send(ctx context.Context, now time.Time) error {
	for kind := range o.batches {
		for p := range o.batches[kind] {
			b := &o.batches[kind][p]
			if len(b.marks) == 0 {
				continue
			}
			if err := o.producers[kind].Send(ctx, p, b.cut(now.UnixMilli())); err != nil {
				return err
			}
			b.text, b.marks = b.text[:0], b.marks[:0]
		}
	}
	o.held = 0
	return nil
}

func (b *batch) cut(nowMs int64) []kafkasrc.Record {
	b.records = b.records[:0]
	start := 0
	for _, m := range b.marks {
		b.records = append(b.records, kafkasrc.Record{Key: b.text[m.key[0]:m.key[1]], Value: b.text[start:m.end], TimeMs: nowMs})
		start = m.end
	}
	return b.records
}

// add gathers a message that was appended to the batch's text.
func (o *outlet) add(b *batch, text []byte, key [2]int) {
	b.text = text
	b.marks = append(b.marks, mark{len(text), key})
	o.held++
}
