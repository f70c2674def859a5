//go:build browser

package notebook_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/notebook"
)

const chartPage = `---
title: Charts
refresh: 1s
---
~~~sql sales
select 1
~~~
~~~sql fixed
select 1
~~~
~~~kpi round
data: fixed
value: n
~~~
~~~chart over_time area
data: sales
x: at
y: value
color: name
width: full
~~~
~~~chart lines line
data: sales
x: at
y: value
color: name
~~~
~~~chart side bars
data: fixed
x: name
y: [n, m]
~~~
`

// chartRound draws the page of one round: other values, and the windows a minute later.
func chartRound(t testing.TB, n int) []byte {
	t.Helper()
	rep, problems := notebook.Parse("live.md", []byte(chartPage))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	when, value, name := frame.Column{Name: "at", Kind: frame.Time}, frame.Column{Name: "value", Kind: frame.Float}, frame.Column{Name: "name"}
	for i := range 60 {
		for k, product := range []string{"Laptop", "Mouse", "Phone"} {
			when.Times = append(when.Times, at.Add(time.Duration(i+n)*time.Minute))
			value.Floats = append(value.Floats, float64(10+k)+float64((i*7+k*3+n)%9))
			name.Strings = append(name.Strings, product)
		}
	}
	number := func(name string, v ...int64) frame.Column {
		return frame.Column{Name: name, Kind: frame.Int, Ints: v}
	}
	page, drawn := draw(t, &notebook.Data{Report: rep, AsOf: at, Built: time.Now(), Results: map[string]notebook.Result{
		"sales": {At: at, Frame: &frame.Frame{Columns: []frame.Column{when, value, name}}},
		"fixed": {At: at, Frame: &frame.Frame{Columns: []frame.Column{number("n", int64(n), 20, 30), number("m", 3, 2, 1), {Name: "name", Strings: []string{"a", "b", "c"}}}}},
	}})
	if len(drawn.Failed) > 0 {
		t.Fatal(drawn.Failed)
	}
	return []byte(page)
}

// charted is an open page of charts that shows a round, with short names for what the tests look at.
func charted(t *testing.T) (p *tab, show func(n int)) {
	t.Helper()
	s := overHTTP(t, chartRound(t, 1))
	p = startBrowser(t).open(t, s.address, 1280, 900)
	show = func(n int) {
		t.Helper()
		s.replace(chartRound(t, n))
		p.until(t, fmt.Sprintf(`document.querySelector('[data-cell=round] .figure').textContent === '%d'`, n))
	}
	p.until(t, `document.documentElement.dataset.live === 'on'`)
	p.eval(t, `window.q = (s) => document.querySelector(s); window.cell = (s) => q('[data-cell=over_time] ' + s); 0`)
	return p, show
}

// press types a key as a reader does.
func (p *tab) press(t testing.TB, key string, code int) {
	t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		p.call(t, "Input.dispatchKeyEvent", map[string]any{"type": kind, "key": key, "windowsVirtualKeyCode": code})
	}
}

func (p *tab) mouse(t testing.TB, kind string, x, y float64) {
	t.Helper()
	m := map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
	if kind != "mouseReleased" {
		m["buttons"] = 1
	}
	p.call(t, "Input.dispatchMouseEvent", m)
}

func (p *tab) number(t testing.TB, expression string) float64 {
	t.Helper()
	v, ok := p.eval(t, expression).(float64)
	if !ok {
		t.Fatalf("%s is no number", expression)
	}
	return v
}

func (p *tab) want(t testing.TB, expression string, want any) {
	t.Helper()
	if got := p.eval(t, expression); got != want {
		t.Errorf("%s\n got %v\nwant %v", expression, got, want)
	}
}

