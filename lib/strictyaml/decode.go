package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Map is a mapping that keeps the order of the file, where order means something: the columns of a table, for one.
type Map[T any] struct{ Entries []Entry[T] }

// Entry is one key of a Map and its value.
type Entry[T any] struct {
	Key   string
	Value T
	Pos   Pos // of the key
}

// Len is the number of entries.
func (m Map[T]) Len() int { return len(m.Entries) }

// Get finds the value of a key.
func (m Map[T]) Get(key string) (T, bool) {
	for _, e := range m.Entries {
		if e.Key == key {
			return e.Value, true
		}
	}
	var zero T
	return zero, false
}

// Keys lists the keys in order.
func (m Map[T]) Keys() []string {
	keys := make([]string, len(m.Entries))
	for i, e := range m.Entries {
		keys[i] = e.Key
	}
	return keys
}

func (m *Map[T]) add(key string, pos Pos) any {
	m.Entries = append(m.Entries, Entry[T]{Key: key, Pos: pos})
	return &m.Entries[len(m.Entries)-1].Value
}

type (
	ordered interface {
		add(key string, pos Pos) any
	}
	// NodeDecoder is a type that reads more than one form of a value, such as a path or a mapping.
	NodeDecoder interface {
		DecodeNode(n Node) []Problem
	}
	checker interface {
		Check(at func(path ...string) Pos) []Problem
	}
)

var durationType = reflect.TypeFor[time.Duration]()

// Decode reads the node into what into points to and reports every problem.
func (n Node) Decode(into any) []Problem {
	if n.y == nil {
		return nil
	}
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic("strictyaml: Decode needs a pointer")
	}
	return n.value(v.Elem(), "")
}

// value decodes into v; check is the field's check tag.
func (n Node) value(v reflect.Value, check string) []Problem {
	n.y = resolve(n.y)
	if n.y.Kind == yaml.ScalarNode && n.y.ShortTag() == "!!null" {
		return n.null(v, check)
	}
	if v.CanAddr() {
		switch t := v.Addr().Interface().(type) {
		case *Node:
			*t = n
			return nil
		case NodeDecoder:
			return t.DecodeNode(n)
		case ordered:
			return n.ordered(t)
		case encoding.TextUnmarshaler:
			return n.text(t)
		}
	}
	if v.Type() == durationType {
		return n.duration(v)
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		ps := n.value(p.Elem(), check)
		v.Set(p)
		return ps
	case reflect.Struct:
		return n.structure(v)
	case reflect.Map:
		return n.mapping(v)
	case reflect.Slice:
		return n.list(v, check)
	default:
		return n.scalar(v, check)
	}
}

// null leaves v as it is; a required value must not be left empty.
func (n Node) null(v reflect.Value, check string) []Problem {
	if hasRequired(check) {
		return []Problem{n.Problem("is empty, expected %s", expected(v.Type()))}
	}
	if v.Type() == reflect.TypeFor[Node]() {
		v.Set(reflect.ValueOf(n))
	}
	return nil
}

func (n Node) text(t encoding.TextUnmarshaler) []Problem {
	s, ok := n.Scalar()
	if !ok {
		return []Problem{n.Problem("expected a single value, got %s", n.kind())}
	}
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return []Problem{n.Problem("%s", err)}
	}
	return nil
}

func (n Node) duration(v reflect.Value) []Problem {
	s, ok := n.Scalar()
	if !ok {
		return []Problem{n.Problem("expected a duration such as 30s, 5m, 12h or 7d, got %s", n.kind())}
	}
	d, err := ParseDuration(s)
	if err != nil {
		return []Problem{n.Problem("%s", err)}
	}
	v.SetInt(int64(d))
	return nil
}

func (n Node) scalar(v reflect.Value, check string) []Problem {
	s, ok := n.Scalar()
	wrong := func() []Problem {
		return []Problem{n.Problem("expected %s, got %s", expected(v.Type()), n.kind())}
	}
	if !ok {
		return wrong()
	}
	tag := n.y.ShortTag()
	switch v.Kind() {
	case reflect.String:
		if allowed := oneOf(check); allowed != nil && !slices.Contains(allowed, s) {
			p := n.Problem("%q is not allowed here", s)
			p.Hint = SuggestOrList(s, allowed)
			return []Problem{p}
		}
		v.SetString(s)
		return n.file(s, check)
	case reflect.Bool:
		if tag != "!!bool" {
			return wrong()
		}
		v.SetBool(strings.EqualFold(s, "true"))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 0, v.Type().Bits())
		if tag != "!!int" || err != nil {
			return wrong()
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		i, err := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 0, v.Type().Bits())
		if tag != "!!int" || err != nil {
			return wrong()
		}
		v.SetUint(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
		if tag != "!!int" && tag != "!!float" || err != nil {
			return wrong()
		}
		v.SetFloat(f)
	default:
		panic("strictyaml: no way to decode into " + v.Type().String())
	}
	return nil
}

