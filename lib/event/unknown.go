package event

import "strings"

// Unknown is a key that messages have and no field declares: what is in it is left out of the rows. Name is where it
// is, as in order.note; Example a value it had, cut short.
type Unknown struct {
	Name    string
	Count   int64
	Example string
}

// OtherUnknown is the Name under which keys are counted beyond the first maxUnknown: a producer that writes ids as keys
// must not fill the memory.
const OtherUnknown = "(others)"

const maxUnknown = 100

// unknowns counts the undeclared keys of the messages that became rows.
type unknowns struct {
	known map[string]*Unknown
	list  []*Unknown
	name  []byte // scratch

	hand  []stray    // of the message in hand
	found []*Unknown // the same, by name
}

// stray is an undeclared key and its value.
type stray struct {
	in         *node
	key, value []byte
}

func (u *unknowns) saw(in *node, key, value []byte) {
	u.hand = append(u.hand, stray{in, key, value})
}

// count counts the keys of the message in hand and returns them; the slice is good until the next message.
func (u *unknowns) count() []*Unknown {
	u.found = u.found[:0]
	for _, s := range u.hand {
		u.name = append(append(u.name[:0], s.in.prefix...), s.key...)
		k := u.known[string(u.name)]
		if k == nil {
			k = u.add(s)
		}
		k.Count++
		u.found = append(u.found, k)
	}
	return u.found
}

func (u *unknowns) add(s stray) *Unknown {
	if u.known == nil {
		u.known = map[string]*Unknown{}
	}
	name := string(u.name)
	k := &Unknown{Name: show(u.name), Example: show(s.value)}
	if len(u.list) >= maxUnknown {
		name = OtherUnknown
		if other := u.known[name]; other != nil {
			return other
		}
		k.Name, k.Example = name, strings.TrimSpace(show(u.name)+": "+k.Example)
	}
	u.known[name] = k
	u.list = append(u.list, k)
	return k
}

// Unknown returns the undeclared keys of the rows appended since it was last called, in the order they were first seen, or
// nil. An example is the first one this decoder has seen.
func (d *Decoder) Unknown() []Unknown {
	var out []Unknown
	for _, k := range d.unknown.list {
		if k.Count > 0 {
			out = append(out, *k)
			k.Count = 0
		}
	}
	return out
}
