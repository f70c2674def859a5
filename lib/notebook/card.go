package notebook

import (
	"fmt"
	"strings"

	"tillflow/lib/strictyaml"
)

// card is what every visible cell can say about itself.
type card struct {
	Data     string `yaml:"data" check:"required"` // the sql cell that is shown
	Title    string `yaml:"title"`                 // default: the cell's name in words; may hold {{ values }}
	Subtitle string `yaml:"subtitle"`              // a smaller line under it; may hold {{ values }}
	Empty    string `yaml:"empty"`                 // stands in place of no rows; default "No rows."

	node            strictyaml.Node // the body, for positions
	title, subtitle text
}

// kpiSpec is the body of a kpi cell: one figure in large type, taken from the first row.
type kpiSpec struct {
	card
	Value    string     `yaml:"value" check:"required"` // column
	Format   formatSpec `yaml:"format"`
	Previous string     `yaml:"previous"`                             // column of the value to compare with
	Versus   string     `yaml:"versus"`                               // what that is: "the day before"; may hold {{ values }}
	Better   string     `yaml:"better" check:"oneof=up|down|neither"` // which way is good; default up
	Note     string     `yaml:"note"`                                 // a line of words; may hold {{ values }}
	Spark    string     `yaml:"spark"`                                // cell.column of a small line

	versus, note text
}

// tableSpec is the body of a table cell.
type tableSpec struct {
	card
	Columns  strictyaml.Map[columnSpec] `yaml:"columns"`                    // default: all, formatted by their types
	Search   bool                       `yaml:"search"`                     // a box that filters rows
	Sort     string                     `yaml:"sort"`                       // how the query sorted: column, or -column
	Download string                     `yaml:"download" check:"oneof=csv"` // a button
	Total    names                      `yaml:"total"`                      // columns to add up in a last row
	Badges   map[string]string          `yaml:"badges"`                     // value -> up, down, good, bad or plain
	Links    map[string]linkSpec        `yaml:"links"`                      // column -> where its values lead
	Width    string                     `yaml:"width" check:"oneof=half|full"`
}

// columnSpec is a table's column: "sar.2", "Amount | sar.2", or {label: Amount, format: sar.2}.
type columnSpec struct {
	Label  string     `yaml:"label"`
	Format formatSpec `yaml:"format"`
}

// DecodeNode reads both forms. Whether a lone word is a label or a format is seen later, by the list of formats.
func (c *columnSpec) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	if s, ok := n.Scalar(); ok {
		label, spec, piped := strings.Cut(s, "|")
		if piped {
			c.Label = strings.TrimSpace(label)
		} else {
			spec = s
		}
		c.Format.text = strings.TrimSpace(spec)
		return nil
	}
	type plain columnSpec
	return n.Decode((*plain)(c))
}

// formatSpec is a format in YAML. It is parsed when the whole file is read, since the front matter names the currency.
type formatSpec struct {
	text string
	format
}

// UnmarshalText keeps the text.
func (f *formatSpec) UnmarshalText(b []byte) error {
	f.text = string(b)
	return nil
}

// names is one name or a list of them.
type names []string

// DecodeNode reads "revenue" or [revenue, refunds].
func (n *names) DecodeNode(node strictyaml.Node) []strictyaml.Problem {
	if s, ok := node.Scalar(); ok {
		*n = names{s}
		return nil
	}
	var list []string
	ps := node.Decode(&list)
	*n = list
	return ps
}

// card gives what the visible kinds share; nil for an sql cell.
func (c *cell) card() *card {
	switch {
	case c.kpi != nil:
		return &c.kpi.card
	case c.chart != nil:
		return &c.chart.card
	case c.table != nil:
		return &c.table.card
	}
	return nil
}

// data lists the sql cells a visible cell draws from, without those named in its texts.
func (c *cell) data() []string {
	var out []string
	add := func(s string) {
		if name, _, _ := strings.Cut(s, "."); name != "" {
			out = append(out, name)
		}
	}
	if k := c.card(); k != nil {
		add(k.Data)
	}
	if c.kpi != nil {
		add(c.kpi.Spark)
	}
	if c.chart != nil {
		add(c.chart.Palette)
	}
	return out
}

