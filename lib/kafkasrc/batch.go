package kafkasrc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/segmentio/kafka-go"
)

// Message is one message of a partition. Its slices point into the fetch's buffer.
type Message struct {
	Offset int64
	TimeMs int64  // when it was made or appended, as the topic is set; milliseconds since the Unix epoch
	Key    []byte // nil when it has none
	Value  []byte // nil for a null value, which is how a compacted topic marks a deletion

	headers []byte // encoded; checked by the walker
	count   int
}

// Header is a name and a value that travel with a message.
type Header struct {
	Key   string
	Value []byte // nil for null
}

// Headers decodes the message's headers; nil when it has none. The values are valid as long as the message is.
func (m *Message) Headers() []Header {
	if m.count == 0 {
		return nil
	}
	hs := make([]Header, m.count)
	b := m.headers
	for i := range hs {
		var k []byte
		k, b, _ = field(b)
		hs[i].Key = string(k)
		hs[i].Value, b, _ = field(b)
	}
	return hs
}

// A record batch of format 2 begins with these fields: base offset 0, length 8, leader epoch 12, magic 16, checksum 17,
// attributes 21, last offset delta 23, base time 27, max time 35, producer id 43, producer epoch 51, base
// sequence 53, record count 57. Source: Kafka's DefaultRecordBatch.java and "Message format" in its documentation.
const (
	batchHeader     = 61
	attrCompression = 0x07
	attrAppendTime  = 0x08
	attrTxn         = 0x10
	attrControl     = 0x20
)

// maxInflated bounds what one compressed batch may unpack to.
const maxInflated = 256 << 20

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errPartial = errors.New("record batch is cut off")
)

// abortedTxn says that messages of producer from offset first on are aborted, up to its next abort marker.
type abortedTxn struct{ producer, first int64 }

// walker goes through the record batches of fetch responses of one partition. It keeps the room for unpacked batches.
type walker struct {
	topic     string
	partition int
	inflated  bytes.Buffer
	msg       Message
}

// records calls each for the messages in b at or after from, and returns the offset after the last whole batch, or
// that of the message each returned an error for. A batch that is cut off at the end of b is errPartial, a normal
// thing in a response; one that contradicts itself is a *CorruptError with nothing of that batch shown, unless
// the contradiction is only in a later record of it.
func (w *walker) records(b []byte, from int64, aborted []abortedTxn, each func(m *Message) error) (next int64, err error) {
	next = from
	var dead map[int64]bool                                                                      // producers whose current transaction is aborted
	slices.SortFunc(aborted, func(a, b abortedTxn) int { return cmp.Compare(a.first, b.first) }) // brokers sort by end
	for len(b) > 0 {
		h, size, err := readBatchHeader(b)
		if err != nil {
			if err != errPartial {
				err = w.corrupt(max(h.base, next), err)
			}
			return next, err
		}
		body := b[batchHeader:size]
		b = b[size:]
		for len(aborted) > 0 && aborted[0].first <= h.last {
			if dead == nil {
				dead = make(map[int64]bool)
			}
			dead[aborted[0].producer] = true
			aborted = aborted[1:]
		}
		switch {
		case h.attrs&attrControl != 0:
			if isAbort(body) {
				delete(dead, h.producer)
			}
		case h.last < from: // wholly before what was asked for
		case h.attrs&attrTxn != 0 && dead[h.producer]:
		default:
			if body, err = w.inflate(h.attrs, body); err != nil {
				return next, w.corrupt(h.base, err)
			}
			if at, err := w.batch(h, body, from, each); err != nil {
				return max(at, from), err
			}
		}
		next = max(next, h.last+1)
	}
	return next, nil
}

func (w *walker) corrupt(offset int64, err error) error {
	return &CorruptError{Topic: w.topic, Partition: w.partition, Offset: offset, Reason: err.Error()}
}

// inside is trouble among the records of a batch whose checksum is right; at is the offset it was noticed at.
func (w *walker) inside(h batchInfo, at int64, format string, args ...any) error {
	return &CorruptError{Topic: w.topic, Partition: w.partition, Offset: h.base, Reason: fmt.Sprintf(format, args...), started: at > h.base}
}

type batchInfo struct {
	base, last        int64 // offsets of the first and last message, kept or compacted away
	attrs             uint16
	baseTime, maxTime int64
	producer          int64
	count             int32
}

// readBatchHeader checks the batch that b begins with and gives its header and its size in bytes.
func readBatchHeader(b []byte) (h batchInfo, size int, err error) {
	if len(b) < 17 {
		return h, 0, errPartial
	}
	h.base = int64(binary.BigEndian.Uint64(b))
	if magic := b[16]; magic != 2 {
		return h, 0, fmt.Errorf("message format %d; only format 2 is supported, which Kafka writes since 0.11", magic)
	}
	length := int64(int32(binary.BigEndian.Uint32(b[8:])))
	if length < batchHeader-12 {
		return h, 0, fmt.Errorf("length %d is too small", length)
	}
	if length+12 > int64(len(b)) {
		return h, 0, errPartial
	}
	size = int(length) + 12
	b = b[:size]
	if want, got := binary.BigEndian.Uint32(b[17:]), crc32.Checksum(b[21:], castagnoli); want != got {
		return h, 0, fmt.Errorf("checksum %08x, contents say %08x", want, got)
	}
	h.attrs = binary.BigEndian.Uint16(b[21:])
	delta := int64(int32(binary.BigEndian.Uint32(b[23:])))
	h.last = h.base + delta
	h.baseTime = int64(binary.BigEndian.Uint64(b[27:]))
	h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
	h.producer = int64(binary.BigEndian.Uint64(b[43:]))
	h.count = int32(binary.BigEndian.Uint32(b[57:]))
	if h.base < 0 || delta < 0 || h.last < h.base || h.last+1 < 0 || h.count < 0 {
		return h, 0, fmt.Errorf("offsets %d to %d, %d records", h.base, h.last, h.count)
	}
	return h, size, nil
}

