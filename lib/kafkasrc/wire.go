package kafkasrc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// maxFrame bounds one response. A broker sends a message that is bigger than the bytes asked for whole, so this is
// also the longest message that can be read.
const maxFrame = 256 << 20

var errShort = errors.New("response ends too early")

// cursor reads a response field by field. It never reads past the end: the first field that is not all there sets
// bad, and everything after it is zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.bad = nil, true
		return nil
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) int16() int16 {
	if v := c.take(2); v != nil {
		return int16(binary.BigEndian.Uint16(v))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if v := c.take(4); v != nil {
		return int32(binary.BigEndian.Uint32(v))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if v := c.take(8); v != nil {
		return int64(binary.BigEndian.Uint64(v))
	}
	return 0
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

// string reads a string with a 16-bit length; null (-1) is empty.
func (c *cursor) string() string { return string(c.take(max(0, int(c.int16())))) }

// compact reads the length or count of a flexible field; null is -1.
func (c *cursor) compact() int {
	v := c.uvarint()
	if v > uint64(len(c.b))+1 { // every element takes a byte or more
		c.b, c.bad = nil, true
		return 0
	}
	return int(v) - 1
}

func (c *cursor) compactString() string { return string(c.take(max(0, c.compact()))) }

// tags skips the tagged fields at the end of a flexible structure.
func (c *cursor) tags() {
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
		size := c.uvarint()
		if size > uint64(len(c.b)) {
			c.b, c.bad = nil, true
			return
		}
		c.take(int(size))
	}
}

// header begins a request. Flexible requests have tagged fields in their header.
func header(api protocol.ApiKey, version int16, flexible bool, clientID string) []byte {
	b := make([]byte, 4, 128) // the length comes last, see send
	b = binary.BigEndian.AppendUint16(b, uint16(api))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlation))
	b = binary.BigEndian.AppendUint16(b, uint16(len(clientID)))
	b = append(b, clientID...)
	if flexible {
		b = append(b, 0)
	}
	return b
}

// correlation marks our own requests. A kafka-go connection serves one exchange at a time, so it may stay the same.
const correlation = 7

// exchange sends a request made with header and gives the response after its correlation id.
func exchange(rw io.ReadWriter, req []byte) (*cursor, error) {
	binary.BigEndian.PutUint32(req, uint32(len(req)-4))
	if _, err := rw.Write(req); err != nil {
		return nil, err
	}
	n, err := frameLen(rw)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(rw, b); err != nil {
		return nil, err
	}
	c := &cursor{b: b}
	if id := c.int32(); c.bad || id != correlation {
		return nil, fmt.Errorf("response to another request (correlation id %d)", id)
	}
	return c, nil
}

// frameLen reads the length of the response that follows.
func frameLen(r io.Reader) (int, error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(h[:])
	if n < 4 || n > maxFrame {
		return 0, fmt.Errorf("response of %d bytes; 4 to %d are supported", n, maxFrame)
	}
	return int(n), nil
}

type versionRange struct{ min, max int16 }

// askVersions asks a broker which versions of each request it speaks. kafka-go asks too, but keeps only what it
// would use itself, so a broker too new for it would be asked in a version it has dropped.
func askVersions(rw io.ReadWriter, clientID string) (map[protocol.ApiKey]versionRange, error) {
	c, err := exchange(rw, header(protocol.ApiVersions, 0, false, clientID))
	if err != nil {
		return nil, err
	}
	if code := c.int16(); code != 0 {
		return nil, kafkaError(code)
	}
	n := int(c.int32())
	got := make(map[protocol.ApiKey]versionRange)
	for ; n > 0 && !c.bad; n-- {
		api := protocol.ApiKey(c.int16())
		got[api] = versionRange{c.int16(), c.int16()}
	}
	if c.bad {
		return nil, errShort
	}
	return got, nil
}

// pickVersion gives the highest version both sides speak.
func pickVersion(broker map[protocol.ApiKey]versionRange, api protocol.ApiKey, lo, hi int16) (int16, error) {
	r, ok := broker[api]
	if !ok {
		r = versionRange{-1, -1}
	}
	if r.max < lo || r.min > hi {
		return 0, &VersionError{API: api.String(), BrokerMin: r.min, BrokerMax: r.max, OursMin: lo, OursMax: hi}
	}
	return min(hi, r.max), nil
}