// An entry of the legend hides its series and shows it again; a stack closes the gap; a refresh changes nothing of that.
func TestBrowserChartLegend(t *testing.T) {
	p, show := charted(t)
	const bottom = `(() => { const r = cell('.broad .f2.area').getBoundingClientRect(); return Math.round(r.bottom); })()`
	before := p.number(t, bottom)
	p.eval(t, `cell('.legend [data-k=f1]').focus(); 0`)
	p.press(t, "Enter", 13)
	p.call(t, "Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": " ", "code": "Space", "windowsVirtualKeyCode": 32, "text": " "})
	p.call(t, "Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": " ", "code": "Space", "windowsVirtualKeyCode": 32})
	const state = `JSON.stringify([cell('.legend [data-k=f1]').getAttribute('aria-pressed'), cell('.broad .f1.area').getClientRects().length, cell('.slim .f1.area').hasAttribute('hidden'),
		cell('.legend [data-k=f0]').getAttribute('aria-pressed'), document.activeElement === cell('.legend [data-k=f1]'), document.activeElement.disabled])`
	const off = `["false",0,true,"true",true,false]`
	p.until(t, state+` === '`+off+`'`)
	if now := p.number(t, bottom); now <= before+3 {
		t.Errorf("the stack does not close its gap: the top layer ends at %v, was %v", now, before)
	}
	for n := 2; n <= 6; n++ {
		show(n)
		p.want(t, state, off)
	}
	if now := p.number(t, bottom); now <= before+3 {
		t.Errorf("after a refresh the top layer ends at %v, was %v", now, before)
	}
	p.want(t, `(() => { const m = cell('.broad .bands path'); m.dispatchEvent(new PointerEvent('pointermove', { bubbles: true })); return /Laptop: /.test(q('#tip').textContent) && !/Mouse: |Total: /.test(q('#tip').textContent); })()`, true)
	p.eval(t, `cell('.legend [data-k=f1]').click()`)
	p.want(t, `cell('.broad .f1.area').getClientRects().length`, 1.0)
	// Bars that stand side by side lose their values as well, lines their dots.
	p.eval(t, `q('[data-cell=side] [data-k=f0]').click(); q('[data-cell=lines] [data-k=f2]').click(); 0`)
	p.want(t, `document.querySelectorAll('[data-cell=side] .broad :is(.f0,.v0)').length > 3 && [...document.querySelectorAll('[data-cell=side] .broad :is(.f0,.v0), [data-cell=lines] .broad :is(.f2,.s2)')].every((e) => !e.getClientRects().length)`, true)
	p.quiet(t)
}

// Arrow keys read a chart mark by mark, aloud as well, and go on from there after a refresh.
func TestBrowserChartKeyboard(t *testing.T) {
	p, show := charted(t)
	p.eval(t, `cell('.fig').focus(); 0`)
	for range 3 {
		p.press(t, "ArrowRight", 39)
	}
	const tip = `JSON.stringify([q('#tip').hidden, q('#tip').textContent.split('\n')[0], q('#say').textContent === q('#tip').textContent])`
	p.want(t, tip, `[false,"17:17",true]`)
	show(2)
	p.press(t, "ArrowRight", 39)
	p.want(t, tip, `[false,"17:18",true]`)
	p.press(t, "ArrowLeft", 37)
	p.want(t, tip, `[false,"17:17",true]`)
	p.eval(t, `q('[data-cell=side] .fig').focus(); 0`)
	for range 2 {
		p.press(t, "ArrowRight", 39)
	}
	p.want(t, `q('#tip').textContent`, "a · M: 3")
	p.want(t, `q('[data-cell=side] .fig').getAttribute('role') + q('#' + q('[data-cell=side] .fig').getAttribute('aria-describedby')).textContent.slice(0, 10)`, "applicationArrow keys")
	p.press(t, "Escape", 27)
	p.want(t, `q('#tip').hidden`, true)
	p.quiet(t)
}

