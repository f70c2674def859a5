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

// chartSpec is the body of a chart cell. Charts over time want a column of times as x; bars, hbar, pie and donut one of
// labels; scatter one of numbers. y is a column of numbers, or several (a series each).
type chartSpec struct {
	card
	X       string      `yaml:"x" check:"required"`
	Y       names       `yaml:"y" check:"required"`
	Color   string      `yaml:"color"`   // column: a series, group or colour for each of its values
	Palette string      `yaml:"palette"` // cell.column whose rows give names their colours, the same in every chart
	Hue     int         `yaml:"hue"`     // 1 to 6: the colour of a chart that needs only one; default 1
	Flag    string      `yaml:"flag"`    // column of true and false: marks to point out
	Note    string      `yaml:"note"`    // column: a second line in the tooltips of bars and points
	Label   string      `yaml:"label"`   // scatter: column that names a point
	Format  axisFormats `yaml:"format"`
	Center  string      `yaml:"center"` // donut: words in the hole; may hold {{ values }}
	Below   string      `yaml:"below"`  // donut: smaller words below them
	Width   string      `yaml:"width" check:"oneof=half|full"`
	Height  int         `yaml:"height"` // of the wide variant, in pixels; default by kind

	kind          string
	center, below text
}

type axisFormats struct {
	X    formatSpec `yaml:"x"`
	Y    formatSpec `yaml:"y"`
	Axis formatSpec `yaml:"axis"` // ticks and labels of y; default: short, without a unit
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

func (p *parsing) finishChart(s *chartSpec) {
	p.text(&s.center, s.Center, s.node.At("center"))
	p.text(&s.below, s.Below, s.node.At("below"))
	p.format(&s.Format.X, s.node.At("format", "x"))
	p.format(&s.Format.Y, s.node.At("format", "y"))
	p.format(&s.Format.Axis, s.node.At("format", "axis"))
	p.pair(s.Palette, s.node.At("palette"))
	if s.Hue < 0 || s.Hue > 6 {
		p.problemAt(s.node.At("hue"), fmt.Sprintf("hue %d is no colour", s.Hue), "1 to 6")
	}
	if s.Height != 0 && (s.Height < 80 || s.Height > 1200) {
		p.problemAt(s.node.At("height"), fmt.Sprintf("height %d is out of range", s.Height), "80 to 1200 pixels")
	}
	if len(s.Y) > 1 && s.Color != "" {
		p.problemAt(s.node.At("color"), "color beside several y columns", "several columns have a colour each; use one y with color, or y alone")
	}
	only := func(key, value string, kinds ...string) {
		if value == "" {
			return
		}
		for _, k := range kinds {
			if s.kind == k {
				return
			}
		}
		p.problemAt(s.node.At(key), fmt.Sprintf("%s has no meaning in a %s chart", key, s.kind), "it is for "+strings.Join(kinds, ", "))
	}
	only("flag", s.Flag, "line", "timebars")
	only("note", s.Note, "bars", "hbar", "scatter")
	only("label", s.Label, "scatter")
	only("center", s.Center, "donut")
	only("below", s.Below, "donut")
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
