//go:build browser

package notebook_test

import (
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
		c <- `{"file":"other.html","rev":"1"}`
		c <- `{"file":"live.html","rev":"1"}`
	}
}

// What a reader did to the page stays through refreshes, over HTTP and from disk.
func TestBrowserKeepsWhatTheReaderDid(t *testing.T) {
	b := startBrowser(t)
	for _, mode := range []struct {
		name   string
		rounds int
	}{{"http", 100}, {"file", 6}} {
		t.Run(mode.name, func(t *testing.T) {
			var address string
			var replace func([]byte)
			if mode.name == "http" {
				s := newSite(t, round(t, 1))
				address, replace = s.URL+"/live.html", s.replace
			} else {
				file := filepath.Join(t.TempDir(), "live.html")
				replace = func(page []byte) {
					if err := os.WriteFile(file+".tmp", page, 0o644); err != nil {
						t.Fatal(err)
					}
					if err := os.Rename(file+".tmp", file); err != nil {
						t.Fatal(err)
					}
				}
				replace(round(t, 1))
				address = "file://" + file
			}
			p := b.open(t, address, 1280, 700)
			p.until(t, `document.documentElement.dataset.live === 'on'`)
			p.eval(t, `(() => {
				const q = (s) => document.querySelector(s);
				window.kept = { same: q('[data-cell=same]'), table: q('.is-table .scroll'), kpi: q('[data-cell=round_now]') };
				const th = [...document.querySelectorAll('.is-table th button')].find((b) => b.textContent.startsWith('Amount'));
				th.click();
				const input = q('[type=search]');
				input.value = 'even'; input.dispatchEvent(new Event('input', { bubbles: true }));
				q('.is-chart details').open = true;
				window.kept.table.scrollTop = 120;
				scrollTo({ top: 260, behavior: 'instant' });
				input.focus({ preventScroll: true });
				input.setSelectionRange(1, 3);
			})()`)
			const state = `JSON.stringify((() => {
				const q = (s) => document.querySelector(s), rows = [...document.querySelectorAll('.is-table tbody tr')], shown = rows.filter((r) => !r.hidden);
				const amounts = shown.map((r) => +r.cells[1].dataset.v);
				return { round: q('[data-cell=round_now] .figure').textContent, about: q('#about').textContent.includes('Round ' + q('[data-cell=round_now] .figure').textContent),
					rows: rows.length, shown: shown.length, found: q('.found').textContent, sorted: amounts.every((v, i) => !i || amounts[i - 1] >= v),
					aria: q('.is-table th[aria-sort]')?.textContent + ' ' + q('.is-table th[aria-sort]')?.getAttribute('aria-sort'),
					text: q('[type=search]').value, focus: document.activeElement.type, caret: document.activeElement.selectionStart + '-' + document.activeElement.selectionEnd,
					open: q('.is-chart details').open, scroll: window.kept.table.scrollTop, page: Math.round(scrollY),
					same: window.kept.same === q('[data-cell=same]'), table: window.kept.table === q('.is-table .scroll'), kpi: window.kept.kpi === q('[data-cell=round_now]'),
					live: document.documentElement.dataset.live };
			})())`
			want := map[string]any{}
			decode(t, p.eval(t, state), &want)
			if want["shown"] != 30.0 || want["sorted"] != true || want["focus"] != "search" || want["scroll"] != 120.0 || want["page"] != 260.0 {
				t.Fatalf("the reader could not do what the test does: %v", want)
			}
			for n := 2; n <= mode.rounds; n++ {
				replace(round(t, n))
				p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=round_now] .figure').textContent === '%d'`, n))
				want["round"] = fmt.Sprint(n)
				got := map[string]any{}
				decode(t, p.eval(t, state), &got)
				for k := range want {
					if want[k] != got[k] {
						t.Fatalf("round %d: %s is %v, was %v", n, k, got[k], want[k])
					}
				}
			}
			p.quiet(t)
		})
	}
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