func (n Node) list(v reflect.Value, check string) []Problem {
	if n.y.Kind != yaml.SequenceNode {
		return []Problem{n.Problem("expected a list, got %s", n.kind())}
	}
	var ps []Problem
	out := reflect.MakeSlice(v.Type(), len(n.y.Content), len(n.y.Content))
	for i, c := range n.y.Content {
		ps = append(ps, Node{n.d, c}.value(out.Index(i), check)...)
	}
	v.Set(out)
	return ps
}

// entries calls each for the keys of a mapping and reports doubled ones.
func (n Node) entries(each func(key, value Node) []Problem) []Problem {
	if n.y.Kind != yaml.MappingNode {
		return []Problem{n.Problem("expected a mapping (key: value), got %s", n.kind())}
	}
	var ps []Problem
	first := make(map[string]int, len(n.y.Content)/2) // line of each key
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		k := Node{n.d, n.y.Content[i]}
		if k.y.Kind != yaml.ScalarNode {
			ps = append(ps, k.Problem("a key must be a single value"))
			continue
		}
		if k.y.ShortTag() == "!!merge" {
			ps = append(ps, k.Problem("merge keys (<<) are not supported; repeat the values or use defaults"))
			continue
		}
		if line, ok := first[k.y.Value]; ok {
			ps = append(ps, k.Problem("key %q stands twice, first on line %d", k.y.Value, line))
			continue
		}
		first[k.y.Value] = k.Pos().Line
		ps = append(ps, each(k, Node{n.d, n.y.Content[i+1]})...)
	}
	return ps
}

func (n Node) ordered(m ordered) []Problem {
	return n.entries(func(k, v Node) []Problem {
		return v.value(reflect.ValueOf(m.add(k.y.Value, k.Pos())).Elem(), "")
	})
}

func (n Node) mapping(v reflect.Value) []Problem {
	out := reflect.MakeMap(v.Type())
	ps := n.entries(func(k, val Node) []Problem {
		e := reflect.New(v.Type().Elem()).Elem()
		ps := val.value(e, "")
		out.SetMapIndex(reflect.ValueOf(k.y.Value).Convert(v.Type().Key()), e)
		return ps
	})
	v.Set(out)
	return ps
}

func (n Node) structure(v reflect.Value) []Problem {
	fields := fieldsOf(v.Type())
	seen := make([]bool, len(fields.list))
	ps := n.entries(func(k, val Node) []Problem {
		i, ok := fields.byName[k.y.Value]
		if !ok {
			p := k.Problem("unknown key %q", k.y.Value)
			p.Hint = SuggestOrList(k.y.Value, fields.names())
			return []Problem{p}
		}
		seen[i] = true
		return val.value(v.FieldByIndex(fields.list[i].index), fields.list[i].check)
	})
	if n.y.Kind == yaml.MappingNode {
		for i, f := range fields.list {
			if !seen[i] && f.required {
				ps = append(ps, n.Problem("%q is missing", f.name))
			}
		}
	}
	if c, ok := v.Addr().Interface().(checker); ok && len(ps) == 0 {
		for _, p := range c.Check(n.At) {
			if p.File == "" {
				p.File = n.d.File
			}
			if p.Line == 0 {
				p.Line, p.Col = n.Pos().Line, n.Pos().Col
			}
			ps = append(ps, p)
		}
	}
	return ps
}

// field is one key of a struct.
type field struct {
	name     string
	index    []int
	check    string
	required bool
	doc      string
}

type fields struct {
	list   []field
	byName map[string]int
}

func (f fields) names() []string {
	names := make([]string, len(f.list))
	for i := range f.list {
		names[i] = f.list[i].name
	}
	return names
}

var known sync.Map // reflect.Type -> fields; a dagfile of many jobs asks for the same few types again and again

// fieldsOf lists the fields of a struct that have a yaml name, embedded structs included, in order.
func fieldsOf(t reflect.Type) fields {
	if f, ok := known.Load(t); ok {
		return f.(fields)
	}
	out := fields{byName: map[string]int{}}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		out.byName[name] = len(out.list)
		out.list = append(out.list, field{name, f.Index, f.Tag.Get("check"), hasRequired(f.Tag.Get("check")), f.Tag.Get("doc")})
	}
	known.Store(t, out)
	return out
}

func hasRequired(check string) bool { return has(check, "required") }

func has(check, word string) bool { return slices.Contains(strings.Split(check, ","), word) }

func oneOf(check string) []string {
	for _, c := range strings.Split(check, ",") {
		if rest, ok := strings.CutPrefix(c, "oneof="); ok {
			return strings.Split(rest, "|")
		}
	}
	return nil
}

// expected names a type for people.
func expected(t reflect.Type) string {
	if t == durationType {
		return "a duration such as 30s, 5m, 12h or 7d"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number, 0 or more"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Pointer:
		return expected(t.Elem())
	default:
		return "a mapping (key: value)"
	}
}

// kind names what stands in the file.
func (n Node) kind() string {
	y := resolve(n.y)
	switch y.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch y.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + y.Value
	case "!!bool":
		return y.Value
	default:
		return fmt.Sprintf("the text %q", y.Value)
	}
}
