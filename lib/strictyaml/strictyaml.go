// Package strictyaml decodes YAML into structs and places every mistake at its line and column. A pipeline is written
// by hand; whoever mistypes a key should see all mistakes at once, where they are, and what was probably meant.
// The usual decoders stop at the first error, pass unknown keys and lose positions.
//
// A struct field is named by its yaml tag. Values may be strings, bools, numbers, durations ("30d", "1h30m"), slices,
// maps, ordered maps (Map), pointers, nested structs, anything with UnmarshalText, and Node, which keeps a value undecoded.
// The tag check:"required" asks for a key, check:"oneof=a|b" limits a string, check:"file" and check:"input" ask for a
// file of that name, and doc:"..." describes the key for people. A struct with a Check method is asked
// about rules that span several keys once its own values are sound.
//
// Package strictyaml is the one user of the YAML module.
package strictyaml

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pos is a place in a file, 1-based. The zero Pos is no place.
type Pos struct{ Line, Col int }

// Problem is one thing wrong in a file, placed so that an editor can jump to it.
type Problem struct {
	File      string
	Line, Col int    // 1-based
	Msg       string // what is wrong
	Hint      string // what to do about it; may be empty
}

// String gives the problem in the form editors and terminals link: file:line:col: message (hint).
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Msg)
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Sort orders problems by file, line and column, the order in which a reader meets them.
func Sort(ps []Problem) {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
}

// Decoder says where a text comes from and how to read it.
type Decoder struct {
	File       string
	LineOffset int                              // added to every line: the text is part of a larger file
	Lookup     func(name string) (string, bool) // value of a ${NAME}; nil leaves such text alone

	// Path says what is wrong with a file that a value names, and what to do; nothing when all is well. Without it nobody
	// looks.
	Path func(path string) (msg, hint string)
	made bool // inputs may be made later
}

// Decode reads src into the struct that into points to. It reports every problem, in the order of the file; into
// holds what could be read. lineOffset is added to each line when src is a part of a larger file.
func Decode(file string, src []byte, lineOffset int, into any) []Problem {
	return Decoder{File: file, LineOffset: lineOffset}.Decode(src, into)
}

// Decode reads src into the struct that into points to; see the function Decode.
func (d Decoder) Decode(src []byte, into any) []Problem {
	n, ps := d.Parse(src)
	if len(ps) > 0 {
		return ps
	}
	ps = append(ps, n.Decode(into)...)
	Sort(ps)
	return ps
}

