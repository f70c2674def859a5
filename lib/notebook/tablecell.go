package notebook

import (
	"html"
	"math"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/frame"
)

// column is a table's column, ready to draw.
type column struct {
	key, label string
	format     format
	data       *frame.Column
	number     bool                 // right-aligned
	most       float64              // the value of a full bar
	link       func(row int) string // where a value leads; "" is nowhere
}

// tableColumns finds the columns a table shows. Money names its currency once: in the header, or in the table's subtitle.
func (d *Data) tableColumns(c *cell, f *frame.Frame) ([]column, *CellError) {
	s := c.table
	var out []column
	if s.Columns.Len() == 0 {
		for i := range f.Columns {
			out = append(out, d.column(f.Columns[i].Name, words(f.Columns[i].Name), format{decimals: -1}, &f.Columns[i]))
		}
		return d.linked(c, f, out)
	}
	for _, e := range s.Columns.Entries {
		data := f.Column(e.Key)
		if data == nil {
			wrong := noColumn(f.Names(), s.Data, e.Key)
			return nil, d.Report.errorAt(c, e.Pos, wrong.msg, wrong.hint)
		}
		col := d.column(e.Key, e.Value.Label, e.Value.Format.format, data)
		if col.format.money() && d.Report.currency != "" && !strings.Contains(s.Subtitle+col.label, d.Report.currency) {
			col.label += " (" + d.Report.currency + ")"
		}
		out = append(out, col)
	}
	return d.linked(c, f, out)
}

// column prepares one column.
func (d *Data) column(key, label string, f format, data *frame.Column) column {
	col := column{key: key, label: label, format: f.or(data), data: data}
	switch data.Kind {
	case frame.Int, frame.Float:
		col.number = !f.badge && col.format.name != "text"
	}
	if f.bar {
		if col.format.name == "pct" {
			col.most = 1
		} else {
			for i := range data.Len() {
				if v := data.Float(i); v > col.most {
					col.most = v
				}
			}
		}
	}
	return col
}

