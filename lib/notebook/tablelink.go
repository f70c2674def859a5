package notebook

import (
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
)

// linkSpec says where the values of a table's column lead:
//
//	product: product_page                               # a column that holds a relative address or an #anchor
//	product: { report: product, value: product_id }     # the page that reports/product.md has for_each value
type linkSpec struct {
	Column string // of the address
	Report string `yaml:"report"`                 // file name without .md; "": this report
	Value  string `yaml:"value" check:"required"` // column of the value
}

// DecodeNode reads both forms.
func (l *linkSpec) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	if s, ok := n.Scalar(); ok {
		l.Column = s
		return nil
	}
	type plain linkSpec
	ps := n.Decode((*plain)(l))
	if l.Report != path.Base(l.Report) && l.Report != "" {
		p := n.Problem("report %q is no name of one", l.Report)
		p.Hint = "its file name, such as product.md"
		ps = append(ps, p)
	}
	return ps
}

// linked gives columns the addresses they lead to.
func (d *Data) linked(c *cell, f *frame.Frame, cols []column) ([]column, *CellError) {
	links := c.table.Links
	for _, key := range slices.Sorted(maps.Keys(links)) {
		l, at := links[key], c.table.node.At("links", key)
		i := slices.IndexFunc(cols, func(col column) bool { return col.key == key })
		if i < 0 {
			var shown []string
			for _, col := range cols {
				shown = append(shown, col.key)
			}
			return nil, d.Report.errorAt(c, at, "links names \""+key+"\", which the table does not show", strictyaml.SuggestOrList(key, shown))
		}
		name := l.Column
		if name == "" {
			name = l.Value
		}
		to := f.Column(name)
		if to == nil {
			wrong := noColumn(f.Names(), c.table.Data, name)
			return nil, d.Report.errorAt(c, at, wrong.msg, wrong.hint)
		}
		cols[i].link = func(row int) string { return d.address(l, to, row) }
	}
	return cols, nil
}

// address is where a row leads; "" is nowhere.
func (d *Data) address(l linkSpec, to *frame.Column, row int) string {
	if to.IsNull(row) {
		return ""
	}
	s := to.Text(row)
	if l.Column != "" {
		return relative(s)
	}
	if l.Report != "" {
		return relative(url.PathEscape(strings.TrimSuffix(l.Report, ".md")) + "." + valueName(s) + ".html")
	}
	page := strings.TrimSuffix(d.Report.Page, ".html") + "." + valueName(s) + ".html"
	if !d.Asked && d.Has != nil && !d.Has(page) {
		return ""
	}
	return relative(url.PathEscape(page))
}

// relative gives an address that stays beside the page, or "": a value from the database leads to no other host, runs
// nothing, and does not climb out of the folder.
func relative(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(s, "\\:\x00") ||
		strings.HasPrefix(s, "/") || slices.Contains(strings.Split(u.Path, "/"), "..") || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' }) {
		return ""
	}
	return u.String()
}
