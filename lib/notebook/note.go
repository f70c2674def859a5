package notebook

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
	gmtext "github.com/yuin/goldmark/text"

	"tillflow/lib/strictyaml"
)

// noteSpec is an md cell: Markdown with {{ values }} as a card beside the others.
type noteSpec struct {
	full bool // as wide as the page
	text text
}

// width reads what may follow the name of an md cell.
func (p *parsing) width(s *noteSpec, ws []word) {
	for _, w := range ws {
		switch w.text {
		case "width=full":
			s.full = true
		case "width=half":
		default:
			p.problem(w.at, fmt.Sprintf("unknown option %q of an md cell", w.text), "width=full or width=half")
		}
	}
}

// note renders the body of an md cell.
func (p *parsing) note(c *cell) {
	find := &valueFinder{currency: p.report.currency, base: c.bodyAt, doc: p.doc}
	md := markdown(find)
	body := []byte(c.body)
	root := md.Parser().Parse(gmtext.NewReader(body))
	var nodes []ast.Node
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		nodes = append(nodes, n)
	}
	c.note.text = p.render(md, find, body, nodes)
	p.problems = append(p.problems, find.problems...)
	p.addresses(root, body, c.bodyAt)
	if len(nodes) == 0 {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("md cell %q is empty", c.name), "write some words")
	}
}
