package notebook

import (
	"context"
	"slices"

	"tillflow/lib/strictyaml"
)

// eachSpec is for_each in the front matter: a page for each row of an sql cell, and an index of them.
type eachSpec struct {
	Param   string                     `yaml:"param" check:"required"` // :param in SQL
	In      string                     `yaml:"in" check:"required"`    // cell.column of its values
	Names   string                     `yaml:"names"`                  // cell.column of their names, of the same cell; default: the values
	Title   string                     `yaml:"title"`                  // of the index; default: the report's, without its values
	Columns strictyaml.Map[columnSpec] `yaml:"columns"`                // of the index; default: all of the cell

	node strictyaml.Node
}

// DecodeNode keeps the node for positions.
func (e *eachSpec) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	type plain eachSpec
	var q plain
	ps := n.Decode(&q)
	q.node = n
	*e = eachSpec(q)
	return ps
}

// forEach is for_each, ready for use.
type forEach struct {
	param string
	pos   strictyaml.Pos
	in    *column2
	index *Report // the page of the links
}

// ForEach tells whether the report has a page for each row of a cell, and an index of them.
func (r *Report) ForEach() bool { return r.each != nil }

func (p *parsing) forEach(s *eachSpec) *forEach {
	var named names
	if s.Names != "" {
		named = names{s.Names}
	}
	f := &forEach{param: s.Param, pos: s.node.At("param"), in: p.column2(s.In, s.node.At("in"), named, s.node.At("names"))}
	title := s.Title
	if title == "" {
		title = indexTitle(p.report.Title)
	}
	t := &tableSpec{card: card{Data: f.in.cell, Title: "Pages", Empty: "No pages yet.", node: s.node}, Columns: s.Columns, Search: true, Width: "full",
		Links: map[string]linkSpec{f.in.name: {Value: f.in.value}}}
	p.finishTable(t)
	heading := text{pieces: []piece{{words: title}}}
	t.title = text{pieces: []piece{{words: t.Title}}}
	c := &cell{kind: "table", name: "pages", doc: p.doc, line: f.in.pos.Line, col: f.in.pos.Col, table: t}
	f.index = &Report{File: p.report.File, Title: title, heading: heading, Refresh: p.report.Refresh, location: p.report.location,
		currency: p.report.currency, byName: p.report.byName, sections: []section{{blocks: []block{{cell: c}}}}}
	return f
}

// Index gives what the index page of for_each shows, and the values of each page it lists: nil when its cell failed and
// never gave any. It is to be called only when ForEach says so; its errors are those of Page.
func (s *Snapshot) Index(ctx context.Context) (*Data, []Values, error) {
	each := s.book.Report.each
	index := *each.index
	index.Page = s.book.Report.Page
	d := s.data(&index, nil)
	if err := s.load(ctx, d, s.book.Report.above(each.in.cell)); err != nil {
		return nil, nil, err
	}
	if columnOf(d.Results[each.in.cell].Frame, each.in.value) == nil {
		return d, nil, nil // the page says why
	}
	pages := []Values{}
	for _, row := range rowsOf(d.Results[each.in.cell].Frame, each.in) {
		pages = append(pages, Values{each.param: row.value})
	}
	return d, pages, nil
}

// indexTitle is the title of the report without its values.
func indexTitle(title string) string {
	t, _ := parseText(title, strictyaml.Pos{}, "")
	s := ""
	for _, q := range t.pieces {
		s += q.words
	}
	return trimTitle(s)
}

// above lists the sql cells that a cell needs, itself included, in the order of the file.
func (r *Report) above(name string) []*cell {
	need := map[string]bool{name: true}
	for i := len(r.cells) - 1; i >= 0; i-- {
		if c := r.cells[i]; c.sql != nil && need[c.name] {
			for _, pl := range c.sql.places {
				if pl.cell != "" {
					need[pl.cell] = true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(r.cells), func(c *cell) bool { return c.sql == nil || !need[c.name] })
}