// drawTable writes a table element with a button in each header, by which a reader sorts.
func (d *Data) drawTable(caption string, cols []column, rows int, s *tableSpec) string {
	var b strings.Builder
	b.Grow(rows * len(cols) * 40)
	b.WriteString(`<table><caption>` + html.EscapeString(caption) + `</caption><thead><tr>`)
	for _, c := range cols {
		b.WriteString(`<th scope="col"`)
		if c.number {
			b.WriteString(` class="n"`)
		}
		if strings.TrimPrefix(s.Sort, "-") == c.key {
			dir := "ascending"
			if s.Sort[0] == '-' {
				dir = "descending"
			}
			b.WriteString(` aria-sort="` + dir + `"`)
		}
		b.WriteString(`><button type="button">` + html.EscapeString(c.label) + `</button></th>`)
	}
	b.WriteString("</tr></thead><tbody>")
	for i := range rows {
		b.WriteString("<tr>")
		for _, c := range cols {
			d.drawCell(&b, c, i, s)
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody>")
	if len(s.Total) > 0 && rows > 1 {
		d.drawTotal(&b, cols, rows, s)
	}
	b.WriteString("</table>")
	return b.String()
}

func (d *Data) drawCell(b *strings.Builder, c column, i int, s *tableSpec) {
	value := d.locale().value(c.format, c.data, i, true)
	b.WriteString("<td")
	switch {
	case c.number && c.data.Float(i) < 0:
		b.WriteString(` class="n neg"`)
	case c.number:
		b.WriteString(` class="n"`)
	case c.data.Kind == frame.Time:
		b.WriteString(` class="t"`)
	}
	raw := sortValue(c.data, i, d.Report.location)
	if c.format.badge {
		raw = c.data.Text(i) // without the arrow
	}
	if raw != "" && raw != value {
		b.WriteString(` data-v="` + html.EscapeString(raw) + `"`)
	}
	b.WriteByte('>')
	to := ""
	if c.link != nil {
		to = c.link(i)
	}
	if to != "" {
		b.WriteString(`<a href="` + html.EscapeString(to) + `">`)
	}
	drawValue(b, c, i, value, s)
	if to != "" {
		b.WriteString("</a>")
	}
	b.WriteString("</td>")
}

func drawValue(b *strings.Builder, c column, i int, value string, s *tableSpec) {
	switch {
	case c.data.IsNull(i):
		b.WriteString(missing)
	case c.format.badge:
		b.WriteString(badge(value, c.data.Text(i), s))
	case c.format.bar:
		b.WriteString(bar(c.data.Float(i)/c.most) + `<span>` + html.EscapeString(value) + `</span>`)
	case c.data.Kind == frame.String:
		b.WriteString(`<bdi>` + html.EscapeString(value) + `</bdi>`) // names may be Arabic
	default:
		b.WriteString(html.EscapeString(value))
	}
}

// sortValue is what sorting and CSV use in place of the formatted text: plain numbers, and times as text that sorts.
func sortValue(c *frame.Column, i int, zone *time.Location) string {
	switch {
	case c.IsNull(i):
		return ""
	case c.Kind == frame.Int, c.Kind == frame.Float:
		return c.Text(i)
	case c.Kind == frame.Time:
		return c.Times[i].In(zone).Format("2006-01-02 15:04:05") // what a spreadsheet takes for a time
	}
	return ""
}

// bar is a line as long as a share of its cell. It is an SVG because the page's content policy allows no inline style.
func bar(share float64) string {
	if math.IsNaN(share) || share < 0 {
		share = 0
	}
	w := strconv.FormatFloat(math.Round(min(share, 1)*1000)/10, 'f', -1, 64)
	return `<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="rest" width="100" height="8"/><rect class="f0" width="` + w + `" height="8"/></svg>`
}

// badge is a word in a pill; an arrow says up and down besides the colour.
func badge(value, raw string, s *tableSpec) string {
	arrow, class := "", "tag"
	switch tone := s.Badges[raw]; tone {
	case "up":
		arrow, class = "\u25b2 ", "tag good"
	case "down":
		arrow, class = "\u25bc ", "tag bad"
	case "good", "bad":
		class = "tag " + tone
	}
	return `<span class="` + class + `">` + arrow + html.EscapeString(words(value)) + `</span>`
}

// drawTotal writes the last row: sums of the columns that were asked for.
func (d *Data) drawTotal(b *strings.Builder, cols []column, rows int, s *tableSpec) {
	b.WriteString("<tfoot><tr>")
	for k, c := range cols {
		sum, wanted := 0.0, false
		for _, t := range s.Total {
			wanted = wanted || t == c.key
		}
		for i := range rows {
			if v := c.data.Float(i); !math.IsNaN(v) {
				sum += v
			}
		}
		switch {
		case wanted:
			b.WriteString(`<td class="n">` + html.EscapeString(d.locale().number(c.format, sum, true)) + `</td>`)
		case k == 0:
			b.WriteString(`<th scope="row">Total</th>`)
		default:
			b.WriteString(`<td></td>`)
		}
	}
	b.WriteString("</tr></tfoot>")
}

// dataRows is the most rows behind a chart's Data toggle.
const dataRows = 200

// drawRows writes the rows behind a chart, in the same shape as its picture: a column for each series. It leaves out
// end tags, which HTML allows, and class names: these tables are a good part of the page.
func (d *Data) drawRows(c *cell, f *frame.Frame) (table string, shown, rows int) {
	cols := d.seriesColumns(c, f)
	if cols == nil {
		cols = d.plainColumns(c, f)
	}
	rows = cols[0].data.Len()
	shown = min(rows, dataRows)
	var b strings.Builder
	b.WriteString(`<table class="rows"><caption>` + html.EscapeString(d.plain(c.chart.title)) + `, data</caption><thead><tr>`)
	for _, col := range cols {
		b.WriteString(`<th scope="col">` + html.EscapeString(col.label))
	}
	b.WriteString("<tbody>")
	for i := range shown {
		b.WriteString("<tr>")
		for _, col := range cols {
			b.WriteString("<td>" + html.EscapeString(d.locale().value(col.format, col.data, i, true)))
		}
		b.WriteByte('\n')
	}
	b.WriteString("</table>")
	return b.String(), shown, rows
}

// seriesColumns is the data of a chart over time with a column for each value of color; nil for other charts.
func (d *Data) seriesColumns(c *cell, f *frame.Frame) []column {
	s := c.chart
	if s.Color == "" || s.X == "" || f.Column(s.X).Kind != frame.Time {
		return nil
	}
	wide, err := f.Pivot(s.X, s.Color, s.Y[0])
	if err != nil {
		return nil
	}
	cols := []column{d.column(s.X, words(s.X), s.Format.X.format, &wide.Columns[0])}
	for i := range wide.Columns[1:] {
		data := &wide.Columns[i+1]
		cols = append(cols, d.column(data.Name, data.Name, s.Format.Y.format, data))
	}
	return cols
}

// plainColumns is the columns a chart names.
func (d *Data) plainColumns(c *cell, f *frame.Frame) (cols []column) {
	s := c.chart
	for _, name := range distinct(s.columnNames()) {
		data := f.Column(name)
		if data == nil {
			continue
		}
		form := format{decimals: -1}
		switch {
		case name == s.X:
			form = s.Format.X.format
		case len(s.Y) > 0 && name == s.Y[0]:
			form = s.Format.Y.format
		case name == s.Value:
			form = s.Format.Value.format
		}
		cols = append(cols, d.column(name, words(name), form, data))
	}
	return cols
}
