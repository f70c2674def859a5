package notebook_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/notebook"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

func TestPageName(t *testing.T) {
	t.Parallel()
	rep := parse(t, "---\ntitle: T\nparams:\n  window: 2h\n  period: { default: 24h, choices: [1h, 24h, 7d] }\n  store: { default: all, choices: [STORE-RUH-01, الرياض, 'a/b', 'a b', '', 'A very long name of a store in the north'] }\n---\n~~~sql a\nselect 1 as b\n~~~\n{{ a.b }}\n")
	rep.Page = "dashboard.html"
	for want, v := range map[string]notebook.Values{
		"dashboard.html":                                         nil,
		"dashboard.period-7d.html":                               {"period": "7d", "store": "all"},
		"dashboard.period-1h.store-STORE-RUH-01.html":            {"store": "STORE-RUH-01", "period": "1h"},
		"dashboard.window-1h.html":                               {"window": "1h"},
		"dashboard.store-~bd607e19.html":                         {"store": "الرياض"},
		"dashboard.store-a-b~c14cddc0.html":                      {"store": "a/b"},
		"dashboard.store-a-b~c8687a08.html":                      {"store": "a b"},
		"dashboard.store-~e3b0c442.html":                         {"store": ""},
		"dashboard.store-A-very-long-name-of-a-st~70ac1f4b.html": {"store": "A very long name of a store in the north"},
	} {
		got := notebook.PageName(rep, v)
		if got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
		if _, plain := v["window"]; rep.MayHave(got) == plain {
			t.Errorf("%s: MayHave is %t", got, !plain)
		}
		if _, plain := v["window"]; plain {
			continue
		}
		back, err := notebook.NewBook(rep).Snapshot(nil, at, at).Named(t.Context(), got)
		if err != nil || notebook.PageName(rep, back) != got {
			t.Errorf("%s: %v, %v", got, back, err)
		}
	}
	for _, no := range []string{"", "dashboard", "dashboard.html.html", "dashboard..html", "dashboard.period-2h.html", "dashboard.store-a-b.html", "dashboard.period-1h.period-7d.html",
		"dashboard.store-STORE-RUH-01.period-1h.html", "dashboards.html", "dashboard.now-1.html", "../dashboard.html"} {
		if rep.MayHave(no) {
			t.Errorf("there is no page %q", no)
		}
		if _, err := notebook.NewBook(rep).Snapshot(nil, at, at).Named(t.Context(), no); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", no, err)
		}
	}
}

// Whatever stands in a value, its page has a name of its own that any file system and address takes.
func TestPageNamesDiffer(t *testing.T) {
	t.Parallel()
	rep := parse(t, "---\ntitle: T\nparams:\n  a: { default: '', choices: [x] }\n  b: { default: '', choices: [x] }\n---\n~~~sql q\nselect 1 as b\n~~~\n{{ q.b }}\n")
	rng := rand.New(rand.NewPCG(1, 2))
	letters := []rune("ab-_.~/\\ \x01:é")
	word := func() string {
		out := make([]rune, rng.IntN(4)*rng.IntN(12))
		for i := range out {
			out[i] = letters[rng.IntN(len(letters))]
		}
		return string(out)
	}
	safe := regexp.MustCompile(`^r(\.[ab]-[A-Za-z0-9_~-]+)*\.html$`)
	seen := map[string]string{}
	for range 20_000 {
		v := notebook.Values{"a": word(), "b": word()}
		name, key := notebook.PageName(rep, v), fmt.Sprintf("%q %q", v["a"], v["b"])
		if old, ok := seen[name]; ok && old != key {
			t.Fatalf("%s is the page of %s and of %s", name, old, key)
		}
		seen[name] = key
		if !safe.MatchString(name) || len(name) > 100 {
			t.Fatalf("%s: %s", key, name)
		}
	}
}

