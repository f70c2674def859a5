package kafkasrc

import (
	"encoding/binary"
	"hash/crc32"
)

// Record is a message to be produced.
type Record struct {
	Key, Value []byte // nil for none; a nil value marks a deletion on a compacted topic
	TimeMs     int64  // milliseconds since the Unix epoch
	Headers    []Header
}

// session is an idempotent producer's identity on one partition.
type session struct {
	producer int64
	epoch    int16
	sequence int32 // of the next record
}

// appendBatch encodes records as one record batch, at most limit bytes unless the first record alone is bigger. It
// returns the batch, with its length before it as the produce request wants it, and how many records it holds.
func appendBatch(b []byte, records []Record, s session, limit int) ([]byte, int) {
	start := len(b)
	b = append(b, make([]byte, 4+batchHeader)...)
	base := records[0].TimeMs
	latest := base
	n := 0
	for i := range records {
		r := &records[i]
		size := recordSize(r, base, n)
		if n > 0 && len(b)-start-4+size+binary.MaxVarintLen32 > limit {
			break
		}
		b = appendRecord(b, r, size, base, n)
		latest = max(latest, r.TimeMs)
		n++
	}
	total := len(b) - start - 4
	h := b[start:]
	binary.BigEndian.PutUint32(h, uint32(total))
	h = h[4:]
	binary.BigEndian.PutUint32(h[8:], uint32(total-12))
	binary.BigEndian.PutUint32(h[12:], 0xffffffff) // leader epoch: not known
	h[16] = 2
	binary.BigEndian.PutUint32(h[23:], uint32(n-1))
	binary.BigEndian.PutUint64(h[27:], uint64(base))
	binary.BigEndian.PutUint64(h[35:], uint64(latest))
	binary.BigEndian.PutUint64(h[43:], uint64(s.producer))
	binary.BigEndian.PutUint16(h[51:], uint16(s.epoch))
	binary.BigEndian.PutUint32(h[53:], uint32(s.sequence))
	binary.BigEndian.PutUint32(h[57:], uint32(n))
	binary.BigEndian.PutUint32(h[17:], crc32.Checksum(h[21:], castagnoli))
	return b, n
}

// recordSize is the encoded size of a record after its own length.
func recordSize(r *Record, baseTime int64, i int) int {
	return 1 + varintSize(r.TimeMs-baseTime) + varintSize(int64(i)) + fieldSize(r.Key) + fieldSize(r.Value) + headersSize(r.Headers)
}

func headersSize(headers []Header) int {
	n := varintSize(int64(len(headers)))
	for i := range headers {
		n += varintSize(int64(len(headers[i].Key))) + len(headers[i].Key) + fieldSize(headers[i].Value)
	}
	return n
}

func appendRecord(b []byte, r *Record, size int, baseTime int64, i int) []byte {
	b = binary.AppendVarint(b, int64(size))
	b = append(b, 0) // attributes
	b = binary.AppendVarint(b, r.TimeMs-baseTime)
	b = binary.AppendVarint(b, int64(i))
	b = appendField(b, r.Key)
	b = appendField(b, r.Value)
	b = binary.AppendVarint(b, int64(len(r.Headers)))
	for i := range r.Headers {
		b = binary.AppendVarint(b, int64(len(r.Headers[i].Key)))
		b = append(b, r.Headers[i].Key...)
		b = appendField(b, r.Headers[i].Value)
	}
	return b
}

func appendField(b, v []byte) []byte {
	if v == nil {
		return append(b, 1) // -1
	}
	b = binary.AppendVarint(b, int64(len(v)))
	return append(b, v...)
}

func fieldSize(v []byte) int {
	if v == nil {
		return 1
	}
	return varintSize(int64(len(v))) + len(v)
}

func varintSize(v int64) int {
	n := 1
	for u := uint64(v<<1) ^ uint64(v>>63); u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
