package kafkasrc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// fetchBytes is how much a fetch asks for. Eight times as much was two to three times slower: broker and client
// spend the time on allocating.
const fetchBytes = 1 << 20

// The fetch versions whose requests kafka-go can write: 4 brought record batches and transactions, 12 flexible fields.
const (
	minFetchVersion = 4
	maxFetchVersion = 11
)

// corruptRetries is how often a batch that fails its checksum is fetched again before that is an error.
const corruptRetries = 3

// Fetcher reads one partition from any offset. It keeps no position of its own; it is not safe for concurrent use.
type Fetcher struct {
	client    *Client
	topic     string
	partition int
	versionOK bool // the broker was found to speak a fetch version we know
	walk      walker

	topicID string // as it was at the first fetch
	checked bool   // the topic is still that one; a failed request makes it doubtful

	uncommitted bool // show what open and aborted transactions have written too
}

// NewFetcher makes a reader of one partition.
func (c *Client) NewFetcher(topic string, partition int) *Fetcher {
	return &Fetcher{client: c, topic: topic, partition: partition, walk: walker{topic: topic, partition: partition}}
}

// Fetched is how far a fetch came and what the broker said about the partition.
type Fetched struct {
	Next          int64 // the offset to fetch next; may move past control batches and gaps without any message
	HighWatermark int64 // the log's end
	LastStable    int64 // committed messages lie before it; at most HighWatermark
	LogStart      int64 // the first offset retention has left; -1 when the broker is too old to say
}

// Fetch asks once for messages from offset on, waits up to wait for the first one, and calls each for every message in
// order. Messages of aborted transactions, control batches and messages before offset are not shown.
//
// The message and its slices are valid only inside each. When each returns an error, Fetch returns it as it is, and
// Next is the offset of the message it was called with: nothing is lost by fetching again from there.
//
// A broker that is away or a leader that moves is retried until ctx ends. An offset outside the log is an
// *OutOfRangeError; a batch that stays broken when fetched again is a *CorruptError; a topic that was made again since the
// Fetcher's first fetch is a *RecreatedError.
func (f *Fetcher) Fetch(ctx context.Context, offset int64, wait time.Duration, each func(m *Message) error) (Fetched, error) {
	size := int32(fetchBytes)
	for broken := 0; ; {
		got, frame, err := f.ask(ctx, offset, wait, size)
		if err != nil {
			return got.Fetched, err
		}
		next, err := f.walk.records(got.records, offset, got.aborted, each)
		frames.give(frame)
		got.Next = next
		var corrupt *CorruptError
		switch {
		case err == nil:
			return got.Fetched, nil
		case errors.Is(err, errPartial) && next > offset, errors.As(err, &corrupt) && next > offset && !corrupt.started:
			return got.Fetched, nil // what came before it stands; the next fetch begins at it
		case errors.Is(err, errPartial) && size < maxFrame/2:
			size *= 2 // brokers since 0.10.1 send one batch whole; this is for those that do not
		case errors.As(err, &corrupt) && !corrupt.started && broken < corruptRetries:
			broken++
			f.client.notice(f.what(), err)
		default:
			return got.Fetched, err
		}
	}
}

func (f *Fetcher) what() string { return fmt.Sprintf("fetch from %s/%d", f.topic, f.partition) }

// answer is a response to one fetch; records and aborted point into the frame.
type answer struct {
	Fetched
	records []byte
	aborted []abortedTxn
}

// ask sends fetch requests until one is answered. The frame belongs to the caller and goes back to frames.
func (f *Fetcher) ask(ctx context.Context, offset int64, wait time.Duration, size int32) (answer, *frame, error) {
	var (
		got answer
		raw *fetchResponse
	)
	got.Next = offset
	isolation := kafka.ReadCommitted
	if f.uncommitted {
		isolation = kafka.ReadUncommitted
	}
	err := f.client.retry(ctx, f.what(), wait+attemptTimeout, func(ctx context.Context) error {
		if err := f.sameTopic(ctx); err != nil {
			return err
		}
		f.checked = false
		req := &fetchRequest{fetcher: f, checkVersion: !f.versionOK, Request: fetch.Request{
			ReplicaID: -1, MaxWaitTime: int32(wait.Milliseconds()), MinBytes: 1, MaxBytes: size,
			IsolationLevel: int8(isolation), SessionEpoch: -1,
			Topics: []fetch.RequestTopic{{Topic: f.topic, Partitions: []fetch.RequestPartition{{
				Partition: int32(f.partition), CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: size,
			}}}},
		}}
		m, err := f.client.transport(f.topic).RoundTrip(ctx, kafka.TCP(f.client.brokers...), req)
		if err != nil {
			return err
		}
		raw = m.(*fetchResponse)
		f.versionOK = true
		got, err = decodeFetch(raw.frame.b, raw.version, offset)
		if err != nil {
			frames.give(raw.frame)
		}
		f.checked = err == nil
		return err
	})
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return got, nil, f.outOfRange(ctx, offset)
	}
	if err != nil {
		return got, nil, err
	}
	return got, raw.frame, nil
}

