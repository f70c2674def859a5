//go:build browser

package notebook_test

import (
	"fmt"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// tabsPage is a page of two tabs, with a figure in each.
func tabsPage(t testing.TB, n int64) []byte {
	t.Helper()
	rep, problems := notebook.Parse("live.md", []byte("---\ntitle: Tabs\nrefresh: 1s\n---\n~~~sql q\nselect 1 as n\n~~~\n## Views {tabs}\n\n### Near\n\n~~~kpi a\ndata: q\nvalue: n\n~~~\n\n### Far\n\n~~~kpi b\ndata: q\nvalue: n\n~~~\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	page, _ := draw(t, &notebook.Data{Report: rep, AsOf: at, Built: time.Now(), Results: map[string]notebook.Result{
		"q": {At: at, Frame: &frame.Frame{Columns: []frame.Column{{Name: "n", Kind: frame.Int, Ints: []int64{n}}}}}}})
	return []byte(page)
}

// One tab is seen at a time: the first, the one a reader chose, by mouse or arrow key, or the one the address names; a
// refresh does not change that.
func TestBrowserTabs(t *testing.T) {
	s := newSite(t, tabsPage(t, 1))
	b := startBrowser(t)
	p := b.open(t, s.URL+"/live.html", 1280, 700)
	p.until(t, `document.documentElement.dataset.live === 'on'`)
	const seen = `[...document.querySelectorAll('.cell')].filter((e) => e.checkVisibility()).map((e) => e.dataset.cell).join()`
	if v := p.eval(t, seen); v != "a" {
		t.Errorf("at first there is %v", v)
	}
	p.eval(t, `document.querySelector('.tabs input').focus()`)
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.call(t, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39})
	}
	p.until(t, seen+` === 'b'`)
	for n := 2; n <= 4; n++ {
		s.replace(tabsPage(t, int64(n)))
		p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=b] .figure').textContent === '%d'`, n))
		if v := p.eval(t, seen); v != "b" {
			t.Fatalf("refresh %d shows %v", n, v)
		}
	}
	far := p.eval(t, `document.querySelectorAll('.tab')[1].id`).(string)
	other := b.open(t, s.URL+"/live.html#"+far, 1280, 700)
	other.until(t, seen+` === 'b'`)
	other.eval(t, `document.querySelector('.tabs label').click()`)
	other.until(t, seen+` === 'a'`)
	other.eval(t, `location.hash = ''; location.hash = '`+far+`'`)
	other.until(t, seen+` === 'b'`)
	other.media(t, "print", "light")
	if v := other.eval(t, seen); v != "a,b" {
		t.Errorf("on paper there is %v", v)
	}
	p.quiet(t)
	other.quiet(t)
}
