package notebook_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tillflow/lib/notebook"
	"tillflow/lib/pgtest"
)

// open reads a report of several files.
func open(t testing.TB, files map[string]string) (*notebook.Report, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	rep, problems, err := notebook.Open(dir, "reports/shop.md")
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return rep, dir
}

const tabbed = "---\ntitle: T\n---\n" +
	"~~~sql a\nselect 7 as b, 'product.P1.html' as page, 'x' as name\n~~~\n" +
	"## Sales {tabs columns=3}\nBefore.\n\n~~~kpi all_sales\ndata: a\nvalue: b\n~~~\n" +
	"### By {{ a.name }}\n~~~include parts/tab.md\n~~~\n### By day\nThe second.\n" +
	"## Stores {columns=1}\n### No tab\n~~~md notes width=full\n### Words\nSeven is {{ a.b | int }}, not `{{ a.b }}`, and **{{ a.c }}**.\n~~~\n" +
	"## What {{ a.name }}\nText with {braces} stays {so}\n"

// Tabs, columns, notes and included files: each block is where the file has it.
func TestLayout(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rep, dir := open(t, map[string]string{"reports/shop.md": tabbed,
		"reports/parts/tab.md":          "The first.\n~~~include deeper/table.md\n~~~\n",
		"reports/parts/deeper/table.md": "~~~table rows\ndata: a\nlinks: { name: page }\n~~~\n"})
	if got := strings.Join(rep.Files(), " "); got != "reports/shop.md reports/parts/tab.md reports/parts/deeper/table.md" {
		t.Errorf("files %s", got)
	}
	page, drawn := draw(t, load(t, db, notebook.NewBook(rep), at))
	if drawn.Cells != 2 || drawn.Current != 2 {
		t.Errorf("drawn %+v", drawn)
	}
	_, body, _ := strings.Cut(page, `<main id="main">`)
	at := 0
	for _, want := range []string{`id="s-sales"`, ">Sales</h2>", "Before.", `data-cell="all_sales"`, `id="s-sales-by-a-name"`, ">By x</h3>", "The first.", `data-cell="rows"`,
		`<a href="product.P1.html"><bdi>x</bdi></a>`, `id="s-sales-by-day"`, "The second.", `id="s-stores"`, ">No tab</h3>", `data-cell="notes"`, "<h3>Words</h3>",
		"Seven is 7, not <code>{{ a.b }}</code>, and", "a has no column", `id="s-what-a-name"`, ">What x</h2>", "Text with {braces} stays {so}"} {
		i := strings.Index(body[at:], want)
		if i < 0 {
			t.Errorf("%s is not in its place", want)
			continue
		}
		at += i
	}
	if n := strings.Count(body, "of3\""); n != 2 {
		t.Errorf("%d grids of three columns", n)
	}
	if !rep.Current(dir) {
		t.Error("the report is not what it was read from")
	}
	if err := os.WriteFile(filepath.Join(dir, "reports/parts/deeper/table.md"), []byte("~~~table rows\ndata: a\nsort: -c\n~~~\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if rep.Current(dir) {
		t.Error("a changed file was not seen")
	}
}

// What fails in an included file is told at its own line.
func TestErrorInAnIncludedFile(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rep, _ := open(t, map[string]string{"reports/shop.md": "---\ntitle: T\n---\n~~~include part.md\n~~~\n", "reports/part.md": "Words.\n\n~~~sql a\nselect 1 as n,\n       nothing as b\n~~~\n~~~kpi k\ndata: a\nvalue: n\n~~~\n"})
	e := load(t, db, notebook.NewBook(rep), at).Results["a"].Err
	if e == nil || e.Error() != `reports/part.md:5:8: cell a: column "nothing" does not exist` || e.Source != "       nothing as b" || strings.Index(e.Mark, "^") != 7 {
		t.Errorf("error %+v", e)
	}
}

// Only addresses beside the page become links: a value from the database leads to no other place and runs nothing.
func TestLinksStayBeside(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	good := []string{"product.html", "product.P1.html?x=1#y", "#s-sales", "sub/page.html", "a%20b.html"}
	bad := []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "https://example.com/", "//example.com/", "/etc/passwd", "\\\\example.com", "../../x.html",
		"sub/../../x", "data:text/html,x", "x.html\nOnclick=", "%zz", "a:b"}
	var rows []string
	for _, s := range append(append([]string{}, good...), bad...) {
		rows = append(rows, "('"+s+"')")
	}
	rep := parse(t, "\n~~~sql a\nvalues "+strings.Join(rows, ", ")+"\n~~~\n~~~table t\ndata: a\ncolumns: { column1: text }\nlinks: { column1: column1 }\n~~~\n~~~table u\ndata: a\nlinks: { column1: { report: product.md, value: column1 } }\n~~~\n"+
		"~~~table v\ndata: a\nlinks: { colum1: column1 }\n~~~\n~~~table w\ndata: a\nlinks: { column1: colum1 }\n~~~\n")
	page, drawn := draw(t, load(t, db, notebook.NewBook(rep), at))
	cell := func(name string) string {
		_, rest, _ := strings.Cut(page, `data-cell="`+name+`"`)
		rest, _, _ = strings.Cut(rest, "</article>")
		return rest
	}
	href := regexp.MustCompile(`<a href="([^"]*)"`)
	var got []string
	for _, m := range href.FindAllStringSubmatch(cell("t"), -1) {
		got = append(got, m[1])
	}
	if strings.Join(got, "|") != strings.Join(good, "|") {
		t.Errorf("links %q", got)
	}
	safe := regexp.MustCompile(`^product\.[A-Za-z0-9_~-]+\.html$`)
	if links := href.FindAllStringSubmatch(cell("u"), -1); len(links) != len(good)+len(bad) {
		t.Errorf("%d links to product pages", len(links))
	} else {
		for _, m := range links {
			if !safe.MatchString(m[1]) {
				t.Errorf("link %s", m[1])
			}
		}
	}
	var errs []string
	for _, e := range drawn.Failed {
		errs = append(errs, e.Error())
	}
	want := `r.md:23:10: cell v: links names "colum1", which the table does not show (did you mean "column1"?)` + "\n" + `r.md:27:10: cell w: a has no column "colum1" (did you mean "column1"?)`
	if got := strings.Join(errs, "\n"); got != want {
		t.Errorf("errors:\n%s\nwant:\n%s", got, want)
	}
}

// Without a folder nothing can be included.
func TestIncludeWantsAFolder(t *testing.T) {
	t.Parallel()
	_, problems := notebook.Parse("r.md", []byte("---\ntitle: T\n---\n~~~include part.md\n~~~\n"))
	if len(problems) != 1 || !strings.Contains(problems[0].String(), "r.md:4:12: part.md cannot be included: the report was not read from a folder") {
		t.Errorf("problems %v", problems)
	}
	if _, _, err := notebook.Open(t.TempDir(), "none.md"); !os.IsNotExist(err) {
		t.Errorf("error %v", err)
	}
}
