package notebook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"tillflow/lib/frame"
)

// Drawn says what a page came out as.
type Drawn struct {
	Cells, Current int          // cells a reader sees, and those of them whose figures are current
	Failed         []*CellError // in the order of the file; sql cells and cells that could not be drawn
	Bytes          int
}

// Draw writes the page. It asks neither the database nor the clock: the same Data gives the same bytes. A cell that
// cannot be drawn, even one whose drawing panics, becomes an error box; the error is about w or the page's frame, and
// then the caller should leave the last good file as it is.
func (d *Data) Draw(w io.Writer) (Drawn, error) {
	var out Drawn
	p := page{data: d, out: &out}
	for _, s := range d.Report.sections {
		p.section(s)
	}
	var b bytes.Buffer
	if err := p.write(&b); err != nil {
		return out, fmt.Errorf("draw %s: %w", d.Report.File, err)
	}
	out.Bytes = b.Len()
	_, err := w.Write(b.Bytes())
	return out, err
}

// page is a Draw in hand.
type page struct {
	data     *Data
	out      *Drawn
	sections []sectionView
	prose    int
}

type sectionView struct {
	ID     string
	Title  template.HTML
	Groups []group
	Tabs   []tabView // below Groups
}

// tabView is one of the parts of a section of which a reader sees one at a time.
type tabView struct {
	ID     string
	Title  template.HTML
	Groups []group
}

// group is prose, a row of kpi cells or a grid of the others.
type group struct {
	Kind    string // prose, kpis, grid
	Columns int    // of a grid; 0: as the page sees fit
	Parts   []template.HTML
}

// add puts a part into the last group, when it is of the same kind and not prose, or into a new one.
func add(groups []group, kind string, part template.HTML) []group {
	if n := len(groups); n > 0 && groups[n-1].Kind == kind && kind != "prose" {
		groups[n-1].Parts = append(groups[n-1].Parts, part)
		return groups
	}
	return append(groups, group{Kind: kind, Parts: []template.HTML{part}})
}

func (p *page) section(s section) {
	v := sectionView{ID: s.id, Title: p.data.title(s.title), Groups: p.groups(s.blocks, s.columns)}
	for _, t := range s.tabs {
		v.Tabs = append(v.Tabs, tabView{ID: t.id, Title: p.data.title(t.title), Groups: p.groups(t.blocks, s.columns)})
	}
	p.sections = append(p.sections, v)
}

func (p *page) groups(blocks []block, columns int) []group {
	var out []group
	for _, b := range blocks {
		switch {
		case b.cell == nil:
			p.prose++
			body := p.data.html(b.prose)
			attr := ""
			if body == "" {
				attr = " hidden"
			}
			out = add(out, "prose", template.HTML(fmt.Sprintf(`<div class="prose" data-cell="p-%d" data-h="%s"%s>%s</div>`, p.prose, hash(body), attr, body)))
		case b.cell.kpi != nil:
			out = add(out, "kpis", p.cell(b.cell))
		case b.cell.note != nil:
			out = add(out, "grid", p.note(b.cell))
		case b.cell.sql != nil:
			if part := p.failedQuery(b.cell); part != "" {
				out = add(out, "grid", part)
			}
		default:
			out = add(out, "grid", p.cell(b.cell))
		}
	}
	for i := range out {
		out[i].Columns = columns
	}
	return out
}

// note draws a card of words.
func (p *page) note(c *cell) template.HTML {
	body := p.data.html(c.note.text)
	class := "cell is-md"
	if c.note.full {
		class += " full"
	}
	if body == "" {
		class += " empty"
	}
	return template.HTML(fmt.Sprintf(`<article class="%s" data-cell="%s" data-h="%s"><div class="prose">%s</div></article>`, class, c.name, hash(class+body), body))
}

// hash names a content; a page that refreshes itself replaces a cell only when it changed.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}

// cellView is what the templates draw of a cell.
type cellView struct {
	Name, Kind, Class string
	Title, Subtitle   template.HTML
	Label             string // the title without markup
	Waiting           string
	Empty             string
	Stale, StaleWhy   string // since when, and what is wrong
	Age               string // of the rows that are shown
	Err               *CellError
	KPI               *kpiView
	Chart             *chartView
	Table             template.HTML
	Data              template.HTML // the rows behind a chart
	Search, CSV       bool
	SQL               template.HTML
	Rows              string
}

// timing is where a cell's footer tells how long its query took. It is filled in after the hash was taken, since a
// query never takes the same time twice and that is no news to a reader.
const timing = `<span class="ms"></span>`

// cell draws a visible cell; whatever happens in it stays in it.
func (p *page) cell(c *cell) (out template.HTML) {
	p.out.Cells++
	v := p.view(c)
	if v.Err != nil {
		p.out.Failed = append(p.out.Failed, v.Err)
	}
	if v.Err == nil && v.Waiting == "" && v.Stale == "" {
		p.out.Current++
	}
	return p.article(v, p.data.Results[c.card().Data].Took)
}

