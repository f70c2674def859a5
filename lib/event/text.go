package event

import "encoding/binary"

// text is a text that much is compared with. A key and what stands around it has 8 to 32 bytes, which are compared as up
// to four words, the last of which overlaps the one before.
type text struct {
	size  int
	words [4]uint64
	long  string // the text, when it is not of that size
}

func newText(b []byte) text {
	t := text{size: len(b)}
	if t.size < 8 || t.size > 32 {
		t.long = string(b)
		return t
	}
	for i := range t.words {
		t.words[i] = binary.LittleEndian.Uint64(b[min(8*i, t.size-8):])
	}
	return t
}

// is compares the text with b, which has its size.
func (t *text) is(b []byte) bool {
	if t.size < 8 || t.size > 32 {
		return string(b) == t.long
	}
	last := len(b) - 8
	differs := binary.LittleEndian.Uint64(b) ^ t.words[0] | binary.LittleEndian.Uint64(b[last:]) ^ t.words[3]
	if last > 8 {
		differs |= binary.LittleEndian.Uint64(b[8:]) ^ t.words[1]
	}
	if last > 16 {
		differs |= binary.LittleEndian.Uint64(b[16:]) ^ t.words[2]
	}
	return differs == 0
}
