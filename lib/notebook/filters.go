package notebook

import (
	"slices"
	"strings"

	"tillflow/lib/frame"
)

// Filter is a parameter with choices, as the page's header shows it: links to the pages of the other values.
type Filter struct {
	Param, Label string
	Choices      []Choice
}

// Long tells whether the choices are too many to stand in a line.
func (f Filter) Long() bool { return len(f.Choices) > 5 }

// Chosen is the name of the value this page shows.
func (f Filter) Chosen() string {
	for _, c := range f.Choices {
		if c.Current {
			return c.Name
		}
	}
	return ""
}

// Choice is a value a reader may choose.
type Choice struct {
	Value, Name string
	Page        string // relative address of the page; "" when there is none and nobody can be asked for it
	Current     bool   // it is this page
	OnDisk      bool   // the page is there; else it is made when a server is asked for it
}

// Link leads to another page.
type Link struct{ Title, Page string }

// mostChoices is the most choices a header lists; more are no use to a reader, but stay good addresses.
const mostChoices = 200

// Filters are the parameters a reader may choose, each beside the values the page has for the others.
func (d *Data) Filters() []Filter {
	var out []Filter
	for i := range d.Report.params {
		p := &d.Report.params[i]
		if !p.chosen() {
			continue
		}
		f := Filter{Param: p.Name, Label: p.Label}
		choices := d.choices(p)
		for _, c := range choices[:min(len(choices), mostChoices)] {
			f.Choices = append(f.Choices, d.choice(p, c))
		}
		out = append(out, f)
	}
	return out
}

func (d *Data) choice(p *Param, c choice) Choice {
	v := Values{}
	for k, old := range d.Values {
		v[k] = old
	}
	v[p.Name] = c.value
	out := Choice{Value: c.value, Name: c.name, Page: PageName(d.Report, v), Current: c.value == d.Values.value(p)}
	out.OnDisk = out.Current || d.Has != nil && d.Has(out.Page)
	if !out.OnDisk && !d.Asked {
		out.Page = ""
	}
	return out
}

// Up leads from a page of for_each to the index of them; nil for other pages.
func (d *Data) Up() *Link {
	if d.Report.each == nil {
		return nil
	}
	return &Link{Title: d.Report.each.index.Title, Page: d.Report.Page}
}

// choices lists what there is to choose for a parameter, the default included.
func (d *Data) choices(p *Param) []choice {
	if p.from == nil {
		return p.choices
	}
	return withDefault(p, rowsOf(d.Results[p.from.cell].Frame, p.from))
}

// rowsOf are the values and names in two columns; each value once, missing ones left out.
func rowsOf(f *frame.Frame, from *column2) []choice {
	values, names := columnOf(f, from.value), columnOf(f, from.name)
	if values == nil {
		return nil
	}
	var out []choice
	seen := map[string]bool{}
	for i := range values.Len() {
		v := values.Text(i)
		if values.IsNull(i) || seen[v] {
			continue
		}
		seen[v] = true
		c := choice{v, v}
		if names != nil && !names.IsNull(i) {
			c.name = names.Text(i)
		}
		out = append(out, c)
	}
	return out
}

// check refuses values that are not among the choices.
func (d *Data) check() error {
	r := d.Report
	for _, name := range r.paramNames() {
		value, given := d.Values[name]
		p := r.param(name)
		switch {
		case p == nil && !given:
			return &ValueError{"parameter " + name + " has no value", "for_each gives one to each page"}
		case p == nil:
			f := d.Results[r.each.in.cell].Frame
			if f == nil || columnOf(f, r.each.in.value) == nil {
				return d.sourceError(r.each.in)
			}
			if r.eachRow(f, value) < 0 {
				return noChoice(name, value, rowsOf(f, r.each.in))
			}
		case given && value != p.Text && p.chosen():
			if p.from != nil && columnOf(d.Results[p.from.cell].Frame, p.from.value) == nil {
				return d.sourceError(p.from)
			}
			choices := d.choices(p)
			if !slices.ContainsFunc(choices, func(c choice) bool { return c.value == value }) {
				return noChoice(name, value, choices)
			}
		}
	}
	for name := range d.Values {
		if !slices.Contains(r.paramNames(), name) {
			return &ValueError{r.File + " has no parameter " + name, ""}
		}
	}
	return nil
}

// sourceError says why the choices of a parameter, or the values of for_each, are not known.
func (d *Data) sourceError(from *column2) error {
	r := d.Results[from.cell]
	if r.Err != nil {
		return r.Err
	}
	e := &CellError{File: d.Report.File, Cell: from.cell, Line: from.pos.Line, Col: from.pos.Col, Msg: "gave no rows yet"}
	if r.Waiting != "" {
		e.Msg = "waits for " + r.Waiting
	} else if r.Frame != nil {
		wrong := noColumn(r.Frame.Names(), from.cell, from.value)
		e.Msg, e.Hint = wrong.msg, wrong.hint
	}
	return e
}

// eachRow is the row of a for_each value; -1 when there is none.
func (r *Report) eachRow(f *frame.Frame, value string) int {
	col := columnOf(f, r.each.in.value)
	if col == nil {
		return -1
	}
	for i := range col.Len() {
		if !col.IsNull(i) && col.Text(i) == value {
			return i
		}
	}
	return -1
}

// paramName is how readers know the value of a parameter.
func (d *Data) paramName(name string) string {
	if e := d.Report.each; e != nil && name == e.param {
		f := d.Results[e.in.cell].Frame
		i, names := d.Report.eachRow(f, d.Values[name]), columnOf(f, e.in.name)
		if i >= 0 && names != nil && !names.IsNull(i) {
			return names.Text(i)
		}
		return d.Values[name]
	}
	p := d.Report.param(name)
	if p == nil {
		return ""
	}
	value := d.Values.value(p)
	for _, c := range d.choices(p) {
		if c.value == value {
			return c.name
		}
	}
	return value
}

// pageTitle is the title with its values. A report with a page for each row adds the row's name, unless the title says it.
func (d *Data) pageTitle() string {
	title := d.plain(d.Report.heading)
	if e := d.Report.each; e != nil && !slices.ContainsFunc(d.Report.heading.pieces, func(p piece) bool { return p.value != nil }) {
		title += ": " + d.paramName(e.param)
	}
	return title
}

// trimTitle takes off what is left around a value that was taken out.
func trimTitle(s string) string { return strings.Trim(s, " \t:,;.-\u2013\u2014|/()") }

// columnOf is a column of a result that may never have been there.
func columnOf(f *frame.Frame, name string) *frame.Column {
	if f == nil {
		return nil
	}
	return f.Column(name)
}

func namesOf(f *frame.Frame) []string {
	if f == nil {
		return nil
	}
	return f.Names()
}
