//go:build browser

package notebook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

// livePage has a figure that changes with each rendering, a table to sort and filter, a chart with its data, and a cell
// that stays the same.
const livePage = `---
title: Live
subtitle: Round {{ round.n | int }}
refresh: 1s
currency: SAR
---
~~~sql round
select 1
~~~
~~~sql sales
select 1
~~~
~~~sql fixed
select 1
~~~
~~~kpi round_now
data: round
value: n
~~~
~~~kpi same
data: fixed
value: n
~~~

## Sales

~~~chart by_product hbar
data: sales
x: product
y: amount
~~~
~~~table sales_table
data: sales
columns: { product: text, amount: sar.2, note: text }
links: { product: product }
search: true
download: csv
width: full
~~~
`

// round draws the page of one round: other amounts each time, in another order.
func round(t testing.TB, n int) []byte {
	t.Helper()
	rep, problems := notebook.Parse("live.md", []byte(livePage))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var product, note = frame.Column{Name: "product"}, frame.Column{Name: "note"}
	amount := frame.Column{Name: "amount", Kind: frame.Float}
	for i := range 60 {
		k := (i*7 + n*13) % 60
		product.Strings = append(product.Strings, fmt.Sprintf("Product %02d", k))
		amount.Floats = append(amount.Floats, float64((k*37+n)%97)+0.5)
		note.Strings = append(note.Strings, map[bool]string{true: "even", false: "odd"}[k%2 == 0])
	}
	one := func(v int64) notebook.Result {
		return notebook.Result{At: at, Frame: &frame.Frame{Columns: []frame.Column{{Name: "n", Kind: frame.Int, Ints: []int64{v}}}}}
	}
	d := &notebook.Data{Report: rep, AsOf: at, Built: time.Now(), Results: map[string]notebook.Result{
		"round": one(int64(n)), "fixed": one(7), "sales": {At: at, Frame: &frame.Frame{Columns: []frame.Column{product, amount, note}}},
	}}
	page, _ := draw(t, d)
	return []byte(page)
}

// site serves one page the way dag does: GET /live.html and events on GET /events.
type site struct {
	*httptest.Server
	mu      sync.Mutex
	page    []byte
	clients map[chan string]bool
	gets    int
}

