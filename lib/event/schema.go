package event

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Field declares one value of a message and the column it goes to.
type Field struct {
	Name       string
	Type       Type
	Path       []string   // keys from the top of the message to the value; default: Name alone
	Column     string     // default: Name
	Nullable   bool       // a missing or null value is a null
	Default    *string    // stands for a missing value, and for a null when not Nullable; written as the type is in JSON, without quotes
	MaxLength  int        // of a string, in characters; 0 is any
	Accept     []string   // the only values taken, written as Default; empty takes all
	Min, Max   *string    // bounds of a number or time, themselves taken
	References *Reference // what the value must be found in; checked by who writes the rows
	EventTime  bool       // this is when the event happened; at most one field, a timestamp
	Format     string     // of a timestamp: "" for text, epoch_s, epoch_ms, epoch_us
}

// Reference names a column of a dimension table.
type Reference struct{ Table, Column string }

// FieldError is one thing wrong in a schema. Setting is the part of the field it is about: type, path, default, ...
type FieldError struct{ Field, Setting, Reason string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("field %s: %s: %s", e.Field, e.Setting, e.Reason)
}

// Schema is the declared shape of a topic's messages. It does not change and is safe for concurrent use.
type Schema struct {
	fields    []field
	root      *node
	arrow     *arrow.Schema
	eventTime int
	slots     int // fields, and the objects they lie in
}

// field is a Field made ready for decoding.
type field struct {
	Field
	kind     Kind
	scale    int
	maxMinor int64 // of a decimal of up to 18 digits: the greatest value in minor units; 0 for longer ones
	epoch    int   // of a timestamp given as a number: how many decimals a unit of it has in microseconds; -1 for text
	def      *cell
	accept   []cell
	min, max *cell
	checked  bool // accept, min or max is set
	plain    bool // nothing is checked and nulls do not occur
}

