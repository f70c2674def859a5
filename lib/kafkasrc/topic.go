package kafkasrc

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Topic is what the cluster says about a topic.
type Topic struct {
	// ID is the topic's own id, which changes when a topic is deleted and made again under the same name; in the form
	// Kafka's tools print. Empty on brokers before 2.8.
	ID         string
	ClusterID  string
	Partitions []int // ascending
}

// Topic asks a broker about a topic; nothing is answered from a cache and no topic is made by asking. A topic that does
// not exist is asked for until ctx ends; the error is then an *UnknownTopicError beside the context's.
func (c *Client) Topic(ctx context.Context, name string) (Topic, error) {
	var t Topic
	err := c.retry(ctx, "ask about topic "+name, attemptTimeout, func(ctx context.Context) (err error) {
		t, err = c.askTopic(ctx, name)
		return err
	})
	return t, err
}

// askTopic asks once.
func (c *Client) askTopic(ctx context.Context, name string) (Topic, error) {
	m, err := c.transport(name).RoundTrip(ctx, kafka.TCP(c.brokers...), &topicRequest{topic: name, clientID: c.clientID})
	if err != nil {
		return Topic{}, err
	}
	res := m.(*topicResponse)
	return res.Topic, res.err
}

// EnsureTopic makes a topic with that many partitions and the broker's default replication. A topic that exists is left as it
// is, whatever its partitions.
func (c *Client) EnsureTopic(ctx context.Context, name string, partitions int) error {
	err := c.retry(ctx, "create topic "+name, attemptTimeout, func(ctx context.Context) error {
		res, err := c.kafka(name).CreateTopics(ctx, &kafka.CreateTopicsRequest{
			Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: -1}},
		})
		if err != nil {
			return err
		}
		return res.Errors[name]
	})
	if errors.Is(err, kafka.TopicAlreadyExists) {
		return nil
	}
	return err
}

// Range is a partition's log: offsets [Start, End).
type Range struct {
	Start int64
	// End is the offset after the last message that a reader of committed data gets to see; messages of transactions still
	// open lie behind it.
	End int64
}

// Offsets asks for the range of each partition's log.
func (c *Client) Offsets(ctx context.Context, topic string) (map[int]Range, error) {
	t, err := c.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	return c.offsets(ctx, topic, t.Partitions)
}

func (c *Client) offsets(ctx context.Context, topic string, partitions []int) (map[int]Range, error) {
	var ask []kafka.OffsetRequest
	for _, p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	got := make(map[int]Range, len(partitions))
	err := c.retry(ctx, "ask for the log ends of "+topic, attemptTimeout, func(ctx context.Context) error {
		res, err := c.kafka(topic).ListOffsets(ctx, &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{topic: ask}, IsolationLevel: kafka.ReadCommitted,
		})
		if err != nil {
			return err
		}
		clear(got)
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
			}
			got[p.Partition] = Range{Start: p.FirstOffset, End: p.LastOffset}
		}
		if len(got) != len(partitions) {
			return protocol.ErrNoPartition
		}
		return nil
	})
	return got, err
}

// CommitOffsets tells Kafka how far a group has read, so that ordinary tools can show its lag. It joins no group
// and is not what anything here resumes from; a group with live members refuses it.
func (c *Client) CommitOffsets(ctx context.Context, group, topic string, next map[int]int64) error {
	commits := make([]kafka.OffsetCommit, 0, len(next))
	for p, offset := range next {
		commits = append(commits, kafka.OffsetCommit{Partition: p, Offset: offset})
	}
	return c.retry(ctx, "commit offsets of group "+group, attemptTimeout, func(ctx context.Context) error {
		res, err := c.kafka(topic).OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: commits},
		})
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
			}
		}
		return nil
	})
}

func kafkaError(code int16) error { return kafka.Error(code) }

// topicRequest asks for the metadata of one topic in version 9 to 12, of which kafka-go knows none: only from
// version 10 on does the answer carry the topic's id.
type topicRequest struct{ topic, clientID string }

type topicResponse struct {
	Topic
	err error // what the broker says; the connection is fine
}

func (*topicRequest) ApiKey() protocol.ApiKey                 { return protocol.Metadata }
func (*topicResponse) ApiKey() protocol.ApiKey                { return protocol.Metadata }
func (*topicRequest) Required(map[protocol.ApiKey]int16) bool { return true }

func (r *topicRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	versions, err := askVersions(rw, r.clientID)
	if err != nil {
		return nil, err
	}
	v, err := pickVersion(versions, protocol.Metadata, 9, 12)
	if err != nil {
		return nil, err
	}
	c, err := exchange(rw, r.encode(v))
	if err != nil {
		return nil, err
	}
	t, err := decodeTopic(c, v, r.topic)
	return &topicResponse{t, err}, nil
}

func (r *topicRequest) encode(version int16) []byte {
	b := header(protocol.Metadata, version, true, r.clientID)
	b = append(b, 2) // one topic
	if version >= 10 {
		b = append(b, make([]byte, 16)...) // asked for by name
	}
	b = binary.AppendUvarint(b, uint64(len(r.topic)+1))
	b = append(b, r.topic...)
	b = append(b, 0) // tags of the topic
	b = append(b, 0) // do not create it
	if version <= 10 {
		b = append(b, 0) // no authorizations of the cluster
	}
	return append(b, 0, 0) // none of the topic; tags
}

// decodeTopic reads the response to a topicRequest.
func decodeTopic(c *cursor, version int16, name string) (Topic, error) {
	var t Topic
	c.tags()
	c.int32()                                    // throttle time
	for n := c.compact(); n > 0 && !c.bad; n-- { // brokers
		c.int32()
		c.compactString()
		c.int32()
		c.compactString()
		c.tags()
	}
	t.ClusterID = c.compactString()
	c.int32() // controller
	if n := c.compact(); n != 1 && !c.bad {
		return t, fmt.Errorf("metadata of %d topics, 1 asked for", n)
	}
	code := c.int16()
	c.compactString()
	if version >= 10 {
		if id := c.take(16); id != nil && [16]byte(id) != [16]byte{} {
			t.ID = base64.RawURLEncoding.EncodeToString(id)
		}
	}
	c.take(1) // internal?
	for n := c.compact(); n > 0 && !c.bad; n-- {
		c.int16()
		t.Partitions = append(t.Partitions, int(c.int32()))
		c.int32()
		c.int32()
		for range 3 { // replicas, in sync, offline
			c.take(4 * max(0, c.compact()))
		}
		c.tags()
	}
	switch {
	case c.bad:
		return t, errShort
	case code == int16(kafka.UnknownTopicOrPartition):
		return t, &UnknownTopicError{Topic: name}
	case code != 0:
		return t, kafkaError(code)
	case len(t.Partitions) == 0:
		return t, protocol.ErrNoPartition
	}
	slices.Sort(t.Partitions)
	return t, nil
}