const stores = `---
title: Sales of {{ :store }}
params:
  period: { default: 24h, label: Time, choices: [1h, 24h], names: [An hour, A day] }
  store: { default: all, choices: stores.store_id, names: stores.store_name }
  top: 10
---
~~~sql stores
select 's' || i as store_id, nullif('Store ' || i, 'Store 2') as store_name from generate_series(1, 3) as i union all select null, 'nothing' union all select 's1', 'twice'
~~~
~~~sql sold
select :store as store, :period as period, :top as top, clock_timestamp() as read
~~~
{{ sold.store }} for {{ :period }}, {{ :top }}.
`

func TestFilters(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, stores))
	d, err := readAs(t, db, b, notebook.Values{"store": "s2", "period": "24h"})
	if err != nil {
		t.Fatal(err)
	}
	d.Has = func(page string) bool { return page == "r.html" }
	want := []notebook.Filter{
		{Param: "period", Label: "Time", Choices: []notebook.Choice{
			{Value: "1h", Name: "An hour"},
			{Value: "24h", Name: "A day", Page: "r.store-s2.html", Current: true, OnDisk: true},
		}},
		{Param: "store", Label: "Store", Choices: []notebook.Choice{
			{Value: "all", Name: "All", Page: "r.html", OnDisk: true}, {Value: "s1", Name: "Store 1"},
			{Value: "s2", Name: "s2", Page: "r.store-s2.html", Current: true, OnDisk: true}, {Value: "s3", Name: "Store 3"},
		}},
	}
	if diff := cmp.Diff(want, d.Filters()); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
	d.Asked = true
	if c := d.Filters()[1].Choices[3]; c.Page != "r.store-s3.html" || c.OnDisk {
		t.Errorf("a page that can be asked for: %+v", c)
	}
	page, _ := draw(t, d)
	for _, part := range []string{"<title>Sales of s2</title>", "s2 for A day, 10."} {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not say %s", part)
		}
	}
	for _, v := range []notebook.Values{{"store": "s4"}, {"period": "2h"}, {"shop": "x"}, {"store": "S1"}} {
		_, err := readAs(t, db, b, v)
		var wrong *notebook.ValueError
		if !errors.As(err, &wrong) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", v, err)
		}
	}
	if _, err := readAs(t, db, b, notebook.Values{"store": "s4"}); err == nil || err.Error() != `parameter store has no choice "s4" (did you mean "s1"?)` {
		t.Errorf("error %v", err)
	}
}

// Pages share what does not depend on what they differ in, and remember apart what does.
func TestPagesShareResults(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, strings.Replace(stores, "sql stores", "sql stores cache=1h", 1)))
	reads := map[string]string{}
	read := func(v notebook.Values) string {
		t.Helper()
		d, err := readAs(t, db, b, v)
		if err != nil {
			t.Fatal(err)
		}
		f := d.Results["sold"].Frame
		reads[f.Column("store").Text(0)] = f.Column("read").Text(0)
		return f.Column("store").Text(0) + " " + f.Column("top").Text(0)
	}
	for want, v := range map[string]notebook.Values{"all 10": nil, "s1 10": {"store": "s1"}, "s2 3": {"store": "s2", "top": "3"}} {
		if got := read(v); got != want {
			t.Errorf("%v: %s", v, got)
		}
	}
	if len(reads) != 3 || reads["all"] == reads["s1"] {
		t.Errorf("reads %v", reads)
	}
	b.Keep(nil)
	if got := read(notebook.Values{"store": "s1"}); got != "s1 10" {
		t.Errorf("after Keep: %s", got)
	}
}