// NewSchema checks the fields and prepares them. The error joins every problem, each a *FieldError.
func NewSchema(fields []Field) (*Schema, error) {
	s := &Schema{fields: make([]field, len(fields)), root: &node{}, eventTime: -1}
	var problems []error
	columns := make(map[string]string)
	names := make(map[string]bool)
	for i, f := range fields {
		bad := func(setting, reason string, args ...any) {
			problems = append(problems, &FieldError{Field: f.Name, Setting: setting, Reason: fmt.Sprintf(reason, args...)})
		}
		if f.Name == "" {
			bad("name", "is empty")
		}
		if names[f.Name] {
			bad("name", "is declared twice")
		}
		names[f.Name] = true
		if len(f.Path) == 0 {
			f.Path = []string{f.Name}
		}
		if f.Column == "" {
			f.Column = f.Name
		}
		if other, twice := columns[f.Column]; twice {
			bad("column", "%s is also the column of field %s", f.Column, other)
		}
		columns[f.Column] = f.Name
		s.fields[i] = newField(f, bad)
		if err := s.root.add(f.Path, i); err != "" {
			bad("path", "%s", err)
		}
		if f.EventTime {
			switch {
			case f.Type.Kind != Timestamp:
				bad("event_time", "is set on a field of type %s; it must be a timestamp", f.Type)
			case f.Nullable:
				bad("event_time", "cannot be nullable: an event without a time has no window")
			case s.eventTime >= 0:
				bad("event_time", "is set on %s too; only one field can have it", fields[s.eventTime].Name)
			default:
				s.eventTime = i
			}
		}
	}
	if len(fields) == 0 {
		problems = append(problems, errors.New("a schema needs at least one field"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	s.slots = len(fields)
	s.root.index(&s.slots)
	cols := make([]arrow.Field, len(fields))
	for i := range s.fields {
		f := &s.fields[i]
		cols[i] = arrow.Field{Name: f.Column, Type: f.Type.arrow(), Nullable: f.Nullable}
	}
	s.arrow = arrow.NewSchema(cols, nil)
	return s, nil
}

// newField prepares one field; bad is told each problem.
func newField(f Field, bad func(setting, reason string, args ...any)) field {
	c := field{Field: f, kind: f.Type.Kind, scale: f.Type.Scale, epoch: -1}
	if kindNames[c.kind] == "" {
		bad("type", "is missing")
		return c
	}
	if c.kind == Decimal {
		if p := f.Type.Precision; p < 1 || p > 38 || c.scale < 0 || c.scale > p {
			bad("type", "%s: 1 to 38 digits, and no more of them after the point than in all", f.Type)
			return c
		} else if p <= 18 {
			c.maxMinor = int64(pow10[p]) - 1
		}
	}
	switch {
	case f.Format == "":
	case c.kind != Timestamp:
		bad("format", "is for timestamps, not for %s", f.Type)
	case f.Format == "epoch_s":
		c.epoch = 6
	case f.Format == "epoch_ms":
		c.epoch = 3
	case f.Format == "epoch_us":
		c.epoch = 0
	default:
		bad("format", "%q is not known: epoch_s, epoch_ms, epoch_us, or none for ISO 8601 text", f.Format)
	}
	if f.MaxLength < 0 || f.MaxLength > 0 && c.kind != String {
		bad("max_length", "is for strings, a positive number of characters")
	}
	value := func(setting, text string) *cell {
		v, reason := c.fromText(text)
		if reason != "" {
			bad(setting, "%s", reason)
			return nil
		}
		return &v
	}
	for _, a := range f.Accept {
		if v := value("accept", a); v != nil {
			c.accept = append(c.accept, *v)
		}
	}
	if f.Min != nil {
		c.min = value("min", *f.Min)
	}
	if f.Max != nil {
		c.max = value("max", *f.Max)
	}
	if (f.Min != nil || f.Max != nil) && (c.kind == String || c.kind == Bool) {
		bad("min", "bounds are for numbers and times, not for %s", f.Type)
		c.min, c.max = nil, nil
	}
	if c.min != nil && c.max != nil && c.compare(*c.min, *c.max) > 0 {
		bad("min", "%s is above the maximum %s", *f.Min, *f.Max)
	}
	c.checked = len(c.accept) > 0 || c.min != nil || c.max != nil
	c.plain = !c.checked && f.MaxLength == 0 && !f.Nullable
	if f.Default != nil {
		if c.def = value("default", *f.Default); c.def != nil {
			if reason := c.check(*c.def, *f.Default); reason != "" {
				bad("default", "%s", reason)
			}
		}
	}
	return c
}

// Fields gives the fields as declared, with defaults filled in.
func (s *Schema) Fields() []Field {
	fs := make([]Field, len(s.fields))
	for i := range fs {
		fs[i] = s.fields[i].Field
	}
	return fs
}

// Arrow gives the schema of the records, in the order of the fields, with column names.
func (s *Schema) Arrow() *arrow.Schema { return s.arrow }

// EventTime gives the index of the field that says when an event happened, or -1.
func (s *Schema) EventTime() int { return s.eventTime }

// References gives the indexes of the fields that refer to a dimension table.
func (s *Schema) References() []int {
	var refs []int
	for i := range s.fields {
		if s.fields[i].References != nil {
			refs = append(refs, i)
		}
	}
	return refs
}

// node is an object on the way to declared values: its keys, each a value or another node.
type node struct {
	prefix string // of the names of what lies in it: order.lines.

	keys  []nodeKey
	table []int16 // open hash table of indexes into keys, -1 is free; length is a power of two
}

type nodeKey struct {
	name  string
	field int   // -1 when child is set
	child *node // nil for a value
	slot  int   // where a decoder notes that it has seen this key: its field, or for an object a number after all fields
}

func (n *node) add(path []string, field int) (problem string) {
	name, rest := path[0], path[1:]
	i := slices.IndexFunc(n.keys, func(k nodeKey) bool { return k.name == name })
	switch {
	case i < 0 && len(rest) == 0:
		n.keys = append(n.keys, nodeKey{name: name, field: field})
		return ""
	case i < 0:
		n.keys = append(n.keys, nodeKey{name: name, field: -1, child: &node{prefix: n.prefix + name + "."}})
		return n.keys[len(n.keys)-1].child.add(rest, field)
	case len(rest) > 0 && n.keys[i].child != nil:
		return n.keys[i].child.add(rest, field)
	case len(rest) == 0 && n.keys[i].child == nil:
		return fmt.Sprintf("%s is declared by another field too", strings.Join(path, "."))
	default:
		return fmt.Sprintf("%s is declared both as a value and as an object", name)
	}
}

// index builds the hash tables and numbers the objects.
func (n *node) index(slots *int) {
	size := 8
	for size < 4*len(n.keys) {
		size *= 2
	}
	n.table = make([]int16, size)
	for i := range n.table {
		n.table[i] = -1
	}
	for i := range n.keys {
		k := &n.keys[i]
		at := keyHash(k.name, size-1)
		for n.table[at] >= 0 {
			at = (at + 1) & (size - 1)
		}
		n.table[at] = int16(i)
		k.slot = k.field
		if k.child != nil {
			k.slot = *slots
			*slots++
			k.child.index(slots)
		}
	}
}

// find gives the index of a key, or -1.
func (n *node) find(name []byte) int {
	mask := len(n.table) - 1
	for at := keyHash(name, mask); ; at = (at + 1) & mask {
		i := n.table[at]
		if i < 0 || n.keys[i].name == string(name) {
			return int(i)
		}
	}
}

// keyHash mixes length, first and last byte, which keep the few keys of a message apart well enough.
func keyHash[T string | []byte](k T, mask int) int {
	if len(k) == 0 {
		return 0
	}
	return (len(k)*7 + int(k[0])*3 + int(k[len(k)-1])) & mask
}
