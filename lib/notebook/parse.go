package notebook

import (
	"bytes"
	"fmt"
	"regexp"
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

// Parse reads a report file. file is its name in problems and error texts. All problems come at once, in the order of
// the file; the report is of use only when there are none.
func Parse(file string, src []byte) (*Report, []strictyaml.Problem) {
	p := &parsing{
		lines:  indexLines(src),
		report: &Report{File: file, byName: map[string]*cell{}},
	}
	p.report.lines = p.lines
	yaml, body, bodyAt, ok := frontMatter(src)
	if !ok {
		p.problem(0, "no front matter", "begin the file with a line ---, then title: and other keys, then a line ---")
	} else {
		p.frontMatter(yaml)
	}
	p.body(body, bodyAt)
	p.links()
	for i := range p.problems { // YAML that ends too early is told of on the line after its last
		p.problems[i].Line = min(p.problems[i].Line, len(p.lines.starts))
	}
	strictyaml.Sort(p.problems)
	return p.report, p.problems
}

// parsing is a Parse in hand.
type parsing struct {
	report   *Report
	lines    lineIndex
	problems []strictyaml.Problem
}

func (p *parsing) problem(offset int, msg, hint string) { p.problemAt(p.lines.pos(offset), msg, hint) }

func (p *parsing) problemAt(at strictyaml.Pos, msg, hint string) {
	p.problems = append(p.problems, strictyaml.Problem{File: p.report.File, Line: at.Line, Col: at.Col, Msg: msg, Hint: hint})
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
	for _, e := range m.Params.Entries {
		r.params = append(r.params, Param{Name: e.Key, Type: e.Value.kind, Value: e.Value.value})
	}
	p.text(&r.subtitle, m.Subtitle, node.At("subtitle"))
	if m.AsOf != "" {
		v, wrong := parseValue(m.AsOf, r.currency)
		if wrong != nil {
			p.problemAt(node.At("as_of"), fmt.Sprintf("as_of %q is no column of a cell", m.AsOf), "write cell.column")
			return
		}
		v.pos = node.At("as_of")
		r.asOf = v
	}
}

// body walks the top level of the Markdown: an h2 opens a section, a fence of ours is a cell, all else is prose.
func (p *parsing) body(body []byte, base int) {
	find := &valueFinder{currency: p.report.currency, base: base, lines: p.lines}
	md := markdown(find)
	doc := md.Parser().Parse(gmtext.NewReader(body))
	section := &section{}
	var prose []ast.Node
	flush := func() {
		if len(prose) > 0 {
			section.blocks = append(section.blocks, block{prose: p.render(md, find, body, prose)})
			prose = nil
		}
	}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			flush()
			p.addSection(section)
			section = p.newSection(md, find, body, h)
			continue
		}
		if f, ok := n.(*ast.FencedCodeBlock); ok && f.Info != nil {
			info := f.Info.Segment
			if c := p.fence(string(info.Value(body)), base+info.Start); c != nil {
				flush()
				p.addCell(c, f, body, base)
				section.blocks = append(section.blocks, block{cell: c})
				continue
			}
		}
		prose = append(prose, n)
	}
	flush()
	p.addSection(section)
	for i := range find.problems {
		find.problems[i].File = p.report.File
	}
	p.problems = append(p.problems, find.problems...)
	if len(p.report.cells) == 0 && len(p.problems) == 0 {
		p.problem(base, "the report has no cells", "add a fence such as ~~~sql totals")
	}
}

func (p *parsing) addSection(s *section) {
	if len(s.blocks) > 0 || !s.title.empty() {
		p.report.sections = append(p.report.sections, *s)
	}
}

var notSlug = regexp.MustCompile(`[^\p{L}\p{N}]+`)

func (p *parsing) newSection(md goldmark.Markdown, find *valueFinder, body []byte, h *ast.Heading) *section {
	s := &section{title: p.inside(md, find, body, h)}
	raw := string(h.Lines().Value(body))
	s.id = strings.Trim(notSlug.ReplaceAllString(strings.ToLower(raw), "-"), "-")
	for base, n := s.id, 2; slices.ContainsFunc(p.report.sections, func(o section) bool { return o.id == "s-"+s.id }) || s.id == ""; n++ {
		s.id = fmt.Sprintf("%s-%d", base, n)
	}
	s.id = "s-" + s.id // apart from the ids of cells
	return s
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
	c.body, c.bodyLine = string(lines.Value(body)), c.line // an empty body is told of at its fence
	end := f.Info.Segment.Stop
	if lines.Len() > 0 {
		c.bodyAt = base + lines.At(0).Start
		c.bodyLine = p.lines.pos(c.bodyAt).Line
		end = lines.At(lines.Len() - 1).Stop
	}
	if !closed(body[end:], lines.Len() == 0) {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("%s cell %q is not closed", c.kind, c.name), "end it with a line of the same fence")
	}
	if other := p.report.byName[c.name]; other != nil && c.name != "" {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("cell %q stands twice, first on line %d", c.name, other.line), "rename one")
	} else {
		p.report.byName[c.name] = c
	}
	p.report.cells = append(p.report.cells, c)
	if c.sql != nil {
		p.query(c)
		return
	}
	node, ps := strictyaml.Decoder{File: p.report.File, LineOffset: c.bodyLine - 1}.Parse([]byte(c.body))
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