// texts lists the texts of a cell.
func (c *cell) texts() []text {
	k := c.card()
	if k == nil {
		return nil
	}
	out := []text{k.title, k.subtitle}
	if c.kpi != nil {
		out = append(out, c.kpi.versus, c.kpi.note)
	}
	if c.chart != nil {
		out = append(out, c.chart.center, c.chart.below)
	}
	return out
}

var tones = []string{"up", "down", "good", "bad", "plain"}

// finish parses what the YAML of a cell left as text: formats, titles, names.
func (p *parsing) finish(c *cell) {
	k := c.card()
	if k == nil {
		return
	}
	if k.Title == "" {
		k.Title = words(c.name)
	}
	if k.Empty == "" {
		k.Empty = "No rows."
	}
	p.text(&k.title, k.Title, k.node.At("title"))
	p.text(&k.subtitle, k.Subtitle, k.node.At("subtitle"))
	switch {
	case c.kpi != nil:
		p.finishKPI(c.kpi)
	case c.chart != nil:
		p.finishChart(c.chart)
	case c.table != nil:
		p.finishTable(c.table)
	}
}

func (p *parsing) finishKPI(s *kpiSpec) {
	p.text(&s.note, s.Note, s.node.At("note"))
	p.text(&s.versus, s.Versus, s.node.At("versus"))
	p.format(&s.Format, s.node.At("format"))
	p.pair(s.Spark, s.node.At("spark"))
	if s.Versus != "" && s.Previous == "" {
		p.problemAt(s.node.At("versus"), "versus without previous", "name the column to compare with: previous: gross_before")
	}
}

func (p *parsing) finishTable(s *tableSpec) {
	for i := range s.Columns.Entries {
		e := &s.Columns.Entries[i]
		p.format(&e.Value.Format, e.Pos)
		if e.Value.Label == "" {
			e.Value.Label = words(e.Key)
		}
	}
	known := func(key, column string) {
		if _, ok := s.Columns.Get(column); !ok && s.Columns.Len() > 0 {
			hint := strictyaml.Suggest(column, s.Columns.Keys())
			if hint == "" {
				hint = "columns: " + strings.Join(s.Columns.Keys(), ", ")
			}
			p.problemAt(s.node.At(key), fmt.Sprintf("%s names %q, which is no column of the table", key, column), hint)
		}
	}
	if s.Sort != "" {
		known("sort", strings.TrimPrefix(s.Sort, "-"))
	}
	for _, t := range s.Total {
		known("total", t)
	}
	for value, tone := range s.Badges {
		ok := false
		for _, t := range tones {
			ok = ok || t == tone
		}
		if !ok {
			p.problemAt(s.node.At("badges", value), fmt.Sprintf("unknown badge tone %q", tone), "tones: "+strings.Join(tones, ", "))
		}
	}
}

func (p *parsing) text(into *text, s string, at strictyaml.Pos) {
	t, ps := parseText(s, at, p.report.currency)
	for _, q := range t.pieces {
		if q.value != nil {
			q.value.doc = p.doc
		}
	}
	*into = t
	for _, q := range ps {
		p.problemAt(strictyaml.Pos{Line: q.Line, Col: q.Col}, q.Msg, q.Hint)
	}
}

func (p *parsing) format(f *formatSpec, at strictyaml.Pos) {
	parsed, err := parseFormat(f.text, p.report.currency)
	if err != nil {
		p.problemAt(at, err.Error(), "")
	}
	f.format = parsed
}

// pair checks a "cell.column" value.
func (p *parsing) pair(s string, at strictyaml.Pos) {
	if s == "" {
		return
	}
	if cell, column, ok := strings.Cut(s, "."); !ok || !isName(cell) || column == "" {
		p.problemAt(at, fmt.Sprintf("%q is no column of a cell", s), "write cell.column")
	}
}
