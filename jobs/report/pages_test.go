package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/jobs/report"
	"tillflow/lib/pgtest"
)

// folder is a report file with its pages, and a clock that the test moves.
type folder struct {
	t        *testing.T
	db       *pgxpool.Pool
	dir, out string
	clock    atomic.Int64 // seconds after now
	log      bytes.Buffer
	job      *report.Job
}

func newFolder(t *testing.T, text string) *folder {
	t.Helper()
	dir := t.TempDir()
	f := &folder{t: t, db: pgtest.Open(t), dir: dir, out: filepath.Join(dir, "out")}
	write(t, dir, "shop.md", text)
	f.restart()
	return f
}

// restart is what a new process does.
func (f *folder) restart() {
	f.t.Helper()
	j, err := report.New("report.shop", report.With{File: "shop.md"}, report.Deps{DB: f.db, Dir: f.dir, Out: f.out,
		Log: slog.New(slog.NewTextHandler(&f.log, nil)), Now: func() time.Time { return now.Add(time.Duration(f.clock.Load()) * time.Second) }})
	if err != nil {
		f.t.Fatal(err)
	}
	f.job = j
}

func (f *folder) run() run.Result {
	f.t.Helper()
	res, err := f.job.Run(f.t.Context(), run.Input{})
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func (f *folder) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

// pages lists the pages in the output folder.
func (f *folder) pages() string {
	f.t.Helper()
	entries, err := os.ReadDir(f.out)
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		name, isPage := strings.CutSuffix(e.Name(), ".html")
		if isPage {
			names = append(names, name)
			if _, err := os.Stat(filepath.Join(f.out, name+".status.json")); err != nil {
				f.t.Errorf("%s has no status: %v", e.Name(), err)
			}
		} else if !strings.HasSuffix(e.Name(), ".status.json") {
			f.t.Errorf("%s was left behind", e.Name())
		}
	}
	if want := 2 * len(names); len(entries) != want {
		f.t.Errorf("%d files for %d pages", len(entries), len(names))
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

var anchor = regexp.MustCompile(`<a ([^>]*)>(.*?)</a>`)

// links checks links of a page, each "TEXT -> ADDRESS", with " ?" behind when a server has to be asked for it.
func (f *folder) links(page string, want ...string) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.out, page))
	if err != nil {
		f.t.Fatal(err)
	}
	var got []string
	for _, m := range anchor.FindAllStringSubmatch(string(b), -1) {
		_, to, _ := strings.Cut(m[1], `href="`)
		to, _, _ = strings.Cut(to, `"`)
		words := html.UnescapeString(regexp.MustCompile("<[^>]*>").ReplaceAllString(m[2], ""))
		link := strings.TrimLeft(words, "\u2190 ") + " -> " + to
		if strings.Contains(m[1], "data-ask") {
			link += " ?"
		}
		got = append(got, link)
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			f.t.Errorf("%s has no link %q: %q", page, w, got)
		}
	}
}

func (f *folder) shows(page string, want ...string) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.out, page))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, w := range want {
		if !strings.Contains(string(b), w) {
			f.t.Errorf("%s does not say %s", page, w)
		}
	}
}

const choosing = `---
title: Sales of {{ :store }}
params:
  period: { default: 24h, label: Period, choices: [1h, 24h] }
  store: { default: all, label: Store, choices: stores.store_id, names: stores.store_name }
---
~~~sql stores
select store_id, store_name from dim_stores order by 2
~~~
~~~sql sold
select count(*) as sales from transactions where ts > :now - :period and ts <= :now and (:store = 'all' or store_id = :store)
~~~
{{ sold.sales | int }} sales in {{ :period }}.
`

const shops = `
	insert into dim_products values ('P1', 'Lamp', 'Light', 10), ('P 2', 'Bulb & more', 'Light', 2);
	insert into dim_stores values ('S1', 'North <b>', 'Riyadh', 'Central', 100), ('S2', 'South', 'Jeddah', 'West', 100);
	insert into transactions values (1, 'P1', 'S1', 'C', 10, '2026-11-22 17:00'), (2, 'P1', 'S2', 'C', 10, '2026-11-22 16:50'),
		(3, 'P 2', 'S2', 'C', 2, '2026-11-22 10:00')`

