package report_test

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/jobs/report"
	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

var (
	unread   = regexp.MustCompile(`(?s)<(style|script|svg|noscript|pre|title)\b.*?</(?:style|script|svg|noscript|pre|title)>`)
	blocks   = regexp.MustCompile(`<(?:p|h1|h2|h3|li|tr|caption|label|div|article|button|summary|section|header|footer|input)\b[^>]*>`)
	cells    = regexp.MustCompile(`<t[hd]\b[^>]*>`)
	anyTag   = regexp.MustCompile(`<[^>]*>`)
	hrefs    = regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>`)
	pictures = regexp.MustCompile(`(?s)<svg class="chart[^>]*>(?:<title[^<]*</title><desc[^>]*>([^<]*)</desc>)?.*?</svg>`)
	current  = regexp.MustCompile(`<a [^>]*aria-current="page"[^>]*>`)
)

// reading is what a reader reads on a page: its words, what charts say of themselves, and where links lead. How it looks has
// golden files in lib/notebook.
func reading(page string) []byte {
	_, page, _ = strings.Cut(page, "<h1>")
	page, _, _ = strings.Cut(page, "</main>")
	page = strings.ReplaceAll(page, "</span><span", "</span>, <span")
	page = pictures.ReplaceAllString(page, "\n$1\n")
	s := current.ReplaceAllStringFunc(unread.ReplaceAllString(page, ""), func(string) string { return "(*) " })
	s = hrefs.ReplaceAllString(s, "[$1] ")
	s = anyTag.ReplaceAllString(cells.ReplaceAllString(blocks.ReplaceAllString(s, "\n"), " | "), "")
	var out []string
	for line := range strings.Lines(html.UnescapeString(s)) {
		if line = strings.Trim(line, " \n|"); line != "" && (len(out) == 0 || line != out[len(out)-1]) {
			out = append(out, line)
		}
	}
	return []byte(strings.Join(out, "\n") + "\n")
}

// A report with a page for each product, filters, tabs and an included file, as a reader gets its index, a page of the
// defaults and one that was asked for.
func TestPagesGolden(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	out := filepath.Join(t.TempDir(), "out")
	j, err := report.New("report.products", report.With{File: "testdata/product.md"}, report.Deps{DB: db, Dir: ".", Out: out, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(t.Context(), run.Input{AsOf: now, Progress: func(run.Progress) {}}); err != nil {
		t.Fatal(err)
	}
	const asked = "product.LAPTOP-001.period-7d.store-STORE-RUH-01.html"
	if err := j.Ask(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	timings := regexp.MustCompile(` · [\d.]+ ms`)
	for page, file := range map[string]string{"product.html": "index.txt", "product.LAPTOP-001.html": "product.txt", asked: "product_filtered.txt"} {
		b, err := os.ReadFile(filepath.Join(out, page))
		if err != nil {
			t.Fatal(err)
		}
		var revenue string
		if page != "product.html" { // a second opinion on the figure in large type
			period, store := "24 h", "%"
			if page == asked {
				period, store = "7 d", "STORE-RUH-01"
			}
			if err := db.QueryRow(t.Context(), `select to_char(sum(amount), 'FM999,999,999') from transactions
				where product_id = 'LAPTOP-001' and ts > $1::timestamp - $2::text::interval and ts <= $1 and store_id like $3`, now, period, store).Scan(&revenue); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), "</small> "+revenue+"</p>") {
				t.Errorf("%s does not show %s", page, revenue)
			}
		}
		golden.Check(t, filepath.Join("testdata", file), timings.ReplaceAll(reading(string(b)), nil))
	}
}