// A drag narrows a chart over time to a range, which stays at its time while the windows move on; so do the keys.
func TestBrowserChartRange(t *testing.T) {
	p, show := charted(t)
	const seen = `(() => { const s = cell('.broad .plot'), [a, b] = s.dataset.t.split(' ').map(Number), v = s.viewBox.baseVal, f = (x) => a + (b - a) * (x - s.x.baseVal.value) / s.width.baseVal.value;
		return JSON.stringify([f(v.x), f(v.x + v.width)].map((t) => Math.round(t / 60))); })()`
	var whole, range1 []float64
	decode(t, p.eval(t, seen), &whole)
	x, y, w := p.number(t, `cell('.broad .plot .bands').getBoundingClientRect().x`), p.number(t, `cell('.broad .plot .bands').getBoundingClientRect().y`), p.number(t, `cell('.broad .plot .bands').getBoundingClientRect().width`)
	p.mouse(t, "mousePressed", x+w*0.25, y+40)
	p.mouse(t, "mouseMoved", x+w*0.4, y+60)
	p.want(t, `q('#sel').hidden === false && q('#sel').offsetWidth > 20`, true)
	show(7) // while the button is down
	show(1)
	p.mouse(t, "mouseMoved", x+w*0.5, y+60)
	p.mouse(t, "mouseReleased", x+w*0.5, y+60)
	decode(t, p.eval(t, seen), &range1)
	span := whole[1] - whole[0]
	if math.Abs(range1[0]-whole[0]-span/4) > 1.5 || math.Abs(range1[1]-whole[0]-span/2) > 1.5 {
		t.Fatalf("a drag over the second quarter of %v shows %v", whole, range1)
	}
	const state = `JSON.stringify([cell('.broad svg').classList.contains('zoomed'), cell('.whole').hidden, q('#sel').hidden, [...cell('.broad').querySelectorAll('.tick[text-anchor=middle]:not([hidden])')].length > 0])`
	p.want(t, state, `[true,false,true,true]`)
	for n := 2; n <= 6; n++ {
		show(n)
		var now []float64
		decode(t, p.eval(t, seen), &now)
		if math.Abs(now[0]-range1[0]) > 1 || math.Abs(now[1]-range1[1]) > 1 {
			t.Fatalf("round %d shows %v, was %v", n, now, range1)
		}
		p.want(t, state, `[true,false,true,true]`)
	}
	p.want(t, `getComputedStyle(cell('.broad .plot')).overflow`, "hidden")
	p.want(t, `document.activeElement === cell('.fig')`, true)
	p.press(t, "Escape", 27)
	p.want(t, state, `[false,true,true,true]`)
	p.press(t, "+", 187)
	p.press(t, "+", 187)
	var narrow []float64
	decode(t, p.eval(t, seen), &narrow)
	if got := narrow[1] - narrow[0]; math.Abs(got-span/4) > 2 {
		t.Errorf("two steps show %v of %v minutes", got, span)
	}
	p.press(t, "-", 189)
	p.eval(t, `cell('.whole').click()`)
	p.want(t, state, `[false,true,true,true]`)
	p.want(t, `document.activeElement === cell('.fig')`, true)
	p.want(t, `!cell('.broad svg').getAttribute('style')`, true)
	// A range that lies before all there is ends.
	p.press(t, "+", 187)
	show(90)
	p.want(t, state, `[false,true,true,true]`)
	p.quiet(t)
}

// A chart fills the screen and stays there through refreshes until its button or Escape ends it.
func TestBrowserChartFullScreen(t *testing.T) {
	p, show := charted(t)
	p.eval(t, `cell('.max').scrollIntoView(); 0`)
	x, y := p.number(t, `cell('.max').getBoundingClientRect().x`), p.number(t, `cell('.max').getBoundingClientRect().y`)
	p.mouse(t, "mousePressed", x+5, y+5)
	p.mouse(t, "mouseReleased", x+5, y+5)
	const state = `JSON.stringify([cell('.max').getAttribute('aria-pressed'), q('[data-cell=over_time]').getBoundingClientRect().width >= innerWidth - 1, q('[data-cell=over_time]').getBoundingClientRect().height >= innerHeight - 1,
		getComputedStyle(q('#pause')).visibility, getComputedStyle(cell('.max')).visibility])`
	p.until(t, state+` === '["true",true,true,"hidden","visible"]'`)
	show(2)
	show(3)
	p.want(t, state, `["true",true,true,"hidden","visible"]`)
	p.eval(t, `cell('.fig').focus(); 0`)
	p.press(t, "ArrowRight", 39)
	p.want(t, `q('#tip').hidden || getComputedStyle(q('#tip')).visibility`, "visible")
	p.press(t, "Escape", 27)
	p.until(t, state+` === '["false",false,false,"visible","visible"]' && !document.fullscreenElement`)
	p.quiet(t)
}

// Names that are code stay names in the kinds that are made of fields, boxes and ribbons as well.
func TestBrowserChartHostileNames(t *testing.T) {
	page, drawn := draw(t, fields(t, []string{hostileNames[0], hostileNames[1], hostileNames[2]}))
	if len(drawn.Failed) > 0 {
		t.Fatal(drawn.Failed)
	}
	file := filepath.Join(t.TempDir(), "kinds.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startBrowser(t).open(t, "file://"+file, 1280, 2000)
	p.until(t, `document.documentElement.dataset.live !== undefined`)
	p.want(t, `document.querySelectorAll('main img, main script, main iframe, main [onload], main [onerror], main [style]').length`, 0.0)
	p.want(t, `(() => { let n = 0; const all = document.querySelectorAll('[data-tip]'); for (const m of all) { m.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, clientX: 5, clientY: 5 })); n += document.querySelector('#tip').textContent.endsWith(m.dataset.tip.split(String.fromCharCode(10)).at(-1)); } return n === all.length && n > 40; })()`, true)
	p.want(t, `document.title`, "Kinds")
	p.quiet(t)
}
