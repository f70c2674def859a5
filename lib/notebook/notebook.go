// Package notebook turns a report file into a page that stays current. A report is one Markdown file: front matter,
// prose with values in it, and fenced cells that hold SQL, figures (kpi), charts and tables. The page is one static
// HTML file that needs no server and no other host, refreshes itself, and tells how old its figures are.
//
// It exists because a report should be as easy to write as a note, and because the people who read it must be able to
// trust it: all cells of one rendering see one snapshot of the database, a cell that fails says where and why while the
// others still render, and no figure that is out of date looks current.
//
// The way of a report:
//
//	Open    files       -> *Report   every mistake at its file, line and column, no database needed
//	Page    snapshot    -> *Data     runs the SQL cells, remembers the last good results (type Book)
//	Draw    *Data       -> HTML      no database, no clock: the same Data gives the same bytes
//
// # A report file
//
//	---
//	title: Retail live dashboard        # required; may hold inline values, as subtitle may
//	subtitle: Point of sale
//	refresh: 5s                         # how often the page looks for a newer one of itself; at least 1s
//	timezone: Asia/Riyadh               # of the times on the page; those in the database are UTC
//	currency: SAR                       # names the money formats: sar, sar.2, sar.compact
//	as_of: newest.at                    # the cell and column that say how far the data goes; for the header
//	params:
//	  top: 10                                                    # :top in SQL
//	  period: { default: 24h, label: Period, choices: [1h, 24h, 7d] }
//	  store: { default: all, choices: stores.store_id, names: stores.store_name }
//	---
//	## A section
//	Net revenue is **{{ totals.net | sar }}** from {{ totals.sales | int }} sales in {{ :period }}.
//
//	~~~sql totals timeout=2s cache=30s max_rows=2000
//	select sum(amount) as net, count(*) as sales from transactions where ts > :now - :period
//	~~~
//	~~~kpi net
//	data: totals
//	value: net
//	format: sar
//	~~~
//
// A cell is a fence of ~~~ or ```; its first word is the kind, the second its name, unique in the report. The body of an
// sql cell is one query; those of kpi, chart and table are YAML (see the types kpiSpec, chartSpec and tableSpec for
// their keys); that of md is Markdown with inline values, a card beside the others. A cell uses the results of sql cells
// above it. In SQL, :name stands for a parameter, :now for the time of the rendering, and :cell.column for a value in the
// first row of an sql cell above; all three are bound as typed parameters and never become part of the text. With cache=
// a result serves again for so long, but for no longer than 300 times what its query took: a cheap one is asked anew.
//
// An inline value is {{ cell.column }} or {{ cell.column | format }}, of the first row, or {{ :param }}, the name of a
// parameter's value. The type format lists the formats; "ago" counts from the time the page was built.
//
//	~~~include parts/sales.md
//	~~~
//
// stands for the contents of another file, named relative to this one; it has no front matter.
//
// # Parameters, and pages for them
//
// A parameter is bound with the type its default looks like, or that type: says: text, int, number, bool or duration. One
// with choices is a filter in the page's header: a link for each, to a page of its own. Choices are constants or a column
// of an sql cell that does not itself depend on choices; a default that is not among them is put first. The page of the
// defaults is made all the time, the others when a server is asked for them and while somebody keeps them open; with
// pages: all every combination is. PageName gives their names.
//
//	for_each: { param: product, in: products.product_id, names: products.product_name, title: All products }
//
// makes a page for each row of an sql cell, with :product bound to the row's value, and under the report's own name an
// index: the rows of that cell with links (columns: chooses which, as in a table cell).
//
// # Layout
//
//	## Stores {columns=3}
//	## Sales {tabs}
//
// set the columns of a section's grid (1 to 4) and make each h3 of the section a tab; both may stand in one pair of braces. In
// a table, links: makes values lead somewhere: to a column that holds a relative address or an #anchor, or to the page
// another report has for a value, links: { name: { report: product, value: product_id } }. No value ever leads to another host.
//
// Package notebook is the one user of goldmark (Markdown), chroma (colours for SQL) and minify (the script of a page).
package notebook

import (
	"time"
	_ "time/tzdata" // a report names its own zone, also on a machine that has no zone files
)

// Report is a parsed report file. It is read only: many renderings may share it.
type Report struct {
	File    string        // as given to Parse or Open; errors name it
	Page    string        // file name of the page: that of File with .html, unless the caller has set another
	Title   string        // of the page
	Refresh time.Duration // how often a page looks for a newer one of itself

	heading   text // Title with its values
	subtitle  text
	each      *forEach // a page for each of its values; nil: one page
	allPages  bool
	sources   [][]*cell // the cells that give choices and the values of for_each, each with those it needs
	asOf      *valueRef // nil when the file does not say
	location  *time.Location
	currency  string
	params    []Param
	sections  []section
	cells     []*cell // in the order of the file
	byName    map[string]*cell
	documents []*document // the report file, and those it includes
}

// cell is a fence of one of our kinds. Exactly one of sql, kpi, chart, table and note is set.
type cell struct {
	kind, name string
	doc        *document // the file it stands in
	line, col  int       // of the fence's first word
	body       string    // the text between the fences
	bodyLine   int       // line of its first byte
	bodyAt     int       // offset of its first byte in doc

	sql   *sqlSpec
	kpi   *kpiSpec
	chart *chartSpec
	table *tableSpec
	note  *noteSpec
}
