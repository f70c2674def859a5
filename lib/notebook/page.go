package notebook

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/js"

	"tillflow/lib/chart"
)

//go:embed page.html.tmpl
var pageSource string

//go:embed chart.html.tmpl
var chartSource string

//go:embed page.css
var pageCSS string

//go:embed chart.css
var chartCSS string

//go:embed page.js
var pageJS string

//go:embed table.js
var tableJS string

//go:embed chart.js
var chartJS string

var pageTemplate = template.Must(template.New("page").Parse(pageSource + chartSource))

// The page holds one style and one script, and its content policy names both by their hashes: nothing else runs, no
// other host is asked, and text that slipped past escaping would still be dead.
var (
	style  = strings.TrimSpace(pageCSS) + "\n" + strings.TrimSpace(chartCSS) + "\n" + chart.CSS
	script = minified(pageJS, tableJS, chartJS)
	policy = strings.Join([]string{
		"default-src 'none'",
		"style-src " + sourceHash(style),
		"script-src " + sourceHash(script),
		"img-src data:",      // the empty icon
		"connect-src 'self'", // over HTTP: events, and the page itself
		"frame-src 'self'",   // from disk: the page itself, as its own feed
		"base-uri 'none'",
		"form-action 'none'",
	}, "; ")
	edition = hash(pageSource + chartSource + style + script) // a page of another edition is loaded anew, not patched
)

// minified joins the scripts of a page in one function, and shortens it: names in it and white space are more than a third,
// and every page carries them. It panics when our own source is no JavaScript.
func minified(sources ...string) string {
	var b strings.Builder
	src := "(() => {\n'use strict';\n" + strings.Join(sources, "\n") + "})();\n"
	if err := js.Minify(minify.New(), &b, strings.NewReader(src), nil); err != nil {
		panic(fmt.Sprintf("the script of a page: %v", err))
	}
	return b.String()
}

func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// pageView is the page for the template.
type pageView struct {
	Title, Policy, Edition string
	Style, Script          template.HTML // whole elements, so that not a byte changes under the hashes
	Refresh                int64         // milliseconds
	RefreshSeconds         int64
	BuiltISO, BuiltClock   string
	Zone                   string
	Subtitle               template.HTML
	AsOf                   string
	Cells, Current         int
	Sections               []sectionView
	Filters                []Filter
	Up                     *Link
}

func (p *page) write(w io.Writer) error {
	d := p.data
	l := d.locale()
	built := d.Built.In(l.location)
	v := pageView{
		Title: d.pageTitle(), Policy: policy, Edition: edition,
		Style: template.HTML("<style>" + style + "</style>"), Script: template.HTML("<script>" + script + "</script>"),
		Refresh: d.Report.Refresh.Milliseconds(), RefreshSeconds: max(1, int64(d.Report.Refresh/time.Second)),
		BuiltISO: built.Format("2006-01-02T15:04:05.000Z07:00"), BuiltClock: built.Format("15:04:05"), Zone: l.zone(built),
		Subtitle: template.HTML(d.html(d.Report.subtitle)), AsOf: p.asOf(),
		Cells: p.out.Cells, Current: p.out.Current, Sections: p.sections, Filters: d.Filters(), Up: d.Up(),
	}
	return pageTemplate.ExecuteTemplate(w, "page", v)
}

// asOf says how far the data goes; empty when the report does not say, or there is none.
func (p *page) asOf() string {
	ref := p.data.Report.asOf
	if ref == nil {
		return ""
	}
	f := p.data.Results[ref.cell].Frame
	if f == nil {
		return ""
	}
	col := f.Column(ref.column)
	if col == nil || col.Len() == 0 || col.IsNull(0) || len(col.Times) == 0 {
		return ""
	}
	return p.clock(col.Times[0])
}