// sameTopic asks for the topic's id at the first fetch, and again after a request that failed: a topic cannot be deleted
// without the fetch at hand failing, and the request itself names the topic by its name only.
func (f *Fetcher) sameTopic(ctx context.Context) error {
	if f.checked {
		return nil
	}
	t, err := f.client.askTopic(ctx, f.topic)
	if err != nil {
		return err
	}
	if f.topicID != "" && f.topicID != t.ID {
		return &RecreatedError{Topic: f.topic, Was: f.topicID, Is: t.ID}
	}
	f.topicID, f.checked = t.ID, true
	return nil
}

func (f *Fetcher) outOfRange(ctx context.Context, offset int64) error {
	e := &OutOfRangeError{Topic: f.topic, Partition: f.partition, Offset: offset, Start: -1, End: -1}
	ranges, err := f.client.offsets(ctx, f.topic, []int{f.partition})
	if err != nil {
		return errors.Join(e, err)
	}
	e.Start, e.End = ranges[f.partition].Start, ranges[f.partition].End
	return e
}

// decodeFetch reads a fetch response about one partition.
func decodeFetch(frame []byte, version int16, offset int64) (answer, error) {
	c := &cursor{b: frame}
	got := answer{Fetched: Fetched{Next: offset, LogStart: -1}}
	c.int32() // correlation id
	c.int32() // throttle time
	if version >= 7 {
		code := c.int16()
		c.int32() // session
		if code != 0 {
			return got, kafkaError(code)
		}
	}
	if n := c.int32(); n != 1 && !c.bad {
		return got, fmt.Errorf("fetch response about %d topics, 1 asked for", n)
	}
	c.string()
	if n := c.int32(); n != 1 && !c.bad {
		return got, fmt.Errorf("fetch response about %d partitions, 1 asked for", n)
	}
	c.int32() // partition
	code := c.int16()
	got.HighWatermark = c.int64()
	got.LastStable = c.int64()
	if version >= 5 {
		got.LogStart = c.int64()
	}
	if n := int(c.int32()); n > 0 {
		if n > len(c.b)/16 {
			return got, errShort
		}
		got.aborted = make([]abortedTxn, n)
		for i := range got.aborted {
			got.aborted[i] = abortedTxn{producer: c.int64(), first: c.int64()}
		}
	}
	if version >= 11 {
		c.int32() // preferred read replica: we name no rack, so there is none
	}
	got.records = c.take(max(0, int(c.int32())))
	switch {
	case code != 0:
		return got, kafkaError(code)
	case c.bad:
		return got, errShort
	}
	return got, nil
}

// fetchRequest is a fetch that reads its own response, so that the records stay one slice of bytes. kafka-go does
// the rest: which broker, and its connection.
type fetchRequest struct {
	fetch.Request
	fetcher      *Fetcher
	checkVersion bool
	version      int16
}

type fetchResponse struct {
	frame   *frame
	version int16
}

func (*fetchRequest) ApiKey() protocol.ApiKey  { return protocol.Fetch }
func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Required takes the version kafka-go has chosen for this connection.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// RawExchange runs on the connection's goroutine and may go on after the caller's context has ended. So it shares
// nothing with the caller but the response: the frame is new to it, and a frame nobody waits for is left to the collector.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.checkVersion {
		versions, err := askVersions(rw, r.fetcher.client.clientID)
		if err != nil {
			return nil, err
		}
		if _, err := pickVersion(versions, protocol.Fetch, minFetchVersion, maxFetchVersion); err != nil {
			return nil, err
		}
	}
	if r.version < minFetchVersion || r.version > maxFetchVersion {
		return nil, &VersionError{API: "Fetch", BrokerMin: r.version, BrokerMax: r.version, OursMin: minFetchVersion, OursMax: maxFetchVersion}
	}
	if err := protocol.WriteRequest(rw, r.version, correlation, r.fetcher.client.clientID, &r.Request); err != nil {
		return nil, err
	}
	n, err := frameLen(rw)
	if err != nil {
		return nil, err
	}
	f := frames.take(n)
	if _, err := io.ReadFull(rw, f.b); err != nil {
		return nil, err
	}
	return &fetchResponse{f, r.version}, nil
}

// frame is the bytes of one response.
type frame struct{ b []byte }

// frames keeps the buffers of finished fetches for later ones. Odd giants are not kept.
var frames framePool

type framePool struct{ pool sync.Pool }

const keepFrame = 4 * fetchBytes

func (p *framePool) take(n int) *frame {
	f, _ := p.pool.Get().(*frame)
	if f == nil || cap(f.b) < n {
		f = &frame{b: make([]byte, max(n, fetchBytes+fetchBytes/16))}
	}
	f.b = f.b[:n]
	return f
}

func (p *framePool) give(f *frame) {
	if f != nil && cap(f.b) <= keepFrame {
		p.pool.Put(f)
	}
}
