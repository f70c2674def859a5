package event

import "slices"

// A shape is a message with its values taken out: the text before each value, and after the last. Messages of one
// producer have one shape, or a few when values may be missing, so comparing text finds all keys at once.
type shape struct {
	parts  []part
	tail   string
	absent []absence

	unknown []*Unknown // the keys nobody declared
}

// part is a value and the text before it, up to its opening quote.
type part struct {
	before text
	field  int // -1: a value nobody asked for, skipped
	quoted bool
	depth  int // how many objects the value lies in
}

// absence is a declared field that the shape has no value for.
type absence struct {
	field int
	null  bool // the message says null, which is part of the shape's text
}

// shapes are those a decoder has learned, the last successful one first. Learning costs, so it pays only
// while messages repeat: every try that fails lowers credit, every hit restores it, and without credit shapes rest
// for a while.
type shapes struct {
	known  []*shape
	credit int
	rest   int // messages to let pass before shapes are tried again

	trace   []part // the message in hand: before is filled in by learn
	spans   []span // where its values lie
	nulls   []int  // fields that are null in it
	spoiled bool   // it holds something shapes cannot say
}

type span struct{ start, end int }

const (
	maxShapes  = 4
	maxCredit  = 64
	restLength = 4096
)

// match tries to decode a message by a known shape.
func (s *shapes) match(d *Decoder, b []byte) bool {
	if s.rest > 0 {
		if s.rest--; s.rest == 0 {
			s.credit = maxCredit / 4
		}
		return false
	}
	for i, sh := range s.known {
		if !sh.match(d, b) {
			continue
		}
		if i > 0 {
			copy(s.known[1:i+1], s.known[:i])
			s.known[0] = sh
		}
		s.credit = min(s.credit+1, maxCredit)
		for _, u := range sh.unknown {
			u.Count++
		}
		return true
	}
	return false
}

func (sh *shape) match(d *Decoder, b []byte) bool {
	i := 0
	for k := range sh.parts {
		p := &sh.parts[k]
		end := i + p.before.size
		if end > len(b) || !p.before.is(b[i:end]) {
			return false
		}
		if p.field < 0 {
			i = skipValue(b, end, p.depth)
		} else {
			i = d.value(b, end, p.field, p.quoted)
		}
		if i < 0 {
			return false
		}
	}
	if string(b[i:]) != sh.tail {
		return false
	}
	for _, a := range sh.absent {
		if !d.fillOne(a.field, a.null) {
			return false
		}
	}
	return true
}

// learning reports whether the message in hand, which no shape matched, is to be learned from.
func (s *shapes) learning() bool {
	if s.rest > 0 {
		return false
	}
	if len(s.known) > 0 {
		if s.credit--; s.credit < 0 {
			s.rest = restLength
			return false
		}
	}
	s.spans, s.nulls, s.spoiled = s.spans[:0], s.nulls[:0], false
	return true
}

func (s *shapes) saw(field, depth, start, end int) {
	s.trace = append(s.trace, part{field: field, depth: depth})
	s.spans = append(s.spans, span{start, end})
}

func (s *shapes) sawNull(field int) { s.nulls = append(s.nulls, field) }

func (s *shapes) spoil() { s.spoiled = true }

// learn keeps the shape of b, which was decoded while it was traced.
func (s *shapes) learn(d *Decoder, b []byte, unknown []*Unknown) {
	if s.spoiled {
		return
	}
	sh := &shape{parts: make([]part, len(s.trace)), unknown: slices.Clone(unknown)}
	last := 0
	for i, p := range s.trace {
		at := s.spans[i]
		p.before = newText(b[last:at.start])
		p.quoted = p.field >= 0 && b[at.start-1] == '"'
		sh.parts[i] = p
		last = at.end
	}
	sh.tail = string(b[last:])
	for _, f := range s.nulls {
		sh.absent = append(sh.absent, absence{field: f, null: true})
	}
	for f := range d.cols {
		if d.seen[f] != d.gen {
			sh.absent = append(sh.absent, absence{field: f})
		}
	}
	if len(s.known) == maxShapes {
		s.known = s.known[:maxShapes-1]
	}
	s.known = append(s.known, nil)
	copy(s.known[1:], s.known)
	s.known[0] = sh
}
