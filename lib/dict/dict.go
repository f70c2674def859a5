// Package dict numbers the distinct texts of a column of many rows and few values, such as the products of a shop. A map
// does that too; but most values were just there, and of a short text 16 bytes tell all: two comparisons of a word find
// it, without a hash over its bytes.
package dict

import (
	"encoding/binary"
)

// Texts numbers texts from 0 in the order they are first seen. The zero value is empty. One goroutine uses it.
type Texts struct {
	codes  map[string]uint32
	values []string
	recent [slots]recent
}

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
	code, ok := t.codes[string(text)]
	if !ok {
		if t.codes == nil {
			t.codes = map[string]uint32{}
		}
		code = uint32(len(t.values))
		s := string(text)
		t.codes[s] = code
		t.values = append(t.values, s)
	}
	return code
}

// Values are the texts by their numbers, until the next call of Code or Reset.
func (t *Texts) Values() []string { return t.values }

// Reset forgets all texts.
func (t *Texts) Reset() {
	clear(t.codes)
	clear(t.values)
	t.values = t.values[:0]
	t.recent = [slots]recent{}
}
