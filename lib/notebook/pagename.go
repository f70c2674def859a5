package notebook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"slices"
	"strings"
)

// FileName is the name of a report's page: that of its file with .html in place of .md.
func FileName(report string) string {
	base := path.Base(strings.ReplaceAll(report, "\\", "/"))
	return strings.TrimSuffix(base, path.Ext(base)) + ".html"
}

// PageName is the file name of a report's page for some values: NAME.html for the defaults,
// NAME.period-7d.store-STORE-RUH-01.html for others. Only parameters that differ from their default show, in the order of
// the file. With for_each its value comes first, without the parameter's name: product.LAPTOP-001.html; NAME.html is then
// the index. The same values have the same name for ever, and different ones different names.
func PageName(r *Report, v Values) string {
	name := strings.TrimSuffix(r.Page, ".html")
	if r.each != nil {
		value, ok := v[r.each.param]
		if !ok {
			return r.Page
		}
		name += "." + valueName(value)
	}
	for i := range r.params {
		if p := &r.params[i]; v.value(p) != p.Text {
			name += "." + p.Name + "-" + valueName(v.value(p))
		}
	}
	return name + ".html"
}

// longestValue is the most of a value that a page name shows.
const longestValue = 24

// valueName makes a value fit for a file name and an address. Letters, digits, _ and - stay; a value that has anything
// else, or is long, is marked by a hash, so that no two values have one name.
func valueName(value string) string {
	clean := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '-'
	}, value)
	if clean == value && value != "" && len(value) <= longestValue {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return strings.Trim(clean[:min(len(clean), longestValue)], "-") + "~" + hex.EncodeToString(sum[:4])
}

// MayHave tells whether a page name can be one of the report's, without asking the database: its parameters are there, and
// the values of those whose choices stand in the file are among them.
func (r *Report) MayHave(page string) bool {
	_, values, ok := r.parts(page)
	for name, value := range values {
		if p := r.param(name); p.choices != nil {
			_, known := named(p.choices, value)
			ok = ok && known
		}
	}
	return ok
}

// named finds the value with a name in addresses.
func named(choices []choice, name string) (string, bool) {
	for _, c := range choices {
		if valueName(c.value) == name {
			return c.value, true
		}
	}
	return "", false
}

// Named gives the values of the page with a name. The error is a *ValueError when the report has no such page.
func (s *Snapshot) Named(ctx context.Context, page string) (Values, error) {
	r := s.book.Report
	each, names, ok := r.parts(page)
	if !ok {
		return nil, noPage(r, page)
	}
	d := s.data(r, nil)
	for _, cells := range r.sources {
		if err := s.load(ctx, d, cells); err != nil {
			return nil, err
		}
	}
	v := Values{}
	take := func(param string, choices []choice, name string) {
		value, known := named(choices, name)
		v[param], ok = value, ok && known
	}
	if each != "" {
		take(r.each.param, rowsOf(d.Results[r.each.in.cell].Frame, r.each.in), each)
	}
	for name, value := range names {
		p := r.param(name)
		take(name, d.choices(p), value)
		if v[name] == p.Text {
			return nil, noPage(r, page) // the default is not part of a name
		}
	}
	if !ok {
		return nil, noPage(r, page)
	}
	return v, nil
}

func noPage(r *Report, page string) *ValueError {
	return &ValueError{r.File + " has no page " + page, ""}
}

// Combinations are the pages of all choices of a report with pages: all, those of the defaults first, at most limit.
func (d *Data) Combinations(limit int) []Values {
	all := []Values{{}}
	if !d.Report.allPages {
		return all
	}
	for i := range d.Report.params {
		p := &d.Report.params[i]
		if !p.chosen() {
			continue
		}
		var next []Values
		for _, v := range all {
			for _, c := range d.choices(p) {
				w := maps.Clone(v)
				if c.value != p.Text {
					w[p.Name] = c.value
				}
				next = append(next, w)
			}
		}
		all = next[:min(len(next), limit)]
	}
	slices.SortStableFunc(all, func(a, b Values) int { return len(a) - len(b) })
	return all
}

// parts cuts a page name of the report into the name of the for_each value, "" when there is none, and the names of values by
// parameter; false when the report can have no such page.
func (r *Report) parts(page string) (each string, values map[string]string, ok bool) {
	rest, found := strings.CutSuffix(page, ".html")
	base := strings.TrimSuffix(r.Page, ".html")
	if rest == base {
		return "", nil, found
	}
	rest, below := strings.CutPrefix(rest, base+".")
	if !found || !below {
		return "", nil, false
	}
	segments := strings.Split(rest, ".")
	if r.each != nil {
		each, segments = segments[0], segments[1:]
		if each == "" {
			return "", nil, false
		}
	}
	values = map[string]string{}
	next := 0
	for _, s := range segments {
		name, value, dashed := strings.Cut(s, "-")
		for next < len(r.params) && r.params[next].Name != name {
			next++
		}
		if !dashed || value == "" || next == len(r.params) || !r.params[next].chosen() {
			return "", nil, false
		}
		values[name] = value
		next++
	}
	return each, values, true
}
