package event

import (
	"errors"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Reject says why a message is not a row of the schema. Reason is valid UTF-8 without NUL, and short.
type Reject struct {
	Field  string // empty when it is about the whole message
	Reason string
}

func (r *Reject) Error() string {
	if r.Field == "" {
		return r.Reason
	}
	return r.Field + ": " + r.Reason
}

// ErrFull means that the texts of a column have reached the 2 GiB an Arrow string column can hold: seal the rows and
// append the message again.
var ErrFull = errors.New("the record is full")

// Decoder collects messages as rows of an Arrow record. It is not safe for concurrent use; the records it gives
// are, as all records.
type Decoder struct {
	schema *Schema
	pool   *pool
	cols   []column
	n      int // rows
	cap    int // rows there was room for last
	room   int // rows there is room for now: cap, or 0 after Seal, so that nothing is held that nothing fills
	bytes  int // of the messages appended since the last Seal

	// What the message in hand has shown so far, by slot: gen when it was there.
	seen  []uint32
	gen   uint32
	found int // fields that were there

	days   days
	shapes shapes
	slow   slowPath

	unknown unknowns
}

// firstRows is one less than a power of two, and so are all that follow: Arrow wants one offset more than there are
// texts, and buffers come in powers of two.
const firstRows = 63

// NewDecoder makes a decoder. Its buffers come from mem, and go back to it when the decoder and all records that
// came from it are released.
func (s *Schema) NewDecoder(mem memory.Allocator) *Decoder {
	d := &Decoder{schema: s, pool: &pool{mem: mem}, cols: make([]column, len(s.fields)), seen: make([]uint32, s.slots), cap: firstRows, shapes: shapes{credit: maxCredit / 4}}
	for i := range s.fields {
		d.cols[i] = column{kind: s.fields[i].kind, nullable: s.fields[i].Nullable}
	}
	return d
}

// reserve makes room for cap rows.
func (d *Decoder) reserve() {
	d.room = d.cap
	for i := range d.cols {
		d.cols[i].reserve(d.pool, d.cap)
	}
}

// Append decodes a message as the next row. A *Reject means that it is none, and nothing was appended; ErrFull
// that the record has to be sealed first. There are no other errors. value is not kept.
func (d *Decoder) Append(value []byte) error {
	if d.n == d.room {
		if d.room > 0 {
			d.cap = 2*d.cap + 1
		}
		d.reserve()
	}
	if !d.shapes.match(d, value) && !d.general(value) {
		if err := d.exact(value); err != nil {
			return err
		}
	}
	d.n++
	d.bytes += len(value)
	return nil
}

// EventTime is the event time of the last row in microseconds since 1970; 0 when the schema has none. There must
// be a row.
func (d *Decoder) EventTime() int64 {
	if d.schema.eventTime < 0 {
		return 0
	}
	return d.cols[d.schema.eventTime].i64[d.n-1]
}

// Len is the number of rows since the last Seal.
func (d *Decoder) Len() int { return d.n }

// Bytes is the size of the messages appended since the last Seal, by which a caller can bound its memory.
func (d *Decoder) Bytes() int { return d.bytes }

// Drop takes the last row back. There must be one.
func (d *Decoder) Drop() {
	if d.n == 0 {
		panic("event: Drop without a row")
	}
	d.n--
}

// Seal gives the rows as a record, which the caller releases, and leaves the decoder empty.
func (d *Decoder) Seal() arrow.Record {
	if d.room == 0 {
		d.reserve()
	}
	arrays := make([]arrow.Array, len(d.cols))
	for i := range d.cols {
		arrays[i] = d.cols[i].seal(d.pool, d.schema.arrow.Field(i).Type, d.n)
	}
	rec := array.NewRecord(d.schema.arrow, arrays, int64(d.n))
	for _, a := range arrays {
		a.Release()
	}
	d.n, d.bytes, d.room = 0, 0, 0
	return rec
}

// Release gives the decoder's buffers back. Records it has given stay valid until they are released.
func (d *Decoder) Release() {
	for i := range d.cols {
		d.cols[i].release(d.pool)
	}
	d.pool.close()
	d.n, d.cap, d.room = 0, 0, 0
}

// begin starts a message.
func (d *Decoder) begin() {
	d.gen++
	d.found = 0
	d.unknown.hand = d.unknown.hand[:0]
	if d.gen == 0 {
		clear(d.seen)
		d.gen = 1
	}
}

// fill writes what the schema says for the fields the message did not have; false when one must be there.
func (d *Decoder) fill() bool {
	if d.found == len(d.cols) {
		return true
	}
	for i := range d.cols {
		if d.seen[i] != d.gen && !d.fillOne(i, false) {
			return false
		}
	}
	return true
}

// fillOne writes field i's default or null in place of a missing value, or of a null in the message.
func (d *Decoder) fillOne(i int, null bool) bool {
	f := &d.schema.fields[i]
	switch {
	case f.def != nil && !(null && f.Nullable):
		d.cols[i].set(d.pool, d.n, *f.def)
	case f.Nullable:
		d.cols[i].setNull(d.n)
	default:
		return false
	}
	return true
}

// The put functions write the value in hand to field i, when the schema takes it.

func (d *Decoder) putInt(i int, v int64) bool {
	f, c := &d.schema.fields[i], &d.cols[i]
	if !f.plain {
		if f.checked && !f.fits(cell{i: v}) {
			return false
		}
		c.setValid(d.n)
	}
	c.i64[d.n] = v
	return true
}

func (d *Decoder) putDecimal(i int, v int64) bool {
	f, c := &d.schema.fields[i], &d.cols[i]
	if v > f.maxMinor || v < -f.maxMinor {
		return false
	}
	if !f.plain {
		if f.checked && !f.fits(cell{i: v, hi: v >> 63}) {
			return false
		}
		c.setValid(d.n)
	}
	c.dec[d.n] = decimal128.New(v>>63, uint64(v))
	return true
}

func (d *Decoder) putFloat(i int, v float64) bool {
	f, c := &d.schema.fields[i], &d.cols[i]
	if f.checked && !f.fits(cell{f: v}) {
		return false
	}
	c.setValid(d.n)
	c.f64[d.n] = v
	return true
}

func (d *Decoder) putBool(i int, v bool) bool {
	f, c := &d.schema.fields[i], &d.cols[i]
	if f.checked {
		n := int64(0)
		if v {
			n = 1
		}
		if !f.fits(cell{i: n}) {
			return false
		}
	}
	c.setValid(d.n)
	c.setBool(d.n, v)
	return true
}

// putText writes a text that is valid UTF-8 without NUL.
func (d *Decoder) putText(i int, v []byte) bool {
	f, c := &d.schema.fields[i], &d.cols[i]
	if f.MaxLength > 0 && len(v) > f.MaxLength || f.checked {
		if _, reason := f.fromString(v); reason != "" || !f.fits(cell{text: v}) {
			return false
		}
	}
	start := c.off[d.n]
	if len(v) > math.MaxInt32-int(start) {
		return false
	}
	c.setValid(d.n)
	copy(c.room(d.pool, d.n, len(v)), v)
	c.off[d.n+1] = start + int32(len(v))
	return true
}