var firstWord = regexp.MustCompile(`^(?:\s|--[^\n]*\n|/\*(?s:.*?)\*/|\()*([A-Za-z]+)`)

// query checks what can be known of a query without a database.
func (p *parsing) query(c *cell) {
	if strings.TrimSpace(c.body) == "" {
		p.problemAt(strictyaml.Pos{Line: c.line, Col: c.col}, fmt.Sprintf("sql cell %q is empty", c.name), "write one query")
		return
	}
	m := firstWord.FindStringSubmatchIndex(c.body)
	if m == nil || !slices.Contains([]string{"select", "with", "values", "table"}, strings.ToLower(c.body[m[2]:m[3]])) {
		at := 0
		if m != nil {
			at = m[2]
		}
		p.problem(c.bodyAt+at, "an sql cell only reads", "it begins with select, with, values or table")
	}
	c.sql.places, c.sql.text = findPlaces(c.body), strings.TrimSpace(c.body)
}

// links checks that every name means something that stands above.
func (p *parsing) links() {
	r := p.report
	order := map[*cell]int{}
	var sqlNames []string
	for i, c := range r.cells {
		order[c] = i
		if c.sql != nil && c.name != "" {
			sqlNames = append(sqlNames, c.name)
		}
	}
	// want checks the use of an sql cell at a place before the cell with the index limit.
	want := func(name string, at strictyaml.Pos, limit int, candidates ...string) {
		other := r.byName[name]
		switch {
		case other == nil:
			hint := strictyaml.Suggest(name, append(candidates, sqlNames...))
			if hint == "" && len(sqlNames) > 0 {
				hint = "sql cells: " + strings.Join(sqlNames, ", ")
			}
			p.problemAt(at, fmt.Sprintf("no sql cell is called %q", name), hint)
		case other.sql == nil:
			p.problemAt(at, fmt.Sprintf("%q is a %s cell", name, other.kind), "only the rows of an sql cell can be used")
		case order[other] >= limit:
			p.problemAt(at, fmt.Sprintf("sql cell %q stands only below, on line %d", name, other.line), "move it above its use")
		}
	}
	for i, c := range r.cells {
		if c.sql != nil {
			p.placeLinks(c, i, want)
			continue
		}
		k := c.card()
		if k.Data != "" {
			want(k.Data, k.node.At("data"), i)
		}
		for key, pair := range map[string]string{"spark": c.sparkName(), "palette": c.paletteName()} {
			if name, _, ok := strings.Cut(pair, "."); ok && isName(name) {
				want(name, k.node.At(key), i)
			}
		}
	}
	// A value in the text must have been computed; on the page its cell may stand anywhere, for text does not wait.
	r.eachRef(func(v *valueRef) { want(v.cell, v.pos, len(r.cells)) })
}

func (p *parsing) placeLinks(c *cell, index int, want func(string, strictyaml.Pos, int, ...string)) {
	params := []string{"now"}
	for _, q := range p.report.params {
		params = append(params, q.Name)
	}
	for _, pl := range c.sql.places {
		at := p.lines.pos(c.bodyAt + pl.start)
		if pl.cell != "" {
			want(pl.cell, at, index)
			continue
		}
		if !slices.Contains(params, pl.param) {
			hint := strictyaml.Suggest(pl.param, params)
			if hint == "" {
				hint = "parameters: " + strings.Join(params, ", ") + "; declare others under params: in the front matter"
			}
			p.problemAt(at, fmt.Sprintf("unknown parameter :%s", pl.param), hint)
		}
	}
}

func (c *cell) sparkName() string {
	if c.kpi != nil {
		return c.kpi.Spark
	}
	return ""
}

func (c *cell) paletteName() string {
	if c.chart != nil {
		return c.chart.Palette
	}
	return ""
}
