//go:build browser

package notebook_test

import (
	"fmt"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// A filter's links lead to pages that are there. A page that is made when a server is asked for it is a link only where
// there is a server; from disk its name stays as text, also after a refresh.
func TestBrowserFilterLinks(t *testing.T) {
	t.Parallel()
	rep := parse(t, "---\ntitle: Filters\nrefresh: 1s\nparams: { period: { default: 24h, choices: [1h, 24h, 7d] } }\n---\n~~~sql q\nselect 1 as n, :period as p\n~~~\n~~~kpi n\ndata: q\nvalue: n\n~~~\n")
	built := time.Now().Add(time.Hour)
	page := func(n int64) []byte {
		built = built.Add(time.Second)
		text, _ := draw(t, &notebook.Data{Report: rep, Built: built, Asked: true, Has: func(page string) bool { return page == "r.period-7d.html" },
			Results: map[string]notebook.Result{"q": {Frame: &frame.Frame{Columns: []frame.Column{{Name: "n", Kind: frame.Int, Ints: []int64{n}}}}}}})
		return []byte(text)
	}
	b := startBrowser(t)
	for where, c := range map[string]struct {
		stage func(t *testing.T, page []byte) stage
		want  string
	}{"disk": {fromDisk, "1h  24h r.html 7d r.period-7d.html"}, "http": {overHTTP, "1h r.period-1h.html 24h r.html 7d r.period-7d.html"}} {
		s := c.stage(t, page(1))
		p := b.open(t, s.address, 1280, 900)
		p.until(t, `document.documentElement.dataset.live !== undefined`)
		for n := range int64(2) {
			s.replace(page(n + 2))
			p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=n] .figure').textContent === '%d'`, n+2))
			if got := p.eval(t, `[...document.querySelectorAll('.filter li > *')].map((a) => a.textContent + ' ' + (a.getAttribute('href') || '')).join(' ')`); got != c.want {
				t.Errorf("%s: links %q, want %q", where, got, c.want)
			}
		}
		p.quiet(t)
	}
}
