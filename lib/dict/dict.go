// Package dict numbers the distinct texts of a column of many rows and few values, such as the products of a shop. A map
// does that too; but most values were just there, and of a short text 16 bytes tell all: two comparisons of a word find
// it, without a hash over its bytes. What was not just there is found by a hash in a table of numbers, whose texts stand
// one after another in blocks of memory: a million of them are no million allocations.
package dict

import (
	"encoding/binary"
	"hash/maphash"
	"unsafe"
)

// Texts numbers texts from 0 in the order they are first seen. The zero value is empty. One goroutine uses it.
type Texts struct {
	table  []entry // 2^n, at most three quarters taken; a text is at its hash or in the next free place
	values []string
	block  []byte       // the bytes of values; what is in it never changes, and a full one stays with its texts
	seed   maphash.Seed // so that nobody can choose texts of one hash
	recent [slots]recent
}

// entry is a text's number + 1, 0 where there is none, and its hash.
type entry struct{ hash, number uint32 }

// blockBytes is the size of a block, where no text is longer.
const blockBytes = 1 << 16

// slots is how many short texts are at hand without the map: 12 KiB of them, which stay in the processor's first cache.
const slots = 512

// recent is a text of at most 16 bytes that was seen: its length + 1, and its bytes in two words, which may overlap.
type recent struct {
	head, tail uint64
	size, code uint32
}

// Code returns the number of text, a new one when it was not seen before. text is not kept.
func (t *Texts) Code(text []byte) uint32 {
	n := len(text)
	if n > 16 {
		return t.find(text)
	}
	var head, tail uint64
	switch {
	case n >= 8:
		head, tail = binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
	case n >= 4:
		head, tail = uint64(binary.LittleEndian.Uint32(text)), uint64(binary.LittleEndian.Uint32(text[n-4:]))
	default:
		for i, c := range text {
			head |= uint64(c) << (8 * i)
		}
	}
	// Texts of a column often differ in their last bytes only. Multiplying carries these to the upper bits.
	h := (head ^ tail*0x9E3779B97F4A7C15 ^ uint64(n)) * 0xD6E8FEB86659FD93
	r := &t.recent[h>>(64-9)]
	if r.head == head && r.tail == tail && r.size == uint32(n)+1 {
		return r.code
	}
	code := t.find(text)
	*r = recent{head, tail, uint32(n) + 1, code}
	return code
}

func (t *Texts) find(text []byte) uint32 {
	return t.number(view(text), true)
}

// Of is [Texts.Code] for a string, whose memory a new text shares.
func (t *Texts) Of(text string) uint32 { return t.number(text, false) }

// view is a text without a copy, as long as its bytes stay as they are.
func view(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// number finds a text or takes it in, or a copy of it.
func (t *Texts) number(text string, copied bool) uint32 {
	if 4*len(t.values) >= 3*len(t.table) {
		t.grow()
	}
	hash := uint32(maphash.String(t.seed, text))
	mask := uint32(len(t.table) - 1)
	for at := hash & mask; ; at = (at + 1) & mask {
		e := &t.table[at]
		if e.number == 0 {
			if copied {
				text = t.keep(text)
			}
			t.values = append(t.values, text)
			*e = entry{hash, uint32(len(t.values))}
			return e.number - 1
		}
		if e.hash == hash && t.values[e.number-1] == text {
			return e.number - 1
		}
	}
}

func (t *Texts) grow() {
	if len(t.table) == 0 {
		t.table, t.seed = make([]entry, 64), maphash.MakeSeed()
		return
	}
	old := t.table
	t.table = make([]entry, 2*len(old))
	mask := uint32(len(t.table) - 1)
	for _, e := range old {
		if e.number > 0 {
			at := e.hash & mask
			for t.table[at].number > 0 {
				at = (at + 1) & mask
			}
			t.table[at] = e
		}
	}
}

// keep copies a text to the block.
func (t *Texts) keep(text string) string {
	if cap(t.block)-len(t.block) < len(text) {
		t.block = make([]byte, 0, max(blockBytes, len(text)))
	}
	from := len(t.block)
	t.block = append(t.block, text...)
	return view(t.block[from:])
}

// Values are the texts by their numbers, until the next call of Code or Reset.
func (t *Texts) Values() []string { return t.values }

// Reset forgets all texts.
func (t *Texts) Reset() {
	clear(t.table)
	clear(t.values)
	t.values, t.block = t.values[:0], nil
	t.recent = [slots]recent{}
}
