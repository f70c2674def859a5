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
//	Parse   file        -> *Report   every mistake at its line and column, no database needed
//	Load    snapshot    -> *Data     runs the SQL cells, remembers the last good results (type Book)
//	Draw    *Data       -> HTML      no database, no clock: the same Data gives the same bytes
//
// # A report file
//
//	---
//	title: Retail live dashboard        # required
//	subtitle: Point of sale             # may hold inline values
//	refresh: 5s                         # how often the page looks for a newer one of itself; at least 1s
//	timezone: Asia/Riyadh               # of the times on the page; those in the database are UTC
//	currency: SAR                       # names the money formats: sar, sar.2, sar.compact
//	as_of: newest.at                    # the cell and column that say how far the data goes; for the header
//	params: { period: 24h, store: all } # :period and :store in SQL
//	---
//	## A section
//	Net revenue is **{{ totals.net | sar }}** from {{ totals.sales | int }} sales.
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
// A cell is a fence of ~~~ or ```; its first word is the kind, the second its name, unique in the file. The body of an
// sql cell is one query; those of kpi, chart and table are YAML (see the types kpiSpec, chartSpec and tableSpec for
// their keys). A cell uses the results of sql cells above it. In SQL, :name stands for a parameter, :now for the time
// of the rendering, and :cell.column for a value in the first row of an sql cell above; all three are bound as typed
// parameters and never become part of the text. With cache= a result serves again for so long, but for no longer than 300
// times what its query took: a cheap one is asked anew.
//
// Package notebook is the one user of goldmark (Markdown) and chroma (colours for SQL).
package notebook

import (
	"time"
	_ "time/tzdata" // a report names its own zone, also on a machine that has no zone files
	"unicode/utf8"

	"tillflow/lib/strictyaml"
)

// Report is a parsed report file. It is read only: many renderings may share it.
type Report struct {
	File    string        // as given to Parse; errors name it
	Title   string        // of the page
	Refresh time.Duration // how often a page looks for a newer one of itself

	subtitle text
	asOf     *valueRef // nil when the file does not say
	location *time.Location
	currency string
	params   []Param
	sections []section
	cells    []*cell // in the order of the file
	byName   map[string]*cell
	lines    lineIndex
}

// Param is a parameter of the front matter.
type Param struct {
	Name  string
	Type  string // Postgres type it is bound as: interval, bigint, double precision, boolean or text
	Value any    // time.Duration, int64, float64, bool or string
}

// Params lists the parameters in the order of the file.
func (r *Report) Params() []Param { return r.params }

// section is an h2 and what follows it. The first one of a page may have no title.
type section struct {
	id     string
	title  text
	blocks []block
}

// block is prose or a cell.
type block struct {
	prose text
	cell  *cell
}

// cell is a fence of one of our kinds. Exactly one of sql, kpi, chart and table is set.
type cell struct {
	kind, name string
	line, col  int    // of the fence's first word
	body       string // the text between the fences
	bodyLine   int    // line of its first byte
	bodyAt     int    // offset of its first byte in the file

	sql   *sqlSpec
	kpi   *kpiSpec
	chart *chartSpec
	table *tableSpec
}

// Unused lists sql cells that nothing on the page uses: they cost a query each time and are most likely a mistake.
// They are no reason to refuse a report.
func (r *Report) Unused() []strictyaml.Problem {
	used := map[string]bool{}
	r.eachRef(func(v *valueRef) { used[v.cell] = true })
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
			ps = append(ps, strictyaml.Problem{File: r.File, Line: c.line, Col: c.col,
				Msg: "sql cell \"" + c.name + "\" is used by nothing", Hint: "show it in a cell, or delete it"})
		}
	}
	return ps
}

// lineIndex finds lines and columns in a text.
type lineIndex struct {
	src    []byte
	starts []int // offset of each line's first byte
}

func indexLines(src []byte) lineIndex {
	x := lineIndex{src: src, starts: []int{0}}
	for i, b := range src {
		if b == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	return x
}

// pos gives line and column, both 1-based, of a byte offset. Columns count letters, not bytes.
func (x lineIndex) pos(offset int) strictyaml.Pos {
	offset = max(0, min(offset, len(x.src)))
	lo, hi := 0, len(x.starts)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; x.starts[mid] <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return strictyaml.Pos{Line: lo + 1, Col: utf8.RuneCount(x.src[x.starts[lo]:offset]) + 1}
}

// line gives the text of a line, without its end.
func (x lineIndex) line(n int) string {
	if n < 1 || n > len(x.starts) {
		return ""
	}
	end := len(x.src)
	if n < len(x.starts) {
		end = x.starts[n] - 1
	}
	s := string(x.src[x.starts[n-1]:end])
	if len(s) > 0 && s[len(s)-1] == '\r' {
		s = s[:len(s)-1]
	}
	return s
}