// Choices that cannot be had are an error that says why, not a page that does not exist.
func TestChoicesThatFail(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, strings.Replace(stores, "select 's' ||", "select nothing ||", 1)))
	d, err := readAs(t, db, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := d.Filters()[1].Choices; len(c) != 1 || c[0].Name != "All" {
		t.Errorf("choices %v", c)
	}
	_, err = readAs(t, db, b, notebook.Values{"store": "s1"})
	var failed *notebook.CellError
	if !errors.As(err, &failed) || failed.Cell != "stores" || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// A value of for_each is bound with the type of its column.
func TestForEachTypes(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for column, want := range map[string]string{"7": "bigint", "7.5::float8": "double precision", "true": "boolean", "'0012'": "text", "'2026-11-22 10:00'::timestamp": "timestamp without time zone"} {
		rep := parse(t, "---\ntitle: T\nfor_each: { param: p, in: rows.v }\n---\n~~~sql rows\nselect "+column+" as v\n~~~\n~~~sql a\nselect pg_typeof(:p)::text as kind, :p::text as v\n~~~\n{{ a.kind }}\n")
		b := notebook.NewBook(rep)
		var d *notebook.Data
		var pages []notebook.Values
		err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) (err error) {
			d, pages, err = b.Snapshot(tx, at, at).Index(t.Context())
			return err
		})
		if err != nil || len(pages) != 1 {
			t.Fatal(pages, err)
		}
		html, _ := draw(t, d)
		if !strings.Contains(html, `href="r.`) {
			t.Errorf("%s: the index has no link", column)
		}
		page, err := readAs(t, db, b, pages[0])
		if err != nil {
			t.Fatal(err)
		}
		if r := page.Results["a"]; r.Err != nil || r.Frame.Column("kind").Text(0) != want {
			t.Errorf("%s: %+v", column, r)
		}
	}
}

// Without a value a report for each row has no page, and says so.
func TestForEachWantsAValue(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, "---\ntitle: T\nfor_each: { param: p, in: rows.v }\n---\n~~~sql rows\nselect 1 as v\n~~~\n~~~sql a\nselect :p as v\n~~~\n{{ a.v }}\n"))
	for v, want := range map[string]string{"": "parameter p has no value (for_each gives one to each page)", "2": `parameter p has no choice "2" (choices: 1)`} {
		values := notebook.Values{"p": v}
		if v == "" {
			values = nil
		}
		if _, err := readAs(t, db, b, values); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", v, err, want)
		}
	}
}

// A cell may not take longer than the page waits for the next one, except where the report is made once.
func TestTimeoutBelowRefresh(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rep := parse(t, "---\ntitle: T\nrefresh: 1s\n---\n~~~sql slow timeout=1m\nselect pg_sleep(1.2)::text as v\n~~~\n{{ slow.v }}\n")
	b := notebook.NewBook(rep)
	d, err := readAs(t, db, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := d.Results["slow"].Err; e == nil || e.Msg != "took longer than 900ms and was cancelled" {
		t.Errorf("error %v", e)
	}
	b = notebook.NewBook(rep)
	b.Patient = true
	if d, err = readAs(t, db, b, nil); err != nil || d.Results["slow"].Err != nil {
		t.Errorf("patient: %+v, %v", d.Results["slow"], err)
	}
	if got := fmt.Sprint(rep.Warnings()); got != "[r.md:5:21: timeout=1m is cut to 900ms: the page refreshes every 1s (a cheaper query, or a longer refresh)]" {
		t.Errorf("warnings %s", got)
	}
}

func TestUnusedParams(t *testing.T) {
	t.Parallel()
	rep := parse(t, "---\ntitle: T\nparams: { a: 1, b: { default: 2, choices: [2, 3] } }\nfor_each: { param: p, in: q.v }\n---\n~~~sql q\nselect :a as v\n~~~\n{{ q.v }} {{ :b }}\n")
	got := fmt.Sprint(rep.Warnings())
	if got != "[r.md:3:17: no query uses parameter :b (name it in an sql cell, or delete it) r.md:4:13: no query uses parameter :p (name it in an sql cell, or delete it)]" {
		t.Errorf("warnings %s", got)
	}
}

// "ago" counts from the time a page was built, not from the time it shows.
func TestAgoIsOfTheBuild(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	b := notebook.NewBook(parse(t, "---\ntitle: T\n---\n~~~sql q\nselect timestamp '2026-11-22 17:00' as v\n~~~\nSold {{ q.v | ago }}.\n"))
	err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) error {
		d, err := b.Load(t.Context(), tx, at.Add(-time.Hour), at)
		if err != nil {
			return err
		}
		if page, _ := draw(t, d); !strings.Contains(page, "Sold 14 min ago.") {
			t.Error("not 14 min")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