// inflate gives the records of a batch uncompressed.
func (w *walker) inflate(attrs uint16, body []byte) ([]byte, error) {
	kind := kafka.Compression(attrs & attrCompression)
	if kind == 0 {
		return body, nil
	}
	codec := kind.Codec()
	if codec == nil {
		return nil, fmt.Errorf("unknown compression %d", kind)
	}
	if w.inflated.Cap() > keepFrame {
		w.inflated = bytes.Buffer{}
	}
	w.inflated.Reset()
	r := codec.NewReader(bytes.NewReader(body))
	defer r.Close()
	n, err := w.inflated.ReadFrom(io.LimitReader(r, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", codec.Name(), err)
	}
	if n > maxInflated {
		return nil, fmt.Errorf("unpack %s: more than %d bytes", codec.Name(), maxInflated)
	}
	return w.inflated.Bytes(), nil
}

// batch calls each for the records of one batch. With an error it gives the offset at which to fetch again.
func (w *walker) batch(h batchInfo, body []byte, from int64, each func(m *Message) error) (at int64, err error) {
	m := &w.msg
	at = h.base
	for i := int32(0); i < h.count; i++ {
		timeDelta, offsetDelta, rest, ok := record(body, m)
		if !ok || offsetDelta < 0 || offsetDelta > h.last-h.base {
			return at, w.inside(h, at, "record %d of %d is malformed", i+1, h.count)
		}
		body = rest
		m.Offset = h.base + offsetDelta
		m.TimeMs = h.baseTime + timeDelta
		if h.attrs&attrAppendTime != 0 {
			m.TimeMs = h.maxTime
		}
		if m.Offset < from {
			continue
		}
		if err := each(m); err != nil {
			return m.Offset, err
		}
		at = m.Offset + 1
	}
	if len(body) != 0 {
		return at, w.inside(h, at, "%d bytes after the last of %d records", len(body), h.count)
	}
	return at, nil
}

// record reads the record that b begins with into m and gives the rest of b.
func record(b []byte, m *Message) (timeDelta, offsetDelta int64, rest []byte, ok bool) {
	size, n := varint(b)
	if n <= 0 || size < 1 || size > int64(len(b)-n) {
		return 0, 0, nil, false
	}
	r, rest := b[n:n+int(size)], b[n+int(size):]
	r = r[1:] // attributes, unused
	if timeDelta, n = varint(r); n <= 0 {
		return 0, 0, nil, false
	}
	r = r[n:]
	if offsetDelta, n = varint(r); n <= 0 {
		return 0, 0, nil, false
	}
	r = r[n:]
	if m.Key, r, ok = field(r); !ok {
		return 0, 0, nil, false
	}
	if m.Value, r, ok = field(r); !ok {
		return 0, 0, nil, false
	}
	count, n := varint(r)
	if n <= 0 || count < 0 || count > int64(len(r)) {
		return 0, 0, nil, false
	}
	r = r[n:]
	m.count, m.headers = int(count), r
	for ; count > 0; count-- {
		if _, r, ok = field(r); !ok {
			return 0, 0, nil, false
		}
		if _, r, ok = field(r); !ok {
			return 0, 0, nil, false
		}
	}
	return timeDelta, offsetDelta, rest, len(r) == 0
}

// field reads bytes with a varint length, -1 for nil.
func field(b []byte) (v, rest []byte, ok bool) {
	size, n := varint(b)
	switch {
	case n <= 0 || size < -1 || size > int64(len(b)-n):
		return nil, nil, false
	case size < 0:
		return nil, b[n:], true
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

// varint reads a zigzag varint; n <= 0 when there is none. Most are one or two bytes.
func varint(b []byte) (v int64, n int) {
	if len(b) > 1 {
		if b[0] < 0x80 {
			return int64(b[0]>>1) ^ -int64(b[0]&1), 1
		}
		if b[1] < 0x80 {
			u := uint32(b[0]&0x7f) | uint32(b[1])<<7
			return int64(u>>1) ^ -int64(u&1), 2
		}
	}
	return binary.Varint(b)
}

// isAbort reports whether a control batch ends a transaction by aborting it. Its only record has a key of version
// and type, both 16 bits: 0 is abort, 1 commit.
func isAbort(body []byte) bool {
	var m Message
	_, _, _, ok := record(body, &m)
	return ok && len(m.Key) >= 4 && binary.BigEndian.Uint16(m.Key[2:]) == 0
}
