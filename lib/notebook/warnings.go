package notebook

import (
	"fmt"

	"tillflow/lib/strictyaml"
)

// Warnings are what is most likely a mistake, but no reason to refuse a report: queries and parameters that nothing uses, and
// timeouts that the refresh interval cuts.
func (r *Report) Warnings() []strictyaml.Problem {
	ps := append(r.Unused(), r.unusedParams()...)
	for _, c := range r.cells {
		if most := r.Refresh * 9 / 10; c.sql != nil && c.sql.timeoutAt > 0 && c.sql.timeout > most {
			at := c.doc.lines.pos(c.sql.timeoutAt)
			ps = append(ps, strictyaml.Problem{File: c.doc.name, Line: at.Line, Col: at.Col,
				Msg:  fmt.Sprintf("timeout=%s is cut to %s: the page refreshes every %s", strictyaml.FormatDuration(c.sql.timeout), strictyaml.FormatDuration(most), strictyaml.FormatDuration(r.Refresh)),
				Hint: "a cheaper query, or a longer refresh"})
		}
	}
	strictyaml.Sort(ps)
	return ps
}

// Unused lists sql cells that nothing on the page uses: they cost a query each time.
func (r *Report) Unused() []strictyaml.Problem {
	used := map[string]bool{}
	r.eachRef(func(v *valueRef) { used[v.cell] = true })
	for _, p := range r.params {
		if p.from != nil {
			used[p.from.cell] = true
		}
	}
	if r.each != nil {
		used[r.each.in.cell] = true
	}
	for _, c := range r.cells {
		for _, name := range c.data() {
			used[name] = true
		}
		if c.sql != nil {
			for _, p := range c.sql.places {
				used[p.cell] = true
			}
		}
	}
	var ps []strictyaml.Problem
	for _, c := range r.cells {
		if c.sql != nil && !used[c.name] {
			ps = append(ps, strictyaml.Problem{File: c.doc.name, Line: c.line, Col: c.col,
				Msg: "sql cell \"" + c.name + "\" is used by nothing", Hint: "show it in a cell, or delete it"})
		}
	}
	return ps
}

// unusedParams lists parameters that no query names: whatever is chosen, the page is the same.
func (r *Report) unusedParams() []strictyaml.Problem {
	used := map[string]bool{}
	for _, c := range r.cells {
		if c.sql != nil {
			for _, p := range c.sql.places {
				used[p.param] = true
			}
		}
	}
	var ps []strictyaml.Problem
	add := func(name string, at strictyaml.Pos) {
		if !used[name] {
			ps = append(ps, strictyaml.Problem{File: r.File, Line: at.Line, Col: at.Col,
				Msg: "no query uses parameter :" + name, Hint: "name it in an sql cell, or delete it"})
		}
	}
	if r.each != nil {
		add(r.each.param, r.each.pos)
	}
	for _, p := range r.params {
		add(p.Name, p.pos)
	}
	return ps
}
