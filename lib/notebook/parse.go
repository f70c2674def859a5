package notebook

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gmtext "github.com/yuin/goldmark/text"

	"tillflow/lib/chart"
	"tillflow/lib/strictyaml"
)

var chartKinds = func() []string {
	var out []string
	for _, k := range chart.Kinds() {
		out = append(out, string(k))
	}
	return out
}()

// Parse reads a report file that includes no others. file is its name in problems and error texts. All problems come at
// once, in the order of the file; the report is of use only when there are none.
func Parse(file string, src []byte) (*Report, []strictyaml.Problem) { return parse(file, src, nil) }

// parse reads a report file and, with read, those it includes.
func parse(file string, src []byte, read func(name string) ([]byte, error)) (*Report, []strictyaml.Problem) {
	p := &parsing{
		report:  &Report{File: file, Page: FileName(file), byName: map[string]*cell{}},
		read:    read,
		section: &section{},
	}
	p.enter(file, src)
	yaml, body, bodyAt, ok := frontMatter(src)
	if !ok {
		p.problem(0, "no front matter", "begin the file with a line ---, then title: and other keys, then a line ---")
	} else {
		p.frontMatter(yaml)
	}
	p.body(body, bodyAt)
	p.endSection()
	if len(p.report.cells) == 0 && len(p.problems) == 0 {
		p.problem(bodyAt, "the report has no cells", "add a fence such as ~~~sql totals")
	}
	p.links()
	for i := range p.report.sections {
		p.report.sections[i].widen()
	}
	for i, q := range p.problems { // YAML that ends too early is told of on the line after its last
		for _, d := range p.report.documents {
			if d.name == q.File {
				p.problems[i].Line = min(q.Line, len(d.lines.starts))
			}
		}
	}
	strictyaml.Sort(p.problems)
	return p.report, p.problems
}

// parsing is a Parse in hand.
type parsing struct {
	report   *Report
	read     func(name string) ([]byte, error)
	doc      *document   // being read
	open     []*document // doc, and above it those that include it
	section  *section    // being filled
	anchors  []anchor    // that the text links to
	problems []strictyaml.Problem
}

func (p *parsing) problem(offset int, msg, hint string) {
	p.problemAt(p.doc.lines.pos(offset), msg, hint)
}

func (p *parsing) problemAt(at strictyaml.Pos, msg, hint string) {
	p.problemIn(p.doc, at, msg, hint)
}

func (p *parsing) problemIn(d *document, at strictyaml.Pos, msg, hint string) {
	p.problems = append(p.problems, strictyaml.Problem{File: d.name, Line: at.Line, Col: at.Col, Msg: msg, Hint: hint})
}

func (p *parsing) frontMatter(yaml []byte) {
	r := p.report
	var m meta
	node, ps := strictyaml.Decoder{File: r.File, LineOffset: 1}.Parse(yaml)
	if len(ps) == 0 {
		ps = node.Decode(&m)
	}
	p.problems = append(p.problems, ps...)
	r.Title, r.Refresh, r.location, r.currency = m.Title, m.Refresh, m.location, m.Currency
	p.params(&m)
	p.text(&r.heading, m.Title, node.At("title"))
	p.text(&r.subtitle, m.Subtitle, node.At("subtitle"))
	if m.AsOf != "" {
		v, wrong := parseValue(m.AsOf, r.currency)
		if wrong != nil {
			p.problemAt(node.At("as_of"), fmt.Sprintf("as_of %q is no column of a cell", m.AsOf), "write cell.column")
			return
		}
		v.doc, v.pos = p.doc, node.At("as_of")
		r.asOf = v
	}
}

// body walks the top level of a file's Markdown: an h2 opens a section, in a section of tabs an h3 opens one, a fence of
// ours is a cell, all else is prose.
func (p *parsing) body(body []byte, base int) {
	find := &valueFinder{currency: p.report.currency, base: base, doc: p.doc}
	md := markdown(find)
	root := md.Parser().Parse(gmtext.NewReader(body))
	var prose []ast.Node
	flush := func() {
		if len(prose) > 0 {
			p.section.add(block{prose: p.render(md, find, body, prose)})
			prose = nil
		}
	}
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			flush()
			p.endSection()
			p.newSection(md, find, body, base, h)
			continue
		} else if ok && h.Level == 3 && p.section.tabbed {
			flush()
			p.openTab(md, find, body, h)
			continue
		}
		if f, ok := n.(*ast.FencedCodeBlock); ok && f.Info != nil {
			info := f.Info.Segment
			ws := wordsOf(string(info.Value(body)), base+info.Start)
			if len(ws) > 0 && ws[0].text == "include" {
				flush()
				p.include(ws)
				continue
			}
			if c := p.fence(ws); c != nil {
				flush()
				p.addCell(c, f, body, base)
				p.section.add(block{cell: c})
				continue
			}
		}
		prose = append(prose, n)
	}
	flush()
	p.problems = append(p.problems, find.problems...)
	p.addresses(root, body, base)
}

