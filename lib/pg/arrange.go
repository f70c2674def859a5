package pg

import "sync"

// made are the rows of a record as COPY sends them, in the record's order. Writing rows in any other order straight from the
// columns waits for memory at each value; made first, each row is one piece, and most of the waiting is gone.
type made struct {
	bytes  []byte
	starts []int // of the rows, and the end of the last one
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
	m.bytes, m.starts = m.bytes[:0], m.starts[:0]
	for row := range all {
		m.starts = append(m.starts, len(m.bytes))
		bytes, err := r.appendRow(m.bytes, row)
		if err != nil { // Read tells of it, if the row is one of those to be sent
			mades.Put(m)
			return
		}
		m.bytes = bytes
	}
	m.starts = append(m.starts, len(m.bytes))
	r.made = m
}
