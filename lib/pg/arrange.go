package pg

import (
	"slices"
	"sync"
)

// made are the rows of a record as COPY sends them, in the record's order. Writing rows in any other order straight from the
// columns waits for memory at each value; made first, each row is one piece, and most of the waiting is gone.
type made struct {
	bytes  []byte
	starts []uint32 // of the rows, and the end of the last one
}

func (m *made) row(i int) []byte { return m.bytes[m.starts[i]:m.starts[i+1]] }

// mades keeps the room for the next batch.
var mades = sync.Pool{New: func() any { return new(made) }}

const (
	fewRows = 1000     // are not worth it
	maxMade = 32 << 20 // bytes that are held for it at most
)

// arrange makes r send the given rows, in that order.
func (r *copyReader) arrange(order []int32) {
	all := r.rows
	r.rows, r.order = len(order), order
	if len(order) < max(fewRows, all/2) || r.most == 0 || all*r.most > maxMade {
		return
	}
	m := mades.Get().(*made)
	// All at once: grown by and by, several times as much would be left behind.
	m.bytes, m.starts = slices.Grow(m.bytes[:0], r.bytesOfAll(all)), slices.Grow(m.starts[:0], all+1)
	for row := range all {
		m.starts = append(m.starts, uint32(len(m.bytes)))
		bytes, err := r.appendRow(m.bytes, row)
		if err != nil { // Read tells of it, if the row is one of those to be sent
			mades.Put(m)
			return
		}
		m.bytes = bytes
	}
	m.starts = append(m.starts, uint32(len(m.bytes)))
	r.made = m
}

// bytesOfAll is an upper bound of the first rows' bytes together.
func (r *copyReader) bytesOfAll(rows int) int {
	n := r.fixed * rows
	for i := range r.cols {
		if c := &r.cols[i]; c.offsets != nil && rows > 0 {
			n += int(c.offsets[rows] - c.offsets[0])
		}
	}
	return n
}