func (p *parsing) endSection() {
	if s := p.section; len(s.blocks) > 0 || len(s.tabs) > 0 || !s.title.empty() {
		p.report.sections = append(p.report.sections, *s)
	}
	p.section = &section{}
}

func (p *parsing) newSection(md goldmark.Markdown, find *valueFinder, body []byte, base int, h *ast.Heading) {
	s := p.section
	p.heading(s, body, base, h)
	s.title = p.inside(md, find, body, h)
	raw := layoutWords.ReplaceAllString(string(h.Lines().Value(body)), "")
	taken := func(id string) bool {
		return slices.ContainsFunc(p.report.sections, func(o section) bool { return o.id == "s-"+id })
	}
	s.id = "s-" + slug(raw, taken) // apart from the ids of cells
}

// render makes HTML of some blocks.
func (p *parsing) render(md goldmark.Markdown, find *valueFinder, body []byte, nodes []ast.Node) text {
	var b bytes.Buffer
	for _, n := range nodes {
		if err := md.Renderer().Render(&b, body, n); err != nil {
			p.problem(find.base+max(0, n.Pos()), "not Markdown: "+err.Error(), "")
		}
	}
	return find.split(b.String())
}

// inside renders what a heading holds, without the heading's own tags.
func (p *parsing) inside(md goldmark.Markdown, find *valueFinder, body []byte, h *ast.Heading) text {
	var nodes []ast.Node
	for n := h.FirstChild(); n != nil; n = n.NextSibling() {
		nodes = append(nodes, n)
	}
	return p.render(md, find, body, nodes)
}

// addCell reads a cell's body.
func (p *parsing) addCell(c *cell, f *ast.FencedCodeBlock, body []byte, base int) {
	lines := f.Lines()
	c.doc = p.doc
	c.body, c.bodyLine = string(lines.Value(body)), c.line // an empty body is told of at its fence
	end := f.Info.Segment.Stop
	if lines.Len() > 0 {
		c.bodyAt = base + lines.At(0).Start
		c.bodyLine = p.doc.lines.pos(c.bodyAt).Line
		end = lines.At(lines.Len() - 1).Stop
	}
	if !closed(body[end:], lines.Len() == 0) {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("%s cell %q is not closed", c.kind, c.name), "end it with a line of the same fence")
	}
	if other := p.report.byName[c.name]; other != nil && c.name != "" {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("cell %q stands twice, first %s", c.name, other.where(p.doc)), "rename one")
	} else {
		p.report.byName[c.name] = c
	}
	p.report.cells = append(p.report.cells, c)
	if c.sql != nil {
		p.query(c)
		return
	}
	if c.note != nil {
		p.note(c)
		return
	}
	node, ps := strictyaml.Decoder{File: p.doc.name, LineOffset: c.bodyLine - 1}.Parse([]byte(c.body))
	if len(ps) == 0 {
		c.card().node = node
		switch {
		case c.kpi != nil:
			ps = node.Decode(c.kpi)
		case c.chart != nil:
			ps = node.Decode(c.chart)
		case c.table != nil:
			ps = node.Decode(c.table)
		}
	}
	p.problems = append(p.problems, ps...)
	if len(ps) == 0 {
		p.finish(c)
	}
}

// closed tells whether the fence that was open before rest ends there.
func closed(rest []byte, sameLine bool) bool {
	if sameLine {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	line = bytes.TrimSpace(line)
	return bytes.HasPrefix(line, []byte("```")) || bytes.HasPrefix(line, []byte("~~~"))
}

// query checks what can be known of a query without a database.
func (p *parsing) query(c *cell) {
	if strings.TrimSpace(c.body) == "" {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("sql cell %q is empty", c.name), "write one query")
		return
	}
	start, end := firstWord(c.body)
	if !slices.Contains([]string{"select", "with", "values", "table"}, strings.ToLower(c.body[start:end])) {
		p.problem(c.bodyAt+start, "an sql cell only reads", "it begins with select, with, values or table")
	}
	for _, w := range calls(c.body) {
		if why := refused[w.text]; why != "" {
			p.problem(c.bodyAt+w.at, fmt.Sprintf("%s %s", w.text, why), "an sql cell only reads")
		}
	}
	c.sql.places, c.sql.text = findPlaces(c.body), strings.TrimSpace(c.body)
}
