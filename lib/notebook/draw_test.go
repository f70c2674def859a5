package notebook_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"math"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/golden"
	"tillflow/lib/notebook"
)

// data is what testdata/page.md would load: a good cell, a stale one, one without rows, a broken one.
func data(t testing.TB) *notebook.Data {
	t.Helper()
	src, err := os.ReadFile("testdata/page.md")
	if err != nil {
		t.Fatal(err)
	}
	rep, problems := notebook.Parse("reports/page.md", src)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	minute := func(n int) time.Time { return at.Add(time.Duration(n) * time.Minute) }
	ok := func(c ...frame.Column) notebook.Result {
		return notebook.Result{Frame: &frame.Frame{Columns: c}, At: at, Took: 1300 * time.Microsecond}
	}
	stale := ok(
		frame.Column{Name: "net", Kind: frame.Float, Floats: []float64{8732096}},
		frame.Column{Name: "before", Kind: frame.Float, Floats: []float64{9000000}},
		frame.Column{Name: "sales", Kind: frame.Int, Ints: []int64{4000}})
	stale.Err = &notebook.CellError{File: "reports/page.md", Cell: "totals", Line: 12, Msg: "took longer than 5s and was cancelled"}
	stale.Since = at.Add(5 * time.Second)
	return &notebook.Data{Report: rep, AsOf: at.Add(time.Minute), Built: at.Add(time.Minute), Results: map[string]notebook.Result{
		"newest": ok(frame.Column{Name: "at", Kind: frame.Time, Times: []time.Time{at.Add(50 * time.Second)}}),
		"totals": stale,
		"by_minute": ok(
			frame.Column{Name: "step", Kind: frame.Time, Times: []time.Time{minute(-2), minute(-2), minute(-1), minute(-1)}},
			frame.Column{Name: "product", Kind: frame.String, Strings: []string{"Laptop", "Mouse", "Laptop", "Mouse"}},
			frame.Column{Name: "revenue", Kind: frame.Float, Floats: []float64{4599, 129, 9198, math.NaN()}, Null: []bool{false, false, false, true}}),
		"by_store": ok(
			frame.Column{Name: "store", Kind: frame.String, Strings: []string{"Riyadh", "\u062c\u062f\u0629", "Dammam"}},
			frame.Column{Name: "revenue", Kind: frame.Float, Floats: []float64{4379381.5, 3109492, -12.5}[:3]},
			frame.Column{Name: "share", Kind: frame.Float, Floats: []float64{0.585, 0.415, 0}},
			frame.Column{Name: "opened", Kind: frame.Time, Times: []time.Time{at, at, {}}, Null: []bool{false, false, true}},
			frame.Column{Name: "kind", Kind: frame.String, Strings: []string{"spike", "drop", "other"}}),
		"nothing": ok(frame.Column{Name: "refunds", Kind: frame.Float}, frame.Column{Name: "step", Kind: frame.Time}, frame.Column{Name: "revenue", Kind: frame.Float}),
		"broken": {Err: &notebook.CellError{File: "reports/page.md", Cell: "broken", Line: 26, Col: 12, Msg: `column "on_hand" does not exist`,
			Source: "       min(on_hand) as cover", Mark: "           ^^^^^^^"}, Since: at},
	}}
}

var (
	styleElement  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	svgMarks      = regexp.MustCompile(`(?s)(<svg class="chart[^>]*>)(<title[^<]*</title><desc[^<]*</desc>)?.*?</svg>`)
	policy        = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)
	edition       = regexp.MustCompile(`data-edition="[^"]*"`)
)

// outline leaves out what has golden files of its own (the marks of charts) and what only the page's source says.
func outline(page string) string {
	page = styleElement.ReplaceAllString(page, "<style>...</style>")
	page = scriptElement.ReplaceAllString(page, "<script>...</script>")
	page = policy.ReplaceAllString(page, `http-equiv="Content-Security-Policy" content="..."`)
	page = edition.ReplaceAllString(page, `data-edition="..."`)
	page = regexp.MustCompile(`(?s)<svg class="plot.*?</svg>`).ReplaceAllString(page, "")
	return regexp.MustCompile(` data-h="[^"]*"`).ReplaceAllString(svgMarks.ReplaceAllString(page, "$1$2...</svg>"), "")
}

func TestDrawGolden(t *testing.T) {
	page, drawn := draw(t, data(t))
	// The donut has a negative part and says so, as does the chart of an unknown column; one query is broken, one stale.
	if drawn.Cells != 9 || drawn.Current != 5 || len(drawn.Failed) != 4 {
		t.Errorf("%d cells, %d current, %d failed: %v", drawn.Cells, drawn.Current, len(drawn.Failed), drawn.Failed)
	}
	golden.Check(t, "testdata/page.html", []byte(outline(page)))
}