// A parameter with choices is a filter in the header. The page of the defaults is always made, one of another choice
// when somebody asks for it and for a minute after.
func TestChoices(t *testing.T) {
	t.Parallel()
	f := newFolder(t, choosing)
	f.exec(shops)
	if res := f.run(); !strings.HasPrefix(res.Note, "0 of 0 cells current") {
		t.Errorf("note %q", res.Note)
	}
	if got := f.pages(); got != "shop" {
		t.Errorf("pages %s", got)
	}
	f.shows("shop.html", "<h1>Sales of All</h1>", "3 sales in 24h.", `href="shop.html" aria-current="page"`)
	f.links("shop.html", "24h -> shop.html", "1h -> shop.period-1h.html ?", "North <b> -> shop.store-S1.html ?")
	ask := func(page string) error { return f.job.Ask(t.Context(), page) }
	if err := ask("shop.period-1h.store-S2.html"); err != nil {
		t.Fatal(err)
	}
	f.shows("shop.period-1h.store-S2.html", "<h1>Sales of South</h1>", "1 sales in 1h.")
	f.links("shop.period-1h.store-S2.html", "24h -> shop.store-S2.html ?", "1h -> shop.period-1h.store-S2.html", "All -> shop.period-1h.html ?")
	for _, page := range []string{"shop.store-S3.html", "shop.period-2h.html", "shop.store-all.html", "shop.period-1h.period-1h.html", "shop.store-S1.period-1h.html",
		"shop..html", "shop.x.html", "other.html", "shop.status.json", "../shop.html", ""} {
		if err := ask(page); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", page, err)
		}
	}
	f.exec("insert into transactions values (4, 'P1', 'S2', 'C', 10, '2026-11-22 17:13')")
	f.clock.Store(30)
	f.run()
	f.shows("shop.html", "4 sales in 24h.")
	f.shows("shop.period-1h.store-S2.html", "2 sales in 1h.")
	f.clock.Store(50)
	if err := ask("shop.period-1h.store-S2.html"); err != nil {
		t.Fatal(err)
	}
	f.clock.Store(100)
	f.run()
	if got := f.pages(); got != "shop shop.period-1h.store-S2" {
		t.Errorf("pages while somebody looks at one: %s", got)
	}
	f.clock.Store(111)
	f.run()
	if got := f.pages(); got != "shop" {
		t.Errorf("pages when nobody does: %s", got)
	}
	if err := ask("shop.period-1h.store-S2.html"); err != nil { // and again
		t.Fatal(err)
	}
	f.shows("shop.period-1h.store-S2.html", "2 sales in 1h.")
}

