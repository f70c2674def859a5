package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The functions here read a part of a message that begins at b[i] and give the index after it, or -1 when it is
// not there or in a form that only the slow path takes.

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainEnd gives the index of the first byte from i on that is a quote, a backslash, a control character or not
// ASCII; len(b) when there is none. It looks at eight bytes at a time: x-lows borrows into the high bit of each
// byte that is zero in x, and only of those as far as the first of them.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ lows*'"'
		slash := w ^ lows*'\\'
		stop := (quote-lows)&^quote | (slash-lows)&^slash | (w-lows*0x20)&^w | w
		if stop &= highs; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < 0x80 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// textEnd gives the index of the quote that ends the text at i, when the text is valid UTF-8 without escapes.
func textEnd(b []byte, i int) int {
	end := plainEnd(b, i)
	if end < len(b) && b[end] == '"' {
		return end
	}
	for end < len(b) && b[end] >= 0x80 {
		for end < len(b) && b[end] >= 0x80 {
			end++
		}
		end = plainEnd(b, end)
	}
	if end == len(b) || b[end] != '"' || !utf8.Valid(b[i:end]) {
		return -1
	}
	return end
}

// skipString skips a string whose opening quote is before i.
func skipString(b []byte, i int) int {
	for {
		for i = plainEnd(b, i); i < len(b) && b[i] >= 0x80; i = plainEnd(b, i) {
			i++
		}
		if i == len(b) || b[i] < 0x20 {
			return -1
		}
		if b[i] == '"' {
			return i + 1
		}
		if i+1 == len(b) {
			return -1
		}
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			if _, ok := hex4(b, i+2); !ok {
				return -1
			}
			i += 6
		default:
			return -1
		}
	}
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// numberEnd skips a number of JSON's grammar.
func numberEnd(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	n := digitsAt(b, i)
	if n == 0 || n > 1 && b[i] == '0' {
		return -1
	}
	i += n
	if i < len(b) && b[i] == '.' {
		if n = digitsAt(b, i+1); n == 0 {
			return -1
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if n = digitsAt(b, i); n == 0 {
			return -1
		}
		i += n
	}
	return i
}

func literal(b []byte, i int, want string) int {
	if len(b)-i < len(want) || string(b[i:i+len(want)]) != want {
		return -1
	}
	return i + len(want)
}

// maxDepth is how deep arrays and objects may nest, the same as encoding/json's.
const maxDepth = 10_000

// skipValue skips any value. It keeps its place in nested ones without recursion; depth is how many objects the
// value already lies in.
func skipValue(b []byte, i, depth int) int {
	if i == len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i+1)
	case '{', '[':
		return skipNested(b, i, depth)
	case 't':
		return literal(b, i, "true")
	case 'f':
		return literal(b, i, "false")
	case 'n':
		return literal(b, i, "null")
	}
	return numberEnd(b, i)
}

func skipNested(b []byte, i, depth int) int {
	var stack [maxDepth/64 + 1]uint64 // a bit for each open array or object: 1 is an object
	top := 0
	inObject := func() bool { return stack[(top-1)>>6]>>((top-1)&63)&1 == 1 }
	for {
		// b[i] begins a value.
		if i == len(b) {
			return -1
		}
		if c := b[i]; c == '{' || c == '[' {
			if top++; top+depth > maxDepth {
				return -1
			}
			stack[(top-1)>>6] &^= 1 << ((top - 1) & 63)
			if c == '{' {
				stack[(top-1)>>6] |= 1 << ((top - 1) & 63)
			}
			i = skipSpace(b, i+1)
			if i == len(b) {
				return -1
			}
			if b[i] != c+2 { // '}' is '{' + 2, ']' is '[' + 2
				if c == '{' {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
				}
				continue
			}
			i++
			top--
		} else if i = skipValue(b, i, depth); i < 0 {
			return -1
		}
		// A value has ended.
		for {
			if top == 0 {
				return i
			}
			if i = skipSpace(b, i); i == len(b) {
				return -1
			}
			c := b[i]
			i++
			if c == ',' {
				i = skipSpace(b, i)
				if inObject() {
					if i = skipKey(b, i); i < 0 {
						return -1
					}
				}
				break
			}
			if inObject() && c != '}' || !inObject() && c != ']' {
				return -1
			}
			top--
		}
	}
}

// skipKey skips a key, the colon and the space around it.
func skipKey(b []byte, i int) int {
	if i == len(b) || b[i] != '"' {
		return -1
	}
	if i = skipString(b, i+1); i < 0 {
		return -1
	}
	if i = skipSpace(b, i); i == len(b) || b[i] != ':' {
		return -1
	}
	return skipSpace(b, i+1)
}