func TestDrawIsRepeatable(t *testing.T) {
	a, _ := draw(t, data(t))
	b, _ := draw(t, data(t))
	if a != b {
		t.Error("the same data gave two pages")
	}
}

// The time a query takes is on the page, and does not make a cell new.
func TestTimingsAreNoChange(t *testing.T) {
	quiet, _ := draw(t, data(t))
	d := data(t)
	d.Timings = true
	page, _ := draw(t, d)
	if !strings.Contains(page, `<span class="ms"> &middot; 1.3 ms</span>`) {
		t.Error("no timing on the page")
	}
	hashes := regexp.MustCompile(`data-cell="[^"]*" data-h="[^"]*"`)
	if a, b := strings.Join(hashes.FindAllString(quiet, -1), "\n"), strings.Join(hashes.FindAllString(page, -1), "\n"); a != b || a == "" {
		t.Errorf("hashes differ:\n%s\n%s", a, b)
	}
}

// The content policy names the one style and the one script by their true hashes, and nothing needs more than that.
func TestContentPolicy(t *testing.T) {
	page, _ := draw(t, data(t))
	m := policy.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no policy")
	}
	allowed := strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(m[1])
	for kind, re := range map[string]*regexp.Regexp{"style-src": styleElement, "script-src": scriptElement} {
		found := re.FindAllStringSubmatch(page, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements for %s", len(found), kind)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := kind + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(allowed, want) {
			t.Errorf("policy %s\nlacks %s", allowed, want)
		}
	}
	if !strings.HasPrefix(allowed, "default-src 'none'") || strings.Contains(allowed, "unsafe") {
		t.Errorf("policy %s", allowed)
	}
	if n := len(scriptElement.FindStringSubmatch(page)[1]); n > 10_000 {
		t.Errorf("the script has %d bytes, more than 10 kB", n)
	}
	checkInert(t, page)
}

var (
	tags     = regexp.MustCompile(`<[a-zA-Z][^>]*>`)
	handlers = regexp.MustCompile(`(?i)\son[a-z]+\s*=`)
	styled   = regexp.MustCompile(`(?i)\sstyle\s*=`)
	address  = regexp.MustCompile(`(?i)\s(src|href|action|xlink:href)="([^"]*)"`)
)

// checkInert fails when the page holds an inline style, a handler, a second script, or the address of another host.
func checkInert(t *testing.T, page string) {
	t.Helper()
	body := scriptElement.ReplaceAllString(styleElement.ReplaceAllString(page, ""), "")
	if strings.Contains(strings.ToLower(body), "<script") {
		t.Error("a second script")
	}
	for _, tag := range tags.FindAllString(body, -1) {
		quoteless := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tag, `""`)
		if styled.MatchString(quoteless) || handlers.MatchString(quoteless) {
			t.Errorf("not inert: %s", tag)
		}
		for _, m := range address.FindAllStringSubmatch(tag, -1) {
			if u, err := url.Parse(html.UnescapeString(m[2])); m[2] != "data:," && (err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/")) {
				t.Errorf("an address elsewhere: %s", tag)
			}
		}
	}
}