// Parse reads src into a Node. An empty text is an empty mapping.
func (d Decoder) Parse(src []byte) (Node, []Problem) {
	var doc yaml.Node
	if len(src) > 0 { // a parser is large, and each job without settings asks for nothing
		if err := yaml.Unmarshal(src, &doc); err != nil {
			return Node{}, []Problem{d.syntax(src, err)}
		}
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	if len(doc.Content) > 0 {
		root = doc.Content[0]
	}
	n := Node{d: &d, y: root}
	if y := selfAlias(root, map[*yaml.Node]bool{}); y != nil {
		return Node{}, []Problem{Node{&d, y}.Problem("the alias *%s stands inside the value it means", y.Value)}
	}
	if d.Lookup != nil {
		if ps := n.expand(root, map[*yaml.Node]bool{}); len(ps) > 0 {
			return Node{}, ps
		}
	}
	return n, nil
}

// Node is a value that is not decoded yet.
type Node struct {
	d *Decoder
	y *yaml.Node
}

// IsZero tells whether there is no value at all.
func (n Node) IsZero() bool { return n.y == nil }

// Pos is where the value begins.
func (n Node) Pos() Pos {
	if n.y == nil {
		return Pos{}
	}
	return Pos{n.y.Line + n.d.LineOffset, n.y.Column}
}

// Scalar gives the text of a plain value, and whether it is one.
func (n Node) Scalar() (string, bool) {
	if n.y == nil {
		return "", false
	}
	y := resolve(n.y)
	return y.Value, y.Kind == yaml.ScalarNode && y.ShortTag() != "!!null"
}

// IsMap tells whether the value is a mapping.
func (n Node) IsMap() bool { return n.y != nil && resolve(n.y).Kind == yaml.MappingNode }

// IsList tells whether the value is a list.
func (n Node) IsList() bool { return n.y != nil && resolve(n.y).Kind == yaml.SequenceNode }

// Keys lists the keys of a mapping in the order of the file.
func (n Node) Keys() []string {
	var keys []string
	if n.IsMap() {
		y := resolve(n.y)
		for i := 0; i+1 < len(y.Content); i += 2 {
			keys = append(keys, y.Content[i].Value)
		}
	}
	return keys
}

// InputsLater gives the node for decoding where files tagged as inputs may be made before they are read.
func (n Node) InputsLater() Node {
	if n.d != nil {
		d := *n.d
		d.made = true
		n.d = &d
	}
	return n
}

// Input checks a file that is read, when the node names one in a form of its own.
func (n Node) Input(path string) []Problem { return n.file(path, "input") }

// file looks for a file that must be there.
func (n Node) file(path, check string) []Problem {
	must := has(check, "file") || has(check, "input") && !n.d.made
	if !must || n.d.Path == nil || path == "" {
		return nil
	}
	msg, hint := n.d.Path(path)
	if msg == "" {
		return nil
	}
	p := n.Problem("%s", msg)
	p.Hint = hint
	return []Problem{p}
}

// Values gives the values of a mapping by their keys.
func (n Node) Values() map[string]Node {
	values := map[string]Node{}
	if n.IsMap() {
		y := resolve(n.y)
		for i := 0; i+1 < len(y.Content); i += 2 {
			values[y.Content[i].Value] = Node{n.d, y.Content[i+1]}
		}
	}
	return values
}

// Get gives the value at the end of a path of keys; elements of a list are named by their index. It is zero when there is
// none.
func (n Node) Get(path ...string) Node {
	for _, key := range path {
		if n.y == nil {
			break
		}
		y := resolve(n.y)
		if i, err := strconv.Atoi(key); y.Kind == yaml.SequenceNode && err == nil && i >= 0 && i < len(y.Content) {
			n.y = y.Content[i]
			continue
		}
		n = n.Values()[key]
	}
	return n
}

// Problem makes a problem at this node.
func (n Node) Problem(format string, args ...any) Problem {
	p := Problem{Msg: fmt.Sprintf(format, args...), Line: n.Pos().Line, Col: n.Pos().Col}
	if n.d != nil {
		p.File = n.d.File
	}
	return p
}

// At gives the position of the key at the end of path, or of the deepest part of path that is there.
// Elements of a list are named by their index.
func (n Node) At(path ...string) Pos {
	pos, y := n.Pos(), n.y
	for _, key := range path {
		if y == nil {
			break
		}
		y = resolve(y)
		var next *yaml.Node
		switch y.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(y.Content); i += 2 {
				if y.Content[i].Value == key {
					pos = Pos{y.Content[i].Line + n.d.LineOffset, y.Content[i].Column}
					next = y.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if k, err := strconv.Atoi(key); err == nil && k >= 0 && k < len(y.Content) {
				next = y.Content[k]
				pos = Pos{next.Line + n.d.LineOffset, next.Column}
			}
		}
		y = next
	}
	return pos
}

// selfAlias finds an alias inside its own value, on which decoding would never end.
func selfAlias(y *yaml.Node, above map[*yaml.Node]bool) *yaml.Node {
	if y.Kind == yaml.AliasNode {
		if above[y.Alias] {
			return y
		}
		return selfAlias(y.Alias, above)
	}
	above[y] = true
	defer delete(above, y)
	for _, c := range y.Content {
		if bad := selfAlias(c, above); bad != nil {
			return bad
		}
	}
	return nil
}

func resolve(y *yaml.Node) *yaml.Node {
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	return y
}
