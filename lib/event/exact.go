package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// slowPath is the room the exact decoder works in.
type slowPath struct {
	text  []byte
	where []place
}

// place is where a declared key was found in a message.
type place struct {
	raw   []byte // its value; nil when it was not there
	again bool   // it was there twice
}

// exact decodes a message slowly and decides on rejects: first whether it is JSON at all, then field by field in the
// order of the schema.
func (d *Decoder) exact(b []byte) error {
	if reason := notJSON(b); reason != "" {
		return &Reject{Reason: reason}
	}
	s := d.schema
	if len(d.slow.where) != s.slots {
		d.slow.where = make([]place, s.slots)
	}
	clear(d.slow.where)
	d.unknown.hand = d.unknown.hand[:0]
	d.locate(s.root, b[skipSpace(b, 0):])
	for i := range s.fields {
		f := &s.fields[i]
		raw, null, reason := d.raw(s.root, f.Path)
		if reason == "" {
			if raw == nil {
				if d.fillOne(i, null) {
					continue
				}
				reason = "missing"
				if null {
					reason = "null"
				}
			} else {
				var c cell
				if c, reason = d.fromJSON(f, raw); reason == "" {
					reason = f.check(c, show(raw))
				}
				if reason == "" {
					if f.kind == String && len(c.text) > math.MaxInt32-int(d.cols[i].off[d.n]) {
						return ErrFull
					}
					d.cols[i].set(d.pool, d.n, c)
					continue
				}
			}
		}
		return &Reject{Field: f.Name, Reason: reason}
	}
	d.unknown.count()
	return nil
}

// notJSON says why a message is not a JSON object.
func notJSON(b []byte) string {
	if b == nil {
		return "not JSON: the message has no value"
	}
	i := skipSpace(b, 0)
	if i == len(b) {
		return "not JSON: the message is empty"
	}
	if !json.Valid(b) {
		var raw json.RawMessage
		err := json.Unmarshal(b, &raw)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return fmt.Sprintf("not JSON: %s (byte %d)", syntax, syntax.Offset)
		}
		return fmt.Sprintf("not JSON: %v", err)
	}
	if b[i] != '{' {
		return "not a JSON object but " + kindOf(b[i:])
	}
	return ""
}

// locate notes where the declared keys of an object are. b begins with the object, and is valid JSON.
func (d *Decoder) locate(n *node, b []byte) {
	i := skipSpace(b, 1)
	for b[i] != '}' {
		end := skipString(b, i+1)
		key := b[i+1 : end-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			key, _ = unescape(nil, key)
		}
		i = skipSpace(b, skipSpace(b, end)+1) // past the colon
		end = skipValue(b, i, 0)
		if at := n.find(key); at >= 0 {
			k := &n.keys[at]
			p := &d.slow.where[k.slot]
			p.again = p.raw != nil
			p.raw = b[i:end]
			if k.child != nil && b[i] == '{' {
				d.locate(k.child, b[i:])
			}
		} else {
			d.unknown.saw(n, key, b[i:end])
		}
		if i = skipSpace(b, end); b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
}

// raw gives the text of the value at a path: nil when it is missing, or null.
func (d *Decoder) raw(n *node, path []string) (raw []byte, null bool, reason string) {
	for depth, name := range path {
		k := &n.keys[n.find([]byte(name))]
		p := d.slow.where[k.slot]
		at := func(what string) string {
			if k.child == nil {
				return what
			}
			return strings.Join(path[:depth+1], ".") + " is " + what
		}
		switch {
		case p.again:
			return nil, false, at("given twice")
		case p.raw == nil:
			return nil, false, ""
		case p.raw[0] == 'n':
			return nil, k.child == nil, ""
		case k.child == nil:
			return p.raw, false, ""
		case p.raw[0] != '{':
			return nil, false, at(kindOf(p.raw) + ", not an object")
		}
		n = k.child
	}
	panic("event: a path that ends at an object")
}

// kindOf names what a JSON value is.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a bool"
	case 'n':
		return "null"
	}
	return "a number"
}

// fromJSON converts a JSON value to the field's type.
func (d *Decoder) fromJSON(f *field, raw []byte) (c cell, reason string) {
	quoted := raw[0] == '"'
	isNumber := raw[0] == '-' || raw[0]-'0' <= 9
	want := f.kind == String || f.kind == Timestamp && f.epoch < 0
	switch {
	case quoted && (want || f.kind == Decimal):
		text, bad := unescape(d.slow.text[:0], raw[1:len(raw)-1])
		d.slow.text = text
		if bad != "" {
			return c, bad
		}
		switch f.kind {
		case String:
			return f.fromString(text)
		case Timestamp:
			return f.fromTime(text, show(raw))
		}
		return f.fromNumber(text, show(raw))
	case isNumber && !want && f.kind != Bool:
		return f.fromNumber(raw, show(raw))
	case f.kind == Bool && (raw[0] == 't' || raw[0] == 'f'):
		if raw[0] == 't' {
			c.i = 1
		}
		return c, ""
	}
	wanted := f.Type.String()
	if f.epoch >= 0 {
		wanted = f.Format + " number"
	}
	return c, fmt.Sprintf("%s is %s, not %s", show(raw), kindOf(raw), article(wanted))
}

func article(what string) string {
	switch what[0] {
	case 'a', 'e', 'i', 'o', 'u':
		return "an " + what
	}
	return "a " + what
}

// unescape appends the text of a valid JSON string, without its quotes, to dst. What it refuses is half of a
// surrogate pair, which stands for no character. Invalid UTF-8 and NUL pass, for the caller to judge.
func unescape(dst, b []byte) (text []byte, reason string) {
	for {
		i := bytes.IndexByte(b, '\\')
		if i < 0 {
			return append(dst, b...), ""
		}
		dst = append(dst, b[:i]...)
		c := b[i+1]
		b = b[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(b, 0)
			b = b[4:]
			if utf16.IsSurrogate(r) {
				var low rune
				if len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
					low, _ = hex4(b, 2)
				}
				pair := utf16.DecodeRune(r, low)
				if pair == utf8.RuneError {
					return dst, fmt.Sprintf(`text holds half of a surrogate pair, \u%04x`, r)
				}
				r, b = pair, b[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default: // " \ /
			dst = append(dst, c)
		}
	}
}
