package notebook

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"

	"tillflow/lib/strictyaml"
)

// anchor is a link in the text to a place of the page.
type anchor struct {
	doc *document
	pos strictyaml.Pos
	id  string
}

// addresses checks the links and images of a text: what the page would drop or its content policy would block is told.
func (p *parsing) addresses(root ast.Node, body []byte, base int) {
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the callback gives no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image:
			if to := string(n.Destination); !strings.HasPrefix(to, "data:image/") {
				p.problem(base+startOf(n), fmt.Sprintf("image %q is not shown: a page is one file and asks nothing of others", to), "embed it as data:image/png;base64,..., or link to it")
			}
		case *ast.Link:
			p.address(string(n.Destination), base+startOf(n))
		}
		return ast.WalkContinue, nil
	})
}

func (p *parsing) address(to string, at int) {
	if id, ok := strings.CutPrefix(to, "#"); ok {
		p.anchors = append(p.anchors, anchor{p.doc, p.doc.lines.pos(at), id})
		return
	}
	u, err := url.Parse(to)
	if err != nil || !slices.Contains([]string{"", "http", "https", "mailto"}, strings.ToLower(u.Scheme)) {
		p.problem(at, fmt.Sprintf("a link to %q is not written", to), "http, https, mailto, a relative address or #section")
	}
}

// anchored checks links within the page, once all of its sections are known.
func (p *parsing) anchored() {
	ids := []string{"main"}
	for _, s := range p.report.sections {
		ids = append(ids, s.id)
		for _, t := range s.tabs {
			ids = append(ids, t.id)
		}
	}
	for _, a := range p.anchors {
		if id, err := url.PathUnescape(a.id); err == nil && !slices.Contains(ids, id) {
			hint := strictyaml.Suggest(id, ids)
			if hint == "" {
				hint = "places: #" + strings.Join(ids, ", #")
			}
			p.problemIn(a.doc, a.pos, "no section has the address #"+id, hint)
		}
	}
}

// startOf is the offset of an inline node's first text.
func startOf(n ast.Node) int {
	for c := n.FirstChild(); c != nil; c = c.FirstChild() {
		if t, ok := c.(*ast.Text); ok {
			return t.Segment.Start
		}
	}
	for n != nil && n.Type() == ast.TypeInline {
		n = n.Parent()
	}
	if n == nil || n.Type() == ast.TypeDocument || n.Lines().Len() == 0 {
		return 0
	}
	return n.Lines().At(0).Start
}
