package event

import (
	"math/bits"
	"sync"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// pool is the allocator behind a decoder's records. A released record's buffers come back to it, from whatever
// goroutine, and serve the next record: once a few records are on their way, decoding allocates nothing. Sizes are
// powers of two. After close, buffers still out go straight back to mem.
type pool struct {
	mem    memory.Allocator
	mu     sync.Mutex
	free   [64][][]byte // by power of two
	closed bool
}

// keepFree bounds how many unused buffers of one size are kept: three records of a wide schema.
const keepFree = 48

func (p *pool) Allocate(size int) []byte {
	class := bits.Len(uint(max(size, 64) - 1))
	p.mu.Lock()
	if l := len(p.free[class]); l > 0 {
		b := p.free[class][l-1]
		p.free[class] = p.free[class][:l-1]
		p.mu.Unlock()
		return b
	}
	p.mu.Unlock()
	size = 1 << class
	return p.mem.Allocate(size)[:size:size] // its capacity is its size: Free must know it
}

func (p *pool) Reallocate(size int, b []byte) []byte {
	n := p.Allocate(size)
	copy(n, b)
	p.Free(b)
	return n
}

func (p *pool) Free(b []byte) {
	if cap(b) == 0 {
		return
	}
	b = b[:cap(b)]
	class := bits.Len(uint(len(b) - 1))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free[class]) >= keepFree {
		p.mem.Free(b)
		return
	}
	p.free[class] = append(p.free[class], b)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for i, list := range p.free {
		for _, b := range list {
			p.mem.Free(b)
		}
		p.free[i] = nil
	}
}