// Names that are code stay names: nothing runs, nothing is fetched, the policy is never broken, and a spreadsheet gets no
// formula.
func TestBrowserHostileNames(t *testing.T) {
	page, _ := draw(t, hostile(t))
	file := filepath.Join(t.TempDir(), "hostile.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startBrowser(t).open(t, "file://"+file, 1280, 2000)
	p.until(t, `document.documentElement.dataset.live !== undefined`)
	if title := p.eval(t, `document.title`); title != "<script>document.title='run'</script>" {
		t.Errorf("the title became %v", title)
	}
	if n := p.eval(t, `document.querySelectorAll('main img, main script, main iframe, main object, main [onload], main [onerror], main [style]').length`); n != 0.0 {
		t.Errorf("%v foreign elements", n)
	}
	if n := p.eval(t, `document.querySelectorAll('.failed, mark.bad').length`); n != 0.0 {
		t.Errorf("%v failed cells", n)
	}
	// Point at every mark, so that every tooltip is shown.
	tips := p.eval(t, `(() => { let n = 0; for (const m of document.querySelectorAll('[data-tip]')) { m.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: 5, clientY: 5 })); n += document.querySelector('#tip').textContent === m.dataset.tip; } return n === document.querySelectorAll('[data-tip]').length && n > 50; })()`)
	if tips != true {
		t.Error("not every tooltip shows its text")
	}
	csv := p.eval(t, `(async () => { let blob; URL.createObjectURL = (b) => { blob = b; return 'data:,'; }; document.querySelector('.is-table .csv').click(); return await blob.text(); })()`).(string)
	for _, line := range strings.Split(csv, "\r\n") {
		if strings.HasPrefix(line, "=") || strings.HasPrefix(line, `"=`) {
			t.Errorf("a formula in the CSV: %s", line)
		}
	}
	if !strings.Contains(csv, `"'=HYPERLINK(""https://example.com"",""x"")",7,`) || !strings.HasPrefix(csv, "Name,Value,Badge\r\n") {
		t.Errorf("CSV\n%s", csv)
	}
	if title := p.eval(t, `document.title`); title != "<script>document.title='run'</script>" {
		t.Errorf("the title became %v", title)
	}
	p.quiet(t)
}

// From phones to wide screens nothing is cut off at the side, and charts show the variant that fits.
func TestBrowserWidths(t *testing.T) {
	page, _ := draw(t, data(t))
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	b := startBrowser(t)
	for _, width := range []int{390, 640, 900, 1280, 2560} {
		p := b.open(t, "file://"+file, width, 900)
		p.until(t, `document.documentElement.dataset.live !== undefined`)
		if w := p.eval(t, `document.documentElement.scrollWidth`).(float64); int(w) > width {
			t.Errorf("at %d px the page is %v wide", width, w)
		}
		columns := p.eval(t, `getComputedStyle(document.querySelector('#s-sales-stores .grid')).gridTemplateColumns.split(' ').length`)
		if want := map[bool]float64{true: 2, false: 1}[width >= 900]; columns != want {
			t.Errorf("at %d px there are %v columns, want %v", width, columns, want)
		}
		shown := p.eval(t, `[...document.querySelectorAll('[data-cell=revenue] .fig > div')].filter((e) => e.offsetHeight > 0).map((e) => e.className).join()`)
		if want := map[bool]string{true: "slim", false: "broad"}[width < 480]; shown != want {
			t.Errorf("at %d px the chart shows %v, want %s", width, shown, want)
		}
		p.quiet(t)
	}
}

// The theme follows the system until the button says otherwise, and the next visit remembers.
func TestBrowserTheme(t *testing.T) {
	s := newSite(t, round(t, 1))
	b := startBrowser(t)
	p := b.open(t, s.URL+"/live.html", 1280, 700)
	p.until(t, `document.documentElement.dataset.live !== undefined`)
	const ground = `getComputedStyle(document.body).backgroundColor`
	light := p.eval(t, ground)
	p.eval(t, `document.querySelector('#theme').click()`)
	dark := p.eval(t, ground)
	if light != "rgb(245, 246, 248)" || dark != "rgb(15, 19, 25)" {
		t.Errorf("light %v, dark %v", light, dark)
	}
	again := b.open(t, s.URL+"/live.html", 1280, 700)
	if v := again.eval(t, ground); v != dark {
		t.Errorf("the next visit shows %v", v)
	}
	again.call(t, "Emulation.setEmulatedMedia", map[string]any{"media": "print"})
	if v := again.eval(t, `getComputedStyle(document.documentElement).getPropertyValue('--surface')`); v != "#fff" {
		t.Errorf("in print the surface is %v", v)
	}
}