// Names that are code, markup, quotes, formulas, other directions or very long stand on the page as text, in every kind
// of cell. browser_test.go loads this page and sees that nothing of it runs.
func TestHostileNames(t *testing.T) {
	page, drawn := draw(t, hostile(t))
	for _, e := range drawn.Failed {
		t.Error(e)
	}
	checkInert(t, page)
	for _, name := range hostileNames {
		if strings.ContainsAny(name, "<\"") && strings.Contains(page, name) {
			t.Errorf("%q stands on the page unescaped", name)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the names are not on the page at all")
	}
}

var hostileNames = []string{
	`<script>document.title='run'</script>`,
	`"><img src=x onerror="document.title='run'">`,
	`</title></svg><svg onload=document.title='run'>`,
	`' onmouseover='document.title="run"' x='`,
	`{{ 1 }} </textarea></script><!-- --> ]]>`,
	"\u0644\u0627\u0628\u062a\u0648\u0628 \u202e14\u202c <b>\u0628\u0631\u0648</b>",
	`=HYPERLINK("https://example.com","x")`,
	strings.Repeat("Very long product name ", 12),
	"javascript:document.title='run'", "tab\tand\nline", "&lt;b&gt;", "",
}

const hostilePage = `---
title: "<script>document.title='run'</script>"
subtitle: "{{ names.name }} {{ :store }}"
currency: SAR
params:
  store: { default: all, label: "<b>Store</b>", choices: names.name, names: names.badge }
  kind: { default: "<i>one</i>", choices: ["<i>one</i>", "' onclick='x"] }
---
~~~sql names
select 1
~~~
~~~sql used
select :store, :kind
~~~
~~~sql times
select 1
~~~
~~~kpi figure
data: names
value: name
note: "{{ names.name }}"
title: "{{ names.name }}"
spark: times.value
~~~

## Section {{ names.name }} <img src=x onerror=alert(1)>

{{ names.name }} and **{{ names.name | words }}** [link](page.html) <script>alert(1)</script>

~~~chart area area
data: times
x: at
y: value
color: name
title: "{{ names.name }}"
subtitle: "{{ names.name }}"
~~~
~~~chart line line
data: times
x: at
y: value
color: name
flag: flag
~~~
~~~chart timebars timebars
data: times
x: at
y: value
color: name
~~~
~~~chart bars bars
data: names
x: name
y: value
color: name
note: name
~~~
~~~chart hbar hbar
data: names
x: name
y: value
note: name
~~~
~~~chart donut donut
data: names
x: name
y: value
center: "{{ names.name }}"
below: "{{ names.name }}"
~~~
~~~chart pie pie
data: names
x: name
y: value
~~~
~~~chart scatter scatter
data: names
x: value
y: value
color: name
label: name
note: name
~~~
~~~chart spark spark
data: times
x: at
y: value
title: "{{ names.name }}"
~~~
## Kinds <b>of</b> {{ names.name }} {tabs columns=3}

### More {{ names.name }}

~~~chart heat heatmap
data: times
x: at
y: name
value: value
note: name
~~~
~~~chart states heatmap
data: times
x: at
y: name
state: name
~~~
~~~chart values histogram
data: names
x: value
title: "{{ names.name }}"
~~~

### And <img src=x>

~~~chart moved flow
data: names
from: name
to: badge
value: value
~~~
~~~chart graph graph
data: names
to: name
from: badge
state: name
label: name
note: name
~~~
~~~md words
{{ names.name }} and {{ :store }} <script>alert(1)</script>

| {{ names.name }} | n |
|:--|--:|
| <img src=x onerror=alert(1)> | 1 |
~~~

## Rows {{ names.name }}

~~~table table
data: names
links: { name: badge, value: { report: product, value: name } }
columns: { name: text, value: num.2 bar, badge: badge }
badges: { "<script>document.title='run'</script>": up }
search: true
download: csv
~~~
`

func hostile(t testing.TB) *notebook.Data {
	t.Helper()
	rep, problems := notebook.Parse(`<b>"r".md`, []byte(hostilePage))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var name, when, value, flag = frame.Column{Name: "name"}, frame.Column{Name: "at", Kind: frame.Time}, frame.Column{Name: "value", Kind: frame.Float}, frame.Column{Name: "flag", Kind: frame.Bool}
	long := frame.Column{Name: "name"}
	few := frame.Column{Name: "value", Kind: frame.Float}
	for i, n := range hostileNames {
		name.Strings = append(name.Strings, n)
		few.Floats = append(few.Floats, float64(i+1))
		for k := range 3 {
			long.Strings = append(long.Strings, n)
			when.Times = append(when.Times, at.Add(time.Duration(k)*time.Minute))
			value.Floats = append(value.Floats, float64(i+k))
			flag.Bools = append(flag.Bools, k == 1)
		}
	}
	badge := name
	badge.Name = "badge"
	return &notebook.Data{Report: rep, AsOf: at, Built: at, Results: map[string]notebook.Result{
		"names": {At: at, Frame: &frame.Frame{Columns: []frame.Column{name, few, badge}}},
		"times": {At: at, Frame: &frame.Frame{Columns: []frame.Column{when, long, value, flag}}},
	}}
}

// A report whose drawing panics is our fault, and still only one cell of the page.
func TestPanicIsOneCell(t *testing.T) {
	d := data(t)
	r := d.Results["by_store"]
	r.Frame.Columns[1].Floats = r.Frame.Columns[1].Floats[:1] // a column shorter than the others
	page, drawn := draw(t, d)
	if !strings.Contains(page, "cannot be drawn") || !strings.Contains(page, "No refunds yet.") || drawn.Current == 0 {
		t.Error("the page does not hold the panic in its cell")
	}
}

// Without any result, as before the first load, every cell waits and the page is whole.
func TestDrawNothing(t *testing.T) {
	d := data(t)
	d.Results = nil
	page, drawn := draw(t, d)
	if drawn.Current != 0 || !strings.Contains(page, "</html>") || !strings.Contains(page, "Waiting for <code>totals</code>") {
		t.Error("not a whole page of waiting cells")
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{"reports/dashboard.md": "dashboard.html", "a.b.md": "a.b.html", "x": "x.html"} {
		if got := notebook.FileName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
