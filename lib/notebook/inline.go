package notebook

import (
	"html"
	"strings"

	"tillflow/lib/strictyaml"
)

// valueRef is {{ cell.column | format }}: the value in the first row of an sql cell; or {{ :param }}: the name of a
// parameter's value.
type valueRef struct {
	param        string // in place of the others
	cell, column string
	format       format
	doc          *document // the file it stands in
	pos          strictyaml.Pos
}

// text is a line of words with values in it. The words of prose are HTML already, those of a title are not.
type text struct {
	pieces []piece
	isHTML bool
}

type piece struct {
	words string
	value *valueRef // when not nil, words is empty
}

func (t text) empty() bool { return len(t.pieces) == 0 }

// parseText reads a title or a note: plain words with {{ values }} in them. at is where the text stands.
func parseText(s string, at strictyaml.Pos, currency string) (text, []strictyaml.Problem) {
	var t text
	var ps []strictyaml.Problem
	for s != "" {
		i := strings.Index(s, "{{")
		if i < 0 {
			t.pieces = append(t.pieces, piece{words: s})
			break
		}
		if i > 0 {
			t.pieces = append(t.pieces, piece{words: s[:i]})
		}
		end := strings.Index(s[i:], "}}")
		if end < 0 {
			return t, append(ps, strictyaml.Problem{Line: at.Line, Col: at.Col, Msg: "{{ is not closed by }}"})
		}
		v, err := parseValue(s[i+2:i+end], currency)
		if err != nil {
			ps = append(ps, strictyaml.Problem{Line: at.Line, Col: at.Col, Msg: err.msg, Hint: err.hint})
		} else {
			v.pos = at
			t.pieces = append(t.pieces, piece{value: v})
		}
		s = s[i+end+2:]
	}
	return t, ps
}

// complaint is a problem that its caller places.
type complaint struct{ msg, hint string }

// parseValue reads what stands between the braces: "cell.column" or "cell.column | format".
func parseValue(s, currency string) (*valueRef, *complaint) {
	name, spec, piped := strings.Cut(s, "|")
	if param, ok := strings.CutPrefix(strings.TrimSpace(name), ":"); ok {
		if piped || !isName(param) {
			return nil, &complaint{"{{" + s + "}} is no value", "write {{ :param }}, without a format: it is shown by its name"}
		}
		return &valueRef{param: param}, nil
	}
	cell, column, ok := strings.Cut(strings.TrimSpace(name), ".")
	if !ok || !isName(cell) || column == "" || strings.ContainsAny(column, " \t.") {
		return nil, &complaint{"{{" + s + "}} is no value", "write {{ cell.column }} or {{ cell.column | format }}"}
	}
	v := &valueRef{cell: cell, column: column, format: format{decimals: -1}}
	if piped {
		f, err := parseFormat(spec, currency)
		if err != nil {
			return nil, &complaint{err.Error(), ""}
		}
		if strings.TrimSpace(spec) == "" {
			return nil, &complaint{"no format after |", "write {{ cell.column | format }}"}
		}
		if f.bar || f.badge {
			return nil, &complaint{"bar and badge are for table columns", "use another format in text"}
		}
		v.format = f
	}
	return v, nil
}

// isName tells whether s can name a cell or a parameter: a small letter, then small letters, digits and underscores.
func isName(s string) bool {
	for i, c := range s {
		if !(c >= 'a' && c <= 'z' || i > 0 && (c == '_' || c >= '0' && c <= '9')) {
			return false
		}
	}
	return s != ""
}

// eachRef visits every value the page shows in text.
func (r *Report) eachRef(visit func(*valueRef)) {
	texts := []text{r.heading, r.subtitle}
	for _, s := range r.sections {
		texts = append(texts, s.title)
		for _, t := range s.tabs {
			texts = append(texts, t.title)
		}
		for _, b := range s.all() {
			texts = append(texts, b.prose)
			if b.cell != nil {
				texts = append(texts, b.cell.texts()...)
			}
			if b.cell != nil && b.cell.note != nil {
				texts = append(texts, b.cell.note.text)
			}
		}
	}
	for _, t := range texts {
		for _, p := range t.pieces {
			if p.value != nil {
				visit(p.value)
			}
		}
	}
	if r.asOf != nil {
		visit(r.asOf)
	}
}

// html gives the text as HTML, values escaped. A text of whose values none is known says nothing, and is empty.
func (d *Data) html(t text) string {
	var b strings.Builder
	values, known := 0, 0
	for _, p := range t.pieces {
		switch {
		case p.value != nil:
			values++
			s, wrong := d.valueHTML(p.value)
			if s != missing || wrong {
				known++
			}
			b.WriteString(s)
		case t.isHTML:
			b.WriteString(p.words)
		default:
			b.WriteString(html.EscapeString(p.words))
		}
	}
	if values > 0 && known == 0 {
		return ""
	}
	return b.String()
}

// plain gives the text without any markup, for accessible names and charts.
func (d *Data) plain(t text) string {
	var b strings.Builder
	for _, p := range t.pieces {
		if p.value == nil {
			b.WriteString(p.words)
			continue
		}
		s, _ := d.valueText(p.value)
		b.WriteString(s)
	}
	return b.String()
}

// valueText formats a value; the complaint says what is wrong with it.
func (d *Data) valueText(v *valueRef) (string, *complaint) {
	if v.param != "" {
		return d.paramName(v.param), nil
	}
	res := d.Results[v.cell]
	if res.Frame == nil {
		return missing, nil // the cell itself tells why
	}
	col := res.Frame.Column(v.column)
	if col == nil {
		return missing, noColumn(res.Frame.Names(), v.cell, v.column)
	}
	return d.locale().value(v.format, col, 0, false), nil
}

// valueHTML formats a value for the page: one that is no longer current is marked, and one that cannot be had says why.
func (d *Data) valueHTML(v *valueRef) (out string, wrong bool) {
	s, c := d.valueText(v)
	switch {
	case c != nil:
		return `<mark class="bad">` + html.EscapeString(c.msg) + `</mark>`, true
	case s != missing && d.Results[v.cell].stale():
		return `<span class="old">` + html.EscapeString(s) + `</span>`, false
	}
	return html.EscapeString(s), false
}

func noColumn(names []string, cell, column string) *complaint {
	c := &complaint{msg: cell + " has no column \"" + column + "\"", hint: strictyaml.Suggest(column, names)}
	if c.hint == "" {
		c.hint = "it has " + strings.Join(names, ", ")
	}
	return c
}
