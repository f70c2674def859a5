package notebook

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"tillflow/lib/strictyaml"
)

// markdown turns prose into HTML. Raw HTML in the file is dropped and javascript: links are emptied, goldmark's
// defaults; tables align by class (see aligned), since the page's content policy forbids inline styles.
//
// Values ({{ cell.column }}) become inline nodes of their own, so that Markdown never looks inside them and code spans
// keep them as they are. A node renders as a mark that split turns into a piece: prose is rendered once, when the file
// is read, and each rendering of the page only joins the pieces.
func markdown(find *valueFinder) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Strikethrough),
		goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(find, 50))),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(find, 50))),
	)
}

var valueKind = ast.NewNodeKind("TillflowValue")

type valueNode struct {
	ast.BaseInline
	index int // in valueFinder.values
}

func (n *valueNode) Kind() ast.NodeKind         { return valueKind }
func (n *valueNode) Dump(src []byte, level int) { ast.DumpHelper(n, src, level, nil, nil) }

// valueFinder is goldmark's inline parser and renderer for values; it collects them and what is wrong with them.
type valueFinder struct {
	currency string
	base     int // offset in doc of the text goldmark sees
	doc      *document
	values   []*valueRef
	problems []strictyaml.Problem
}

// Trigger names the byte that may begin a value.
func (f *valueFinder) Trigger() []byte { return []byte{'{'} }

// Parse reads one value; nil leaves the brace to Markdown.
func (f *valueFinder) Parse(_ ast.Node, block gmtext.Reader, _ parser.Context) ast.Node {
	line, seg := block.PeekLine()
	if !bytes.HasPrefix(line, []byte("{{")) {
		return nil
	}
	pos := f.doc.lines.pos(f.base + seg.Start)
	end := bytes.Index(line, []byte("}}"))
	if end < 0 {
		f.problems = append(f.problems, strictyaml.Problem{File: f.doc.name, Line: pos.Line, Col: pos.Col, Msg: "{{ is not closed by }} on its line"})
		return nil
	}
	v, wrong := parseValue(string(line[2:end]), f.currency)
	if wrong != nil {
		f.problems = append(f.problems, strictyaml.Problem{File: f.doc.name, Line: pos.Line, Col: pos.Col, Msg: wrong.msg, Hint: wrong.hint})
		v = nil
	} else {
		v.doc, v.pos = f.doc, pos
	}
	block.Advance(end + 2)
	f.values = append(f.values, v)
	return &valueNode{index: len(f.values) - 1}
}

// RegisterFuncs tells goldmark how a value renders.
func (f *valueFinder) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(valueKind, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			// No document holds this: goldmark replaces zero bytes of its input.
			fmt.Fprintf(w, "\x00%d\x00", n.(*valueNode).index)
		}
		return ast.WalkContinue, nil
	})
}

// aligned says in classes what goldmark says in attributes that HTML no longer has. Text cannot look like one: its quotes
// are escaped.
var aligned = strings.NewReplacer(` align="left"`, "", ` align="center"`, ` class="c"`, ` align="right"`, ` class="n"`)

// split cuts rendered HTML at the marks.
func (f *valueFinder) split(rendered string) text {
	t := text{isHTML: true}
	for i, part := range strings.Split(aligned.Replace(rendered), "\x00") {
		if i%2 == 0 {
			if part != "" {
				t.pieces = append(t.pieces, piece{words: part})
			}
			continue
		}
		if n, err := strconv.Atoi(part); err == nil && f.values[n] != nil {
			t.pieces = append(t.pieces, piece{value: f.values[n]})
		}
	}
	return t
}
