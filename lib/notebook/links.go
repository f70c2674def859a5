package notebook

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// links checks that every name means something that stands above.
func (p *parsing) links() {
	r := p.report
	for _, c := range r.cells {
		if c.sql != nil {
			p.placeLinks(c)
			continue
		}
		k := c.card()
		if k == nil {
			continue
		}
		if k.Data != "" {
			p.want(c.doc, k.Data, k.node.At("data"), c)
		}
		for key, pair := range map[string]string{"spark": c.sparkName(), "palette": c.paletteName()} {
			if name, _, ok := strings.Cut(pair, "."); ok && isName(name) {
				p.want(c.doc, name, k.node.At(key), c)
			}
		}
	}
	// A value in the text must have been computed; on the page its cell may stand anywhere, for text does not wait.
	r.eachRef(func(v *valueRef) {
		if v.param == "" {
			p.want(v.doc, v.cell, v.pos, nil)
		} else if !slices.Contains(r.paramNames(), v.param) {
			p.problemIn(v.doc, v.pos, "unknown parameter :"+v.param, paramHint(v.param, r.paramNames()))
		}
	})
	p.dependencies()
	p.sources()
	p.anchored()
}

// dependencies notes which parameters each query depends on.
func (p *parsing) dependencies() {
	for _, c := range p.report.cells {
		if c.sql == nil {
			continue
		}
		need := map[string]bool{}
		for _, pl := range c.sql.places {
			if pl.param != "" && pl.param != "now" {
				need[pl.param] = true
			}
			if above := p.report.byName[pl.cell]; above != nil && above != c && above.sql != nil {
				for _, n := range above.sql.needs {
					need[n] = true
				}
			}
		}
		c.sql.needs = slices.Sorted(maps.Keys(need))
	}
}

// sources checks the cells that give choices and the values of for_each: what there is to choose must not depend on
// what was chosen.
func (p *parsing) sources() {
	r := p.report
	front := r.documents[0]
	use := func(what string, from *column2) {
		p.want(front, from.cell, from.pos, nil)
		c := r.byName[from.cell]
		if c == nil || c.sql == nil {
			return
		}
		for _, name := range c.sql.needs {
			if q := r.param(name); q == nil && r.each != nil || q != nil && q.chosen() {
				p.problemIn(front, from.pos, fmt.Sprintf("%s come from %s, which depends on :%s", what, from.cell, name), "what there is to choose cannot depend on what is chosen")
			}
		}
		r.sources = append(r.sources, r.above(from.cell))
	}
	for _, q := range r.params {
		if q.from != nil {
			use("the choices of "+q.Name, q.from)
		}
	}
	if r.each != nil {
		use("the pages", r.each.in)
	}
}

// want checks the use of an sql cell, which must stand above the cell that uses it; nil: anywhere.
func (p *parsing) want(doc *document, name string, at strictyaml.Pos, user *cell, candidates ...string) {
	r := p.report
	other := r.byName[name]
	switch {
	case other == nil:
		var sqlNames []string
		for _, c := range r.cells {
			if c.sql != nil && c.name != "" && !slices.Contains(sqlNames, c.name) {
				sqlNames = append(sqlNames, c.name)
			}
		}
		hint := strictyaml.Suggest(name, append(candidates, sqlNames...))
		if hint == "" && len(sqlNames) > 0 {
			hint = "sql cells: " + strings.Join(sqlNames, ", ")
		}
		p.problemIn(doc, at, fmt.Sprintf("no sql cell is called %q", name), hint)
	case other.sql == nil:
		p.problemIn(doc, at, fmt.Sprintf("%q is a %s cell", name, other.kind), "only the rows of an sql cell can be used")
	case user != nil && slices.Index(r.cells, other) >= slices.Index(r.cells, user):
		p.problemIn(doc, at, fmt.Sprintf("sql cell %q stands only below, %s", name, other.where(doc)), "move it above its use")
	}
}

// where tells a reader of a file where the cell stands.
func (c *cell) where(from *document) string {
	if c.doc != from {
		return fmt.Sprintf("in %s on line %d", c.doc.name, c.line)
	}
	return fmt.Sprintf("on line %d", c.line)
}

func (p *parsing) placeLinks(c *cell) {
	params := append([]string{"now"}, p.report.paramNames()...)
	for _, pl := range c.sql.places {
		at := c.doc.lines.pos(c.bodyAt + pl.start)
		if pl.cell != "" {
			if way := p.report.way(pl.cell, c, map[string]bool{}); way != nil {
				msg := "sql cells use each other: " + strings.Join(append([]string{c.name}, way...), " -> ")
				if len(way) == 1 {
					msg = fmt.Sprintf("sql cell %q uses itself", c.name)
				}
				p.problemIn(c.doc, at, msg, "a cell uses the results of cells above it")
				continue
			}
			p.want(c.doc, pl.cell, at, c)
			continue
		}
		if !slices.Contains(params, pl.param) {
			p.problemIn(c.doc, at, fmt.Sprintf("unknown parameter :%s", pl.param), paramHint(pl.param, params))
		}
	}
}

// way is how a cell comes to need another that stands at or above it in the file, by what their queries name; nil when it
// does not. seen are the cells that were looked at.
func (r *Report) way(from string, to *cell, seen map[string]bool) []string {
	c := r.byName[from]
	switch {
	case c == to:
		return []string{from}
	case c == nil || c.sql == nil || seen[from] || slices.Index(r.cells, c) < slices.Index(r.cells, to):
		return nil
	}
	seen[from] = true
	for _, pl := range c.sql.places {
		if pl.cell != "" {
			if rest := r.way(pl.cell, to, seen); rest != nil {
				return append([]string{from}, rest...)
			}
		}
	}
	return nil
}

func paramHint(name string, params []string) string {
	if hint := strictyaml.Suggest(name, params); hint != "" {
		return hint
	}
	return "parameters: " + strings.Join(params, ", ") + "; declare others under params: in the front matter"
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