func (p *page) article(v cellView, took time.Duration) template.HTML {
	var b bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&b, "cell", v); err != nil {
		b.Reset()
		fmt.Fprintf(&b, `<p class="failed">This cell cannot be shown: %s</p>`, template.HTMLEscapeString(err.Error()))
	}
	h := hash(v.Class + b.String())
	body := b.String()
	if p.data.Timings && took > 0 {
		body = strings.Replace(body, timing, fmt.Sprintf(`<span class="ms"> &middot; %s ms</span>`, millis(took)), 1)
	}
	return template.HTML(fmt.Sprintf(`<article class="cell %s" data-cell="%s" data-h="%s">%s</article>`, v.Class, v.Name, h, body))
}

func millis(d time.Duration) string { return comma(float64(d.Microseconds())/1000, 1) }

// failedQuery draws the error of an sql cell that has no rows to show, at its place in the file.
func (p *page) failedQuery(c *cell) template.HTML {
	r := p.data.Results[c.name]
	if r.Err == nil {
		return ""
	}
	p.out.Failed = append(p.out.Failed, r.Err)
	if r.Frame != nil {
		return "" // the cells that show it say since when it is stale, and why
	}
	return p.article(cellView{Name: c.name, Kind: "sql", Class: "failed full", Title: template.HTML(template.HTMLEscapeString(words(c.name))), Label: words(c.name), Err: r.Err}, 0)
}

// view decides what a cell shows: rows, the text for none, what it waits for, or an error.
func (p *page) view(c *cell) (v cellView) {
	d, k := p.data, c.card()
	v = cellView{Name: c.name, Kind: c.kind, Class: "is-" + c.kind, Title: d.title(k.title), Subtitle: template.HTML(d.html(k.subtitle)), Label: d.plain(k.title)}
	if c.chart != nil && c.chart.Width == "full" || c.table != nil && c.table.Width == "full" {
		v.Class += " full"
	}
	defer func() {
		if r := recover(); r != nil {
			v.KPI, v.Chart, v.Table, v.Data = nil, nil, "", ""
			v.fail(d.Report.errorAt(c, k.node.Pos(), fmt.Sprintf("cannot be drawn: %v", r), "this is a fault of the program, not of the report"))
		}
	}()
	var oldest time.Time
	for _, name := range c.data() {
		r := d.Results[name]
		if r.Frame == nil {
			v.Waiting = name
			if r.Waiting != "" {
				v.Waiting = r.Waiting
			}
			v.Class += " waiting"
			return v
		}
		if r.stale() && (oldest.IsZero() || r.At.Before(oldest)) {
			oldest = r.At
			v.Stale, v.Age = p.clock(r.At), ago(d.Built.Sub(r.At))
			v.StaleWhy = "waiting for " + r.Waiting
			if r.Err != nil {
				v.StaleWhy = r.Err.Cell + ": " + r.Err.Msg
			}
		}
	}
	f := d.Results[k.Data].Frame
	if f.Rows() == 0 {
		v.empty(k)
		return v
	}
	var failed *CellError
	switch {
	case c.kpi != nil:
		v.KPI, failed = d.drawKPI(c, f)
		if v.KPI == nil {
			v.empty(k)
		}
	case c.chart != nil:
		failed = p.chart(c, f, &v)
	case c.table != nil:
		failed = p.table(c, f, &v)
	}
	if failed != nil {
		v.fail(failed)
	}
	return v
}

func (v *cellView) fail(e *CellError) {
	v.Err, v.Empty = e, ""
	v.Class += " failed"
}

func (v *cellView) empty(k *card) {
	v.Empty = k.Empty
	v.Class += " empty"
}

// title is a text that must not be empty.
func (d *Data) title(t text) template.HTML {
	if s := d.html(t); s != "" {
		return template.HTML(s)
	}
	return template.HTML(template.HTMLEscapeString(d.plain(t)))
}

func (p *page) chart(c *cell, f *frame.Frame, v *cellView) *CellError {
	drawn, failed := p.data.drawChart(c, f)
	if failed != nil {
		return failed
	}
	if drawn == nil {
		v.empty(c.card())
		return nil
	}
	v.Chart = drawn
	table, shown, rows := p.data.drawRows(c, f)
	v.Data = template.HTML(table)
	v.Rows = count(rows, "row")
	if shown < rows {
		v.Rows += fmt.Sprintf(", %d of them under Data", shown)
	}
	v.SQL = p.data.Report.byName[c.card().Data].sql.colored()
	return nil
}

func (p *page) table(c *cell, f *frame.Frame, v *cellView) *CellError {
	cols, failed := p.data.tableColumns(c, f)
	if failed != nil {
		return failed
	}
	s := c.table
	v.Table = template.HTML(p.data.drawTable(v.Label, cols, f.Rows(), s))
	v.Rows = count(f.Rows(), "row")
	v.Search, v.CSV = s.Search, s.Download == "csv"
	v.SQL = p.data.Report.byName[s.Data].sql.colored()
	return nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return comma(float64(n), 0) + " " + what
}

// clock writes a time of day, with the date when it is another day than the page's.
func (p *page) clock(t time.Time) string {
	l := p.data.locale()
	here, built := t.In(l.location), p.data.Built.In(l.location)
	if here.Format(time.DateOnly) != built.Format(time.DateOnly) {
		return here.Format("2 Jan 15:04:05")
	}
	return here.Format("15:04:05")
}
