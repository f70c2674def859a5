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
// partition has a producer id and sequence numbers, by which the broker knows a batch it already has (KIP-98).
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
	limit int // of a batch, in bytes; shrinks when the topic takes less
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
	)
	err := p.client.retry(ctx, what, attemptTimeout, func(ctx context.Context) error {
		if !part.known {
			if err := p.begin(ctx, part); err != nil {
				return err
			}
			batch = nil
		}
		if batch == nil {
			if tries > 0 {
				buf = new([]byte)
			}
			batch, n = appendBatch((*buf)[:0], msgs, part.session, part.limit)
			*buf = batch
		}
		tries++
		err := p.produce(ctx, partition, batch)
		switch {
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

// begin gets a producer id.
func (p *Producer) begin(ctx context.Context, part *partitionProducer) error {
	res, err := p.client.kafka(p.topic).InitProducerID(ctx, &kafka.InitProducerIDRequest{ProducerID: -1, ProducerEpoch: -1, TransactionTimeoutMs: 60_000})
	if err != nil {
		return err
	}
	if res.Error != nil {
		return res.Error
	}
	part.session = session{producer: int64(res.Producer.ProducerID), epoch: int16(res.Producer.ProducerEpoch)}
	part.known = true
	return nil
}

func (p *Producer) produce(ctx context.Context, partition int, batch []byte) error {
	res, err := p.client.kafka(p.topic).RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: p.topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(batch)},
	})
	if err != nil {
		return err
	}
	return res.Error
}

// forgottenError and tooLargeError are retried, in another way than before.
type forgottenError struct{ error }

func (e *forgottenError) Unwrap() error { return e.error }

type tooLargeError struct{ error }

func (e *tooLargeError) Unwrap() error { return e.error }