func newSite(t *testing.T, page []byte) *site {
	s := &site{page: page, clients: map[chan string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /live.html", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gets++
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(s.page)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Query().Get("page"); p != "live.html" {
			t.Errorf("the page asks for news of %q", p)
		}
		w.Header().Set("Content-Type", "text/event-stream")
		c := make(chan string, 16)
		s.mu.Lock()
		s.clients[c] = true
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			delete(s.clients, c)
			s.mu.Unlock()
		}()
		w.(http.Flusher).Flush()
		for {
			select {
			case m := <-c:
				_, _ = fmt.Fprintf(w, "event: report\ndata: %s\n\n", m)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// replace puts up a new page and tells the readers.
func (s *site) replace(page []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = page
	for c := range s.clients {
		c <- `{"file":"live.html","rev":"1"}`
	}
}

// stage is where a page stands for its readers: a server, or a file on their disk.
type stage struct {
	address string
	replace func(page []byte)
}

func overHTTP(t *testing.T, page []byte) stage {
	s := newSite(t, page)
	return stage{s.URL + "/live.html", s.replace}
}

// fromDisk writes the page as the job does, by a rename, and tells it to look for a newer one ten times a second: the
// least a report can ask for is one second, and the tests have no time.
func fromDisk(t *testing.T, page []byte) stage {
	file := filepath.Join(t.TempDir(), "live.html")
	s := stage{"file://" + file, func(page []byte) {
		page = bytes.Replace(page, []byte(`data-refresh="1000"`), []byte(`data-refresh="100"`), 1)
		if err := os.WriteFile(file+".tmp", page, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".tmp", file); err != nil {
			t.Fatal(err)
		}
	}}
	s.replace(page)
	return s
}

// use is what a reader does to the page: sorts and filters the table, opens the rows of the chart, scrolls the page and
// the table, and is still typing, with a part of the text marked.
const use = `(() => {
	const q = (s) => document.querySelector(s);
	window.kept = { same: q('[data-cell=same]'), table: q('.is-table .scroll'), kpi: q('[data-cell=round_now]') };
	[...document.querySelectorAll('.is-table th button')].find((b) => b.textContent.startsWith('Amount')).click();
	const input = q('[type=search]');
	input.value = 'even'; input.dispatchEvent(new Event('input', { bubbles: true }));
	q('.is-chart details').open = true;
	window.kept.table.scrollTop = 120;
	scrollTo({ top: 260, behavior: 'instant' });
	input.focus({ preventScroll: true });
	input.setSelectionRange(1, 3);
})()`

// used is what is left of it, and what must go on changing beside it.
const used = `JSON.stringify((() => {
	const q = (s) => document.querySelector(s), rows = [...document.querySelectorAll('.is-table tbody tr')], shown = rows.filter((r) => !r.hidden);
	const amounts = shown.map((r) => +r.cells[1].dataset.v);
	return { round: q('[data-cell=round_now] .figure').textContent, about: q('#about').textContent.includes('Round ' + q('[data-cell=round_now] .figure').textContent),
		rows: rows.length, shown: shown.length, found: q('.found').textContent, sorted: amounts.every((v, i) => !i || amounts[i - 1] >= v),
		aria: q('.is-table th[aria-sort]')?.textContent + ' ' + q('.is-table th[aria-sort]')?.getAttribute('aria-sort'),
		text: q('[type=search]').value, focus: document.activeElement.type, caret: document.activeElement.selectionStart + '-' + document.activeElement.selectionEnd,
		open: q('.is-chart details').open, scroll: window.kept.table.scrollTop, page: Math.round(scrollY),
		same: window.kept.same === q('[data-cell=same]'), table: window.kept.table === q('.is-table .scroll'), kpi: window.kept.kpi === q('[data-cell=round_now]'), history: history.length };
})())`

// What a reader did to the page stays through a hundred refreshes, over HTTP and from disk, and so does text that another
// reader has selected. The data changes in each.
func TestBrowserKeepsWhatTheReaderDid(t *testing.T) {
	b := startBrowser(t)
	for name, open := range map[string]func(*testing.T, []byte) stage{"http": overHTTP, "file": fromDisk} {
		t.Run(name, func(t *testing.T) {
			at := open(t, round(t, 1))
			p, other := b.open(t, at.address, 1280, 700), b.open(t, at.address, 1280, 700)
			for _, tab := range []*tab{p, other} {
				tab.until(t, `document.documentElement.dataset.live !== undefined`)
			}
			p.eval(t, use)
			const marked = `getSelection().toString()`
			other.eval(t, `getSelection().selectAllChildren(document.querySelector('.is-table tbody').rows[3].cells[0])`)
			text := other.eval(t, marked).(string)
			want := map[string]any{}
			decode(t, p.eval(t, used), &want)
			if want["shown"] != 30.0 || want["sorted"] != true || want["focus"] != "search" || want["scroll"] != 120.0 || want["page"] != 260.0 || !strings.HasPrefix(text, "Product ") {
				t.Fatalf("the readers could not do what the test does: %v, %q", want, text)
			}
			const rounds = 100
			for n := 2; n <= rounds+1; n++ {
				at.replace(round(t, n))
				now := fmt.Sprintf(`document.querySelector('[data-cell=round_now] .figure').textContent === '%d'`, n)
				p.until(t, now)
				other.until(t, now)
				want["round"] = fmt.Sprint(n)
				got := map[string]any{}
				decode(t, p.eval(t, used), &got)
				for k := range want {
					if want[k] != got[k] {
						t.Fatalf("round %d: %s is %v, was %v", n, k, got[k], want[k])
					}
				}
				if s := other.eval(t, marked); s != text {
					t.Fatalf("round %d: the selected text is %q, was %q", n, s, text)
				}
			}
			t.Logf("%d refreshes; nothing a reader did was lost", rounds)
			// A cell that stood still for its reader comes along when the selection is gone.
			other.eval(t, `getSelection().removeAllRanges()`)
			at.replace(round(t, rounds+2))
			const rows = `[...document.querySelectorAll('.is-table tbody tr')].map((r) => r.textContent).sort().join()`
			p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=round_now] .figure').textContent === '%d'`, rounds+2))
			other.until(t, fmt.Sprintf(`%s === %q`, rows, p.eval(t, rows)))
			p.quiet(t)
			other.quiet(t)
		})
	}
}

// A reader who has gone to a link in a row stays at it, though the rows are new and in another order.
func TestBrowserKeepsFocusInRows(t *testing.T) {
	s := newSite(t, round(t, 1))
	p := startBrowser(t).open(t, s.URL+"/live.html", 1280, 700)
	p.until(t, `document.documentElement.dataset.live === 'on'`)
	const on = `document.activeElement.nodeName + document.activeElement.textContent`
	p.eval(t, `[...document.querySelectorAll('.is-table tbody a')].find((a) => a.textContent === 'Product 17').focus()`)
	for n := 2; n <= 6; n++ {
		s.replace(round(t, n))
		p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=round_now] .figure').textContent === '%d'`, n))
		if v := p.eval(t, on); v != "AProduct 17" {
			t.Fatalf("round %d: the focus is on %v", n, v)
		}
	}
	p.quiet(t)
}

func decode(t testing.TB, v any, into any) {
	t.Helper()
	s, ok := v.(string)
	if !ok {
		t.Fatalf("%v (%T) is no text", v, v)
	}
	if err := json.Unmarshal([]byte(s), into); err != nil {
		t.Fatal(err)
	}
}

// Pause holds the page still; without news for three intervals it says that it is stale; news make it live again.
func TestBrowserPauseAndStale(t *testing.T) {
	s := newSite(t, round(t, 1))
	p := startBrowser(t).open(t, s.URL+"/live.html", 1280, 700)
	p.until(t, `document.documentElement.dataset.live === 'stale' && document.querySelector('#state').textContent.startsWith('Stale since ')`)
	s.replace(round(t, 2))
	p.until(t, `document.querySelector('.figure').textContent === '2' && document.documentElement.dataset.live === 'on'`)

	p.eval(t, `document.querySelector('#pause').click()`)
	s.mu.Lock()
	gets := s.gets
	s.mu.Unlock()
	s.replace(round(t, 3))
	p.eval(t, `new Promise((done) => setTimeout(done, 2500))`) // two intervals: a page that is not paused asks in this time
	if v := p.eval(t, `document.querySelector('.figure').textContent + document.querySelector('#state').textContent + document.querySelector('#pause').getAttribute('aria-pressed')`); v != "2Pausedtrue" {
		t.Errorf("paused page shows %v", v)
	}
	s.mu.Lock()
	if s.gets != gets {
		t.Errorf("a paused page asked %d times", s.gets-gets)
	}
	s.mu.Unlock()
	p.eval(t, `document.querySelector('#pause').click()`)
	p.until(t, `document.querySelector('.figure').textContent === '3' && document.documentElement.dataset.live === 'on'`)
	p.quiet(t)
}

// A server that sends no events, such as any web server, is asked at each interval.
func TestBrowserWithoutEvents(t *testing.T) {
	var mu sync.Mutex
	n := 1
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/live.html" {
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(round(t, n))
		n++
	}))
	t.Cleanup(srv.Close)
	p := startBrowser(t).open(t, srv.URL+"/live.html", 1280, 700)
	p.until(t, `+document.querySelector('.figure').textContent >= 4`)
}
