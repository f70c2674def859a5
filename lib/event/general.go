package event

// general decodes a message of any key order and spacing. False means that the slow path has to decide.
func (d *Decoder) general(b []byte) bool {
	d.begin()
	learn := d.shapes.learning()
	if learn {
		d.shapes.trace = d.shapes.trace[:0]
	}
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != '{' {
		return false
	}
	if i = d.object(d.schema.root, b, i+1, 1, learn); i < 0 {
		return false
	}
	if skipSpace(b, i) != len(b) || !d.fill() {
		return false
	}
	unknown := d.unknown.count()
	if learn {
		d.shapes.learn(d, b, unknown)
	}
	return true
}

// object reads the rest of an object whose brace is before i. depth counts it and the objects around it.
func (d *Decoder) object(n *node, b []byte, i, depth int, learn bool) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	next := 0 // the key that follows the last one in the declaration, the likely one
	for {
		if i == len(b) || b[i] != '"' {
			return -1
		}
		end := textEnd(b, i+1)
		if end < 0 {
			return -1 // an escape in a key
		}
		name := b[i+1 : end]
		if i = skipSpace(b, end+1); i == len(b) || b[i] != ':' {
			return -1
		}
		i = skipSpace(b, i+1)
		at := next
		if at >= len(n.keys) || n.keys[at].name != string(name) {
			at = n.find(name)
		}
		if at < 0 {
			start := i
			if i = skipValue(b, i, depth); i < 0 {
				return -1
			}
			d.unknown.saw(n, name, b[start:i])
			if learn {
				d.shapes.saw(-1, depth, start, i)
			}
		} else {
			next = at + 1
			if i = d.member(&n.keys[at], b, i, depth, learn); i < 0 {
				return -1
			}
		}
		i = skipSpace(b, i)
		if i == len(b) {
			return -1
		}
		switch b[i] {
		case ',':
			i = skipSpace(b, i+1)
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

// member reads the value of a declared key.
func (d *Decoder) member(k *nodeKey, b []byte, i, depth int, learn bool) int {
	if i == len(b) || d.seen[k.slot] == d.gen {
		return -1
	}
	d.seen[k.slot] = d.gen
	if b[i] == 'n' {
		if i = literal(b, i, "null"); i < 0 || k.child != nil {
			return i // everything in it is missing
		}
		d.found++
		if !d.fillOne(k.field, true) {
			return -1
		}
		if learn {
			d.shapes.sawNull(k.field)
		}
		return i
	}
	if k.child != nil {
		if b[i] != '{' {
			return -1
		}
		return d.object(k.child, b, i+1, depth+1, learn)
	}
	d.found++
	quoted := b[i] == '"'
	start := i
	if quoted {
		start++
	}
	end := d.value(b, start, k.field, quoted)
	if end < 0 && quoted && d.schema.fields[k.field].kind == String {
		return d.escaped(b, start, k.field)
	}
	if end < 0 {
		return -1
	}
	if learn {
		d.shapes.saw(k.field, depth, start, end)
	}
	if quoted {
		if end == len(b) || b[end] != '"' {
			return -1
		}
		end++
	}
	return end
}

// escaped reads a text with escapes, whose opening quote is before i. A message that has one teaches no shape.
func (d *Decoder) escaped(b []byte, i, field int) int {
	end := skipString(b, i)
	if end < 0 {
		return -1
	}
	text, reason := unescape(d.slow.text[:0], b[i:end-1])
	d.slow.text = text
	if reason != "" {
		return -1
	}
	if _, reason := d.schema.fields[field].fromString(text); reason != "" || !d.putText(field, text) {
		return -1
	}
	d.shapes.spoil()
	return end
}
