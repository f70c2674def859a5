package event

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// column collects the values of a field in the layout Arrow wants. A row is written at its index and counts only when
// the decoder says so: writing it again, or not at all, undoes nothing and costs nothing.
type column struct {
	kind     Kind
	nullable bool

	fixed []byte  // the values, or for strings the offsets; the slices below are views of it
	i64   []int64 // int64, timestamp
	f64   []float64
	dec   []decimal128.Num
	off   []int32 // of strings: row i is text[off[i]:off[i+1]]
	bits  []byte  // of bools
	text  []byte
	valid []byte // one bit a row, for nullable columns
}

func width(k Kind) int {
	switch k {
	case Decimal:
		return 16
	case String:
		return 4
	}
	return 8
}

// reserve makes room for rows values, keeping those that are there.
func (c *column) reserve(p *pool, rows int) {
	size := rows * width(c.kind)
	switch c.kind {
	case String:
		size = (rows + 1) * 4
	case Bool:
		size = (rows + 7) / 8
	}
	old := c.fixed
	c.fixed = p.Allocate(size)
	copy(c.fixed, old)
	p.Free(old)
	switch c.kind {
	case Int64, Timestamp:
		c.i64 = arrow.Int64Traits.CastFromBytes(c.fixed)
	case Float64:
		c.f64 = arrow.Float64Traits.CastFromBytes(c.fixed)
	case Decimal:
		c.dec = arrow.Decimal128Traits.CastFromBytes(c.fixed)
	case Bool:
		c.bits = c.fixed
	case String:
		c.off = arrow.Int32Traits.CastFromBytes(c.fixed)
		if old == nil {
			c.off[0] = 0
		}
	}
	if c.nullable {
		old := c.valid
		c.valid = p.Allocate((rows + 7) / 8)
		copy(c.valid, old)
		p.Free(old)
	}
}

// room makes place for size bytes of text after row n's start and gives it.
func (c *column) room(p *pool, n, size int) []byte {
	start := int(c.off[n])
	if start+size > len(c.text) {
		old := c.text
		c.text = p.Allocate(max(start+size, 2*len(old), 1024))
		copy(c.text, old[:start])
		p.Free(old)
	}
	return c.text[start : start+size]
}

// fits reports whether there is room for a text of row n already.
func (c *column) fits(n, size int) bool { return int(c.off[n])+size <= len(c.text) }

// copyText writes b[i:end] as row n of a column without nulls that has room for it. Most texts are short, and 16 bytes
// at once are faster than a call; what is too much is overwritten by the next row.
func (c *column) copyText(n int, b []byte, i, end int) {
	start := int(c.off[n])
	if end-i <= 16 && i+16 <= len(b) && start+16 <= len(c.text) {
		*(*[16]byte)(c.text[start:]) = [16]byte(b[i:])
	} else {
		copy(c.text[start:], b[i:end])
	}
	c.off[n+1] = int32(start + end - i)
}

// setNull writes row n as null.
func (c *column) setNull(n int) {
	c.valid[n>>3] &^= 1 << (n & 7)
	switch c.kind {
	case Int64, Timestamp:
		c.i64[n] = 0
	case Float64:
		c.f64[n] = 0
	case Decimal:
		c.dec[n] = decimal128.Num{}
	case Bool:
		c.setBool(n, false)
	case String:
		c.off[n+1] = c.off[n]
	}
}

func (c *column) setValid(n int) {
	if c.nullable {
		c.valid[n>>3] |= 1 << (n & 7)
	}
}

func (c *column) setBool(n int, v bool) {
	c.bits[n>>3] &^= 1 << (n & 7)
	if v {
		c.bits[n>>3] |= 1 << (n & 7)
	}
}

// set writes row n.
func (c *column) set(p *pool, n int, v cell) {
	c.setValid(n)
	switch c.kind {
	case Int64, Timestamp:
		c.i64[n] = v.i
	case Float64:
		c.f64[n] = v.f
	case Decimal:
		c.dec[n] = decimal128.New(v.hi, uint64(v.i))
	case Bool:
		c.setBool(n, v.i != 0)
	case String:
		copy(c.room(p, n, len(v.text)), v.text)
		c.off[n+1] = c.off[n] + int32(len(v.text))
	}
}

// seal gives the first n rows as an array, and leaves the column without buffers.
func (c *column) seal(p *pool, t arrow.DataType, n int) arrow.Array {
	own := func(b []byte) *memory.Buffer {
		if b == nil {
			return nil
		}
		return memory.NewBufferWithAllocator(b, p)
	}
	nulls := 0
	var valid *memory.Buffer
	if c.nullable {
		if nulls = n - ones(c.valid, n); nulls > 0 {
			valid = own(c.valid[:(n+7)/8])
		} else {
			p.Free(c.valid)
		}
	}
	buffers := []*memory.Buffer{valid, nil}
	switch c.kind {
	case Bool:
		buffers[1] = own(c.bits[:(n+7)/8])
	case String:
		buffers[1] = own(c.fixed[:(n+1)*4])
		buffers = append(buffers, own(c.text[:c.off[n]]))
	default:
		buffers[1] = own(c.fixed[:n*width(c.kind)])
	}
	data := array.NewData(t, n, buffers, nil, nulls, 0)
	arr := array.MakeFromData(data)
	data.Release()
	for _, b := range buffers {
		if b != nil {
			b.Release()
		}
	}
	c.drop()
	return arr
}

// ones counts the bits set among the first n.
func ones(b []byte, n int) int {
	count := 0
	for _, x := range b[:n/8] {
		count += bits.OnesCount8(x)
	}
	if rest := n % 8; rest != 0 {
		count += bits.OnesCount8(b[n/8] & (1<<rest - 1))
	}
	return count
}

func (c *column) drop() { *c = column{kind: c.kind, nullable: c.nullable} }

// release gives the buffers back.
func (c *column) release(p *pool) {
	p.Free(c.fixed)
	p.Free(c.text)
	p.Free(c.valid)
	c.drop()
}