// A page whose value is gone goes with it; so does one that an earlier process has left behind, but no page of another report.
func TestChoicesGo(t *testing.T) {
	t.Parallel()
	f := newFolder(t, choosing)
	f.exec(shops)
	for _, page := range []string{"shop.store-S1.html", "shop.store-S2.html"} {
		if err := f.job.Ask(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	f.exec("delete from transactions; delete from dim_stores where store_id = 'S1'")
	f.run()
	if got := f.pages(); got != "shop shop.store-S2" {
		t.Errorf("pages %s", got)
	}
	write(t, f.dir, "shop.x.md", small)
	other, err := report.New("report.other", report.With{File: "shop.x.md"}, report.Deps{DB: f.db, Dir: f.dir, Out: f.out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Run(t.Context(), run.Input{}); err != nil {
		t.Fatal(err)
	}
	before := f.built()
	f.restart()
	f.clock.Store(30)
	f.exec("alter table dim_stores rename to elsewhere") // nobody knows which stores there are: the page stays as it was
	f.run()
	if after := f.built(); after["shop.store-S2"] != before["shop.store-S2"] || after["shop"] == before["shop"] {
		t.Errorf("built %v, then %v", before, after)
	}
	f.exec("alter table elsewhere rename to dim_stores")
	f.clock.Store(120)
	f.restart()
	f.run()
	if got := f.pages(); got != "shop shop.x" {
		t.Errorf("pages after a restart %s", got)
	}
}

// At most fifty pages are kept up because somebody asked.
func TestAskedPagesAreBounded(t *testing.T) {
	t.Parallel()
	f := newFolder(t, choosing)
	f.exec("insert into dim_stores select 'S' || i, 'Store ' || i, 'x', 'y', i from generate_series(1, 60) as i")
	f.run()
	for i := range 60 {
		f.clock.Add(1)
		if err := f.job.Ask(t.Context(), fmt.Sprintf("shop.store-S%d.html", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(strings.Fields(f.pages())); n != 51 {
		t.Errorf("%d pages", n)
	}
}

// With pages: all nobody needs to ask, and the links lead somewhere on disk.
func TestAllPages(t *testing.T) {
	t.Parallel()
	f := newFolder(t, strings.Replace(choosing, "params:", "pages: all\nparams:", 1))
	f.exec(shops)
	if _, err := f.job.Run(t.Context(), run.Input{Once: true}); err != nil {
		t.Fatal(err)
	}
	if got := f.pages(); got != "shop shop.period-1h shop.period-1h.store-S1 shop.period-1h.store-S2 shop.store-S1 shop.store-S2" {
		t.Errorf("pages %s", got)
	}
	if _, err := f.job.Run(t.Context(), run.Input{Once: true}); err != nil {
		t.Fatal(err)
	}
	f.links("shop.html", "1h -> shop.period-1h.html", "South -> shop.store-S2.html")
}

const each = `---
title: Product
params: { period: { default: 24h, choices: [1h, 24h] } }
for_each: { param: product, in: products.product_id, names: products.product_name, title: All products }
---
~~~sql products
select product_id, product_name, category from dim_products order by 1
~~~
~~~sql sold
select count(*) as sales from transactions where ts > :now - :period and product_id = :product
~~~
~~~kpi sales
data: sold
value: sales
~~~
`

// for_each makes a page for each row, and an index of them. A page goes when its row does.
func TestForEach(t *testing.T) {
	t.Parallel()
	f := newFolder(t, each)
	f.exec(shops)
	res := f.run()
	if want := "1 of 1 cells current"; !strings.HasPrefix(res.Note, want) || !strings.HasSuffix(res.Note, ", 3 of 3 pages") {
		t.Errorf("note %q", res.Note)
	}
	const bulb = "shop.P-2~d3c46e3c"
	if got := f.pages(); got != "shop "+bulb+" shop.P1" {
		t.Errorf("pages %s", got)
	}
	f.shows("shop.html", "<h1>All products</h1>", "Light")
	f.links("shop.html", "Lamp -> shop.P1.html", "Bulb & more -> "+bulb+".html")
	f.shows("shop.P1.html", "<h1>Product: Lamp</h1>", `<p class="figure">2</p>`)
	f.links("shop.P1.html", "All products -> shop.html", "1h -> shop.P1.period-1h.html ?")
	f.shows(bulb+".html", "<h1>Product: Bulb &amp; more</h1>", `<p class="figure">1</p>`)
	if err := f.job.Ask(t.Context(), "shop.P1.period-1h.html"); err != nil {
		t.Fatal(err)
	}
	f.shows("shop.P1.period-1h.html", "<h1>Product: Lamp</h1>", `<p class="figure">2</p>`)
	f.links("shop.P1.period-1h.html", "24h -> shop.P1.html", "1h -> shop.P1.period-1h.html")
	if err := f.job.Ask(t.Context(), "shop.P3.html"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a product that is not there: %v", err)
	}
	f.exec("insert into dim_products values ('P3', 'Wire', 'Parts', 1); delete from transactions; delete from dim_products where product_id <> 'P3'")
	f.run()
	if got := f.pages(); got != "shop shop.P3" {
		t.Errorf("pages after products came and went: %s", got)
	}
	f.exec("delete from dim_products; insert into dim_products values ('P4', 'Pipe', 'Parts', 1)")
	f.restart() // the page of P3 was made by another process
	f.run()
	if got := f.pages(); got != "shop shop.P4" {
		t.Errorf("pages after a restart: %s", got)
	}
	f.exec("alter table dim_products rename to elsewhere")
	f.run() // nobody knows which products there are: no page goes
	if got := f.pages(); got != "shop shop.P4" {
		t.Errorf("pages when the query fails: %s", got)
	}
	f.exec("alter table elsewhere rename to dim_products; delete from dim_products")
	f.clock.Store(100)
	f.run()
	if got := f.pages(); got != "shop" {
		t.Errorf("pages without products: %s", got)
	}
	f.shows("shop.html", "No pages yet.")
	var s struct {
		Report, Page, Main string
		Cells              int
	}
	text, err := os.ReadFile(filepath.Join(f.out, "shop.status.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Report != "shop.md" || s.Page != "shop.html" || s.Main != "shop.html" || s.Cells != 1 {
		t.Errorf("status %+v, %v", s, err)
	}
}

// Many pages are spread over runs: each has its turn, and what a reader has open is made in each run.
func TestForEachIsSpread(t *testing.T) {
	t.Parallel()
	f := newFolder(t, strings.Replace(each, "title: Product\n", "title: Product\nrefresh: 1s\n", 1))
	f.exec("insert into dim_products select 'P' || i, 'Product ' || i, 'c', i from generate_series(1, 9) as i")
	f.job.SetBudget(0) // one page a run that nobody asked for
	for i := range 9 {
		f.clock.Add(1)
		f.run()
		if n := len(strings.Fields(f.pages())); n != i+2 {
			t.Fatalf("%d pages after run %d", n, i+1)
		}
	}
	if err := f.job.Ask(t.Context(), "shop.P5.html"); err != nil {
		t.Fatal(err)
	}
	made := map[string]int{}
	before := f.built()
	for i := range 34 {
		if i == 16 {
			f.clock.Add(60) // nobody looks any more
		}
		f.clock.Add(1)
		f.run()
		after := f.built()
		for name, at := range after {
			if at != before[name] {
				made[name]++
			}
		}
		before = after
	}
	for name, n := range made {
		want := 4
		switch name {
		case "shop":
			want = 34
		case "shop.P5":
			want = 18
		}
		if n != want {
			t.Errorf("%s was made %d times, want %d", name, n, want)
		}
	}
	if len(made) != 10 {
		t.Errorf("%d pages made", len(made))
	}
}

// built is when each page was.
func (f *folder) built() map[string]string {
	f.t.Helper()
	out := map[string]string{}
	for _, name := range strings.Fields(f.pages()) {
		text, err := os.ReadFile(filepath.Join(f.out, name+".status.json"))
		if err != nil {
			f.t.Fatal(err)
		}
		var s struct{ Built string }
		if err := json.Unmarshal(text, &s); err != nil {
			f.t.Fatal(err)
		}
		out[name] = s.Built
	}
	return out
}

// All pages of a run see one state of the database: whatever is sold in between, the pages of the products add up to the index.
func TestPagesSeeOneSnapshot(t *testing.T) {
	t.Parallel()
	f := newFolder(t, `---
title: Product
for_each: { param: product, in: products.product_id }
---
~~~sql products
select product_id, (select count(*) from transactions) as total from dim_products order by 1
~~~
~~~sql sold
select count(*) as sales from transactions
~~~
Sold {{ sold.sales }}, by {{ :product }}.
`)
	f.exec("insert into dim_stores values ('S1', 'North', 'Riyadh', 'Central', 100); insert into dim_products select 'P' || i, 'x', 'c', i from generate_series(1, 8) as i")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := f.db.Exec(t.Context(), "insert into transactions values ($1, 'P1', 'S1', 'C', 1, now())", i); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	for range 20 {
		f.run()
		sold := map[string]bool{}
		for _, name := range strings.Fields(f.pages()) {
			b, err := os.ReadFile(filepath.Join(f.out, name+".html"))
			if err != nil {
				t.Fatal(err)
			}
			if _, text, ok := strings.Cut(string(b), "Sold "); ok {
				n, _, _ := strings.Cut(text, ",")
				sold[n] = true
			}
		}
		if len(sold) != 1 {
			t.Errorf("pages of one run count %v sales", sold)
		}
	}
}

// Readers ask while the job renders.
func TestAskBesideRuns(t *testing.T) {
	t.Parallel()
	f := newFolder(t, choosing)
	f.exec(shops)
	var all sync.WaitGroup
	defer all.Wait()
	for _, page := range []string{"shop.html", "shop.store-S1.html", "shop.store-S2.html", "shop.period-1h.html"} {
		all.Go(func() {
			for range 10 {
				if err := f.job.Ask(t.Context(), page); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(filepath.Join(f.out, page)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 5 {
		f.run()
	}
	all.Wait()
	if got := f.pages(); got != "shop shop.period-1h shop.store-S1 shop.store-S2" {
		t.Errorf("pages %s", got)
	}
}

// A cell that fails alike on many pages is logged once, and counted.
func TestFailureOnManyPages(t *testing.T) {
	t.Parallel()
	f := newFolder(t, strings.Replace(each, "count(*) as sales", "count(nothing) as sales", 1))
	f.exec(shops)
	for range 3 {
		f.run()
		f.clock.Add(100)
	}
	if n := strings.Count(f.log.String(), "report cell failed"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &f.log)
	}
	var b strings.Builder
	if err := report.WriteMetrics(&b, []*report.Job{f.job}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`tillflow_report_pages{job="report.shop"} 3`, `tillflow_report_cells{job="report.shop"} 3`, `tillflow_report_cells_current{job="report.shop"} 1`,
		`tillflow_report_cells_failed{job="report.shop"} 2`, "# TYPE tillflow_report_pages gauge"} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("metrics do not say %s:\n%s", want, &b)
		}
	}
	if _, err := f.job.Run(t.Context(), run.Input{Once: true}); err == nil || strings.Count(err.Error(), "\n") != 0 || !strings.Contains(err.Error(), "cell sold") {
		t.Errorf("once: %v", err)
	}
}

// An included file is part of the report: editing it shows at the next run.
func TestEditedInclude(t *testing.T) {
	t.Parallel()
	f := newFolder(t, small)
	write(t, f.dir, "part.md", "First words.\n")
	write(t, f.dir, "shop.md", small+"~~~include part.md\n~~~\n")
	f.run()
	f.shows("shop.html", "First words.")
	write(t, f.dir, "part.md", "Other words.\n")
	f.run()
	f.shows("shop.html", "Other words.")
	write(t, f.dir, "part.md", "{{ countd.n }}\n")
	if _, err := f.job.Run(t.Context(), run.Input{}); err == nil || !strings.Contains(err.Error(), `part.md:1:1: no sql cell is called "countd" (did you mean "counted"?)`) {
		t.Errorf("error %v", err)
	}
	f.shows("shop.html", "Other words.")
}
