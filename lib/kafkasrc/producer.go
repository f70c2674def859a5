package kafkasrc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// maxBatch keeps an encoded batch under the 1,048,588 bytes brokers accept by default.
const maxBatch = 900_000

// Producer appends messages to a topic, each exactly once however often a request has to be repeated: every
// partition has a producer id and sequence numbers, by which the broker knows a batch it already has (KIP-98), and where
// the broker may have forgotten the producer, the log is searched for the batch before it is sent again.
// It is safe for concurrent use; calls for the same partition wait for each other.
type Producer struct {
	client *Client
	topic  string

	mu    sync.Mutex
	parts map[int]*partitionProducer
}

type partitionProducer struct {
	mu    sync.Mutex
	known bool // session is valid and every batch before it was answered
	session
	limit int   // of a batch, in bytes; shrinks when the topic takes less
	end   int64 // no batch that is in doubt lies before this offset
}

// NewProducer makes a producer of a topic, and waits until the topic is there.
func (c *Client) NewProducer(ctx context.Context, topic string) (*Producer, error) {
	if _, err := c.Topic(ctx, topic); err != nil {
		return nil, err
	}
	return &Producer{client: c, topic: topic, parts: make(map[int]*partitionProducer)}, nil
}

// Send appends messages to a partition in order and returns when all replicas in sync have them. It cuts them
// into batches itself. The slices may be used again when it returns.
//
// Trouble that passes is retried until ctx ends. After an error some first part of msgs may be in the log, and the batch in
// flight may still arrive; LastMessage tells.
func (p *Producer) Send(ctx context.Context, partition int, msgs []Record) error {
	part := p.partition(partition)
	part.mu.Lock()
	defer part.mu.Unlock()
	for len(msgs) > 0 {
		n, err := p.sendBatch(ctx, partition, part, msgs)
		if err != nil {
			part.known = false // the batch may be in the log: its sequence numbers must not be used for another
			return err
		}
		msgs = msgs[n:]
	}
	return nil
}

func (p *Producer) partition(i int) *partitionProducer {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.parts[i]
	if part == nil {
		part = &partitionProducer{limit: maxBatch}
		p.parts[i] = part
	}
	return part
}

// batches keeps encoding buffers. A buffer goes back only after a request that was answered at the first try: one that
// was given up may still be read by its connection.
var batches = sync.Pool{New: func() any { return new([]byte) }}

// sendBatch appends a first part of msgs and returns its length.
func (p *Producer) sendBatch(ctx context.Context, partition int, part *partitionProducer, msgs []Record) (int, error) {
	what := fmt.Sprintf("produce to %s/%d", p.topic, partition)
	buf := batches.Get().(*[]byte)
	var (
		batch []byte
		n     int
		tries int
		doubt bool // an earlier try may have stored the batch
	)
	err := p.client.retry(ctx, what, attemptTimeout, func(ctx context.Context) error {
		if !part.known {
			if err := p.begin(ctx, partition, part); err != nil {
				return err
			}
			batch = nil
		}
		if doubt {
			stored, err := p.find(ctx, partition, part)
			if err != nil {
				return err
			}
			if stored > 0 {
				n = stored
				return nil
			}
			doubt = false
		}
		if batch == nil {
			if tries > 0 {
				buf = new([]byte)
			}
			batch, n = appendBatch((*buf)[:0], msgs, part.session, part.limit)
			*buf = batch
		}
		tries++
		base, err := p.produce(ctx, partition, batch)
		switch {
		case err == nil && base >= 0:
			part.end = base + int64(n)
		case errors.Is(err, kafka.DuplicateSequenceNumber):
			return nil // an earlier try arrived after all
		case errors.Is(err, kafka.UnknownProducerId), errors.Is(err, kafka.OutOfOrderSequenceNumber),
			errors.Is(err, kafka.InvalidProducerEpoch), errors.Is(err, kafka.ProducerFenced), errors.Is(err, kafka.InvalidProducerIDMapping):
			// The broker has forgotten this producer (retention, or it lost its tail). All earlier batches were
			// answered and this one is not in the log as far as the broker knows, so it may go under a new id.
			part.known = false
			return &forgottenError{err}
		case errors.Is(err, kafka.MessageSizeTooLarge) && n > 1:
			part.limit = max(part.limit/2, 1)
			batch = nil
			return &tooLargeError{err}
		}
		doubt = err != nil
		return err
	})
	if err != nil {
		return 0, err
	}
	if tries == 1 {
		batches.Put(buf)
	}
	part.sequence = int32(uint32(part.sequence+int32(n)) & 0x7fffffff) // wraps to 0 as the protocol says
	return n, nil
}

// find looks for the batch in doubt and gives the number of its records; 0 when it is not in the log.
//
// The broker is to recognize a batch that is sent again by its sequence numbers. But it forgets a producer whose last batch
// is a day old (producer.id.expiration.ms), goes by the times in the batch, and looks when it starts: after a restart it takes
// a repeated batch of last month's messages for a new one.
func (p *Producer) find(ctx context.Context, partition int, part *partitionProducer) (int, error) {
	f := p.client.NewFetcher(p.topic, partition)
	f.uncommitted = true // somebody's open transaction may lie before it
	next, n, err := f.find(ctx, part.end, part.session)
	if err == nil && n > 0 {
		part.end = next
	}
	return n, err
}

// begin gets a producer id, and notes where the log ends.
func (p *Producer) begin(ctx context.Context, partition int, part *partitionProducer) error {
	res, err := p.client.kafka(p.topic).InitProducerID(ctx, &kafka.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1, TransactionTimeoutMs: 60_000})
	if err != nil {
		return err
	}
	if res.Error != nil {
		return res.Error
	}
	ranges, err := p.client.offsets(ctx, p.topic, []int{partition})
	if err != nil {
		return err
	}
	part.end = ranges[partition].End
	part.session = session{producer: int64(res.Producer.ProducerID), epoch: int16(res.Producer.ProducerEpoch)}
	part.known = true
	return nil
}

// produce sends one batch and gives the offset of its first message; -1 when the broker does not say.
func (p *Producer) produce(ctx context.Context, partition int, batch []byte) (int64, error) {
	res, err := p.client.kafka(p.topic).RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: p.topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(batch)},
	})
	if err != nil {
		return -1, err
	}
	return res.BaseOffset, res.Error
}

// forgottenError and tooLargeError are retried, in another way than before.
type forgottenError struct{ error }

func (e *forgottenError) Unwrap() error { return e.error }

type tooLargeError struct{ error }

func (e *tooLargeError) Unwrap() error { return e.error }
