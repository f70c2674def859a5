package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/jobs/report"
	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// now is the clock of these tests: a Sunday evening in Riyadh.
var now = time.Date(2026, 11, 22, 17, 14, 3, 0, time.UTC)

// root is the folder of the dagfile: that of the pipeline itself.
const root = "../.."

func job(t testing.TB, db *pgxpool.Pool, dir, file string, log *slog.Logger) *report.Job {
	t.Helper()
	j, err := report.New("report.test", report.With{File: file}, report.Deps{DB: db, Dir: dir, Out: filepath.Join(t.TempDir(), "out"), Log: log, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func page(t testing.TB, j *report.Job) string {
	t.Helper()
	b, err := os.ReadFile(j.Page())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func exec(t testing.TB, db *pgxpool.Pool, file string) {
	t.Helper()
	sql, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), string(sql)); err != nil {
		t.Fatal(err)
	}
}

var styleOrScript = regexp.MustCompile(`(?s)<(style|script)>.*?</(?:style|script)>`)

// visible is how many cells of the dashboard a reader sees.
func visible(t testing.TB) int {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "reports/dashboard.md"))
	if err != nil {
		t.Fatal(err)
	}
	return len(regexp.MustCompile(`(?m)^~~~(kpi|chart|table) `).FindAll(src, -1))
}

// The retail dashboard on a day of fixed sales, as a reader gets it. Its figures are checked against SQL of the test's
// own in TestDashboardFigures.
func TestDashboardGolden(t *testing.T) {
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	j := job(t, db, root, "reports/dashboard.md", nil)
	res, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now})
	if err != nil {
		t.Fatal(err)
	}
	if n := visible(t); !strings.HasPrefix(res.Note, fmt.Sprintf("%d of %d cells current", n, n)) || res.RowsRead == 0 {
		t.Errorf("result %+v", res)
	}
	first := page(t, j)
	golden.Check(t, "testdata/dashboard.txt", reading(first))
	if len(first) > 250_000 {
		t.Errorf("the page has %d bytes, more than 250 kB", len(first))
	}
	if _, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now}); err != nil {
		t.Fatal(err)
	}
	if page(t, j) != first {
		t.Error("two renderings at the same time of the same data differ")
	}
}

// The figures a reader sees are those that plain SQL over the sales gives, without windows, buckets or caches.
func TestDashboardFigures(t *testing.T) {
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	j := job(t, db, root, "reports/dashboard.md", nil)
	if _, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now}); err != nil {
		t.Fatal(err)
	}
	html := page(t, j)
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(styleOrScript.ReplaceAllString(html, ""), " ")
	const period = "ts >= timestamp '2026-11-21 17:15' and ts < timestamp '2026-11-22 17:15'"
	for name, query := range map[string]string{
		"gross":     "select to_char(sum(amount), 'FM999,999,999') from transactions where " + period,
		"sales":     "select to_char(count(*), 'FM999,999') from transactions where " + period,
		"customers": "select to_char(count(distinct customer_id), 'FM999,999') from transactions where " + period,
		"refunds":   "select to_char(sum(refund_amount), 'FM999,999,999') from refunds where " + period,
		"net": "select to_char((select sum(amount) from transactions where " + period + ") - (select sum(refund_amount) from refunds where " + period +
			"), 'FM999,999,999')",
		"refund count": "select count(*) || ' refunds' from refunds where " + period,
		"best store":   "select to_char(max(s), 'FM999,999,999') from (select sum(amount) as s from transactions where " + period + " group by store_id) as x",
		"newest sale":  "select to_char(max(ts) + interval '3 h', 'HH24:MI:SS') from transactions",
		"reason":       "select to_char(sum(refund_amount), 'FM999,999,990.00') from refunds where reason = 'wrong_item' and " + period,
	} {
		var want string
		if err := db.QueryRow(t.Context(), query).Scan(&want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s is not on the page", name, want)
		}
	}
}

// On an empty database every cell says in its own words that there is nothing yet.
func TestDashboardEmpty(t *testing.T) {
	db := pgtest.Open(t)
	j := job(t, db, root, "reports/dashboard.md", nil)
	if _, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now}); err != nil {
		t.Fatal(err)
	}
	html := page(t, j)
	cells := regexp.MustCompile(`(?s)<article class="cell ([^"]*)" data-cell="([^"]*)".*?</article>`).FindAllStringSubmatch(html, -1)
	if n := visible(t); len(cells) != n {
		t.Errorf("%d cells, want %d", len(cells), n)
	}
	for _, c := range cells {
		if !strings.Contains(c[0], `<p class="none">No `) || strings.Contains(c[0], "No rows.") {
			t.Errorf("%s is not empty in its own words: %s", c[2], c[1])
		}
	}
	if strings.Contains(html, "<mark") || strings.Contains(html, "{{") {
		t.Error("a text without values shows its braces or an error")
	}
}

// The dashboard follows new sales at once: figures, charts and the list of the last ones.
func TestDashboardMoves(t *testing.T) {
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	clock := now
	j, err := report.New("report.test", report.With{File: "reports/dashboard.md"}, report.Deps{DB: db, Dir: root, Out: filepath.Join(t.TempDir(), "out"), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	hashes := func() map[string]string {
		t.Helper()
		if _, err := j.Run(t.Context(), run.Input{AsOf: now}); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, m := range regexp.MustCompile(`data-cell="([^"]*)" data-h="([^"]*)"`).FindAllStringSubmatch(page(t, j), -1) {
			out[m[1]] = m[2]
		}
		return out
	}
	before := hashes()
	if _, err := db.Exec(t.Context(), `
		insert into transactions values (900001, 'LAPTOP-001', 'STORE-RUH-01', 'CUST-NEW', 4599, '2026-11-22 17:14:01');
		insert into product_metrics_minute values ('2026-11-22 17:14', '2026-11-22 17:15', 'LAPTOP-001', 4599, 1)
		on conflict (window_start, product_id) do update set total_revenue = product_metrics_minute.total_revenue + 4599, transaction_count = product_metrics_minute.transaction_count + 1`); err != nil {
		t.Fatal(err)
	}
	clock = now.Add(15 * time.Second) // a part is cached for ten
	after := hashes()
	for _, cell := range []string{"gross_revenue", "net_revenue", "transactions", "revenue_by_product", "revenue_by_category", "top_products", "cumulative_revenue", "transaction_volume", "last_transactions"} {
		if before[cell] == after[cell] || after[cell] == "" {
			t.Errorf("%s did not change", cell)
		}
	}
	for _, cell := range []string{"refunds_by_reason", "segment_distribution", "association_rules", "anomalies"} {
		if before[cell] != after[cell] {
			t.Errorf("%s changed without reason", cell)
		}
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const small = "---\ntitle: Small\n---\n~~~sql counted\nselect count(*) as n from dim_products\n~~~\n~~~kpi products\ndata: counted\nvalue: n\n~~~\n"

const broken = small + "~~~sql stock\nselect on_hand from dim_stores\n~~~\n~~~table stock_table\ndata: stock\n~~~\n"

// A failing cell leaves the page whole. It fails the job only when the job runs once; otherwise it is logged once.
func TestFailingCell(t *testing.T) {
	db := pgtest.Open(t)
	dir := t.TempDir()
	write(t, dir, "r.md", broken)
	var logged bytes.Buffer
	j := job(t, db, dir, "r.md", slog.New(slog.NewTextHandler(&logged, nil)))
	for range 3 {
		res, err := j.Run(t.Context(), run.Input{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(res.Note, "1 of 2 cells current") {
			t.Errorf("note %q", res.Note)
		}
	}
	if n := strings.Count(logged.String(), "report cell failed"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &logged)
	}
	html := page(t, j)
	for _, want := range []string{"column &#34;on_hand&#34; does not exist", "r.md, cell stock, line 12, column 8", "select on_hand from dim_stores", "Waiting for <code>stock</code>", "1 of 2 cells current"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	_, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now})
	if err == nil || err.Error() != `r.md:12:8: cell stock: column "on_hand" does not exist` {
		t.Errorf("once: %v", err)
	}
	var status struct {
		Cells, Current int
		Failed         []struct{ Cell, Error string }
	}
	text, err := os.ReadFile(strings.TrimSuffix(j.Page(), ".html") + ".status.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &status); err != nil || status.Cells != 2 || status.Current != 1 || len(status.Failed) != 1 || status.Failed[0].Cell != "stock" {
		t.Errorf("status %+v, %v", status, err)
	}
	if _, err := db.Exec(t.Context(), "alter table dim_stores add column on_hand integer"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "r.md", broken+"\nNow it is there.\n")
	if _, err := j.Run(t.Context(), run.Input{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(logged.String(), "report cells work again") || !strings.Contains(page(t, j), "2 of 2 cells current") {
		t.Errorf("did not come back:\n%s", &logged)
	}
}

// A report may be edited while the pipeline runs. A mistake fails the run with its place and leaves the last good page.
func TestEditedReport(t *testing.T) {
	db := pgtest.Open(t)
	dir := t.TempDir()
	write(t, dir, "r.md", small)
	j := job(t, db, dir, "r.md", nil)
	if _, err := j.Run(t.Context(), run.Input{}); err != nil {
		t.Fatal(err)
	}
	good := page(t, j)
	write(t, dir, "r.md", strings.Replace(small, "data: counted", "data: cuonted", 1))
	_, err := j.Run(t.Context(), run.Input{})
	var wrong *report.FileError
	if !errors.As(err, &wrong) || err.Error() != `report.test: r.md:8:1: no sql cell is called "cuonted" (did you mean "counted"?)` {
		t.Errorf("error %v", err)
	}
	if page(t, j) != good {
		t.Error("the last good page was touched")
	}
	write(t, dir, "r.md", strings.Replace(small, "title: Small", "title: Large", 1))
	if _, err := j.Run(t.Context(), run.Input{}); err != nil {
		t.Fatal(err)
	}
	if j.Title() != "Large" || !strings.Contains(page(t, j), "<h1>Large</h1>") {
		t.Error("the new file was not read")
	}
}

// Without a database the run fails, in words without the address, and the last good page stays.
func TestDatabaseAway(t *testing.T) {
	db := pgtest.Open(t)
	dir := t.TempDir()
	write(t, dir, "r.md", small)
	j := job(t, db, dir, "r.md", nil)
	if _, err := j.Run(t.Context(), run.Input{}); err != nil {
		t.Fatal(err)
	}
	good := page(t, j)
	db.Close()
	if _, err := j.Run(t.Context(), run.Input{}); err == nil {
		t.Error("no error without a database")
	}
	if page(t, j) != good {
		t.Error("the last good page was touched")
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "r.md", "---\ntitel: x\n---\n")
	_, err := report.New("r", report.With{File: "r.md"}, report.Deps{Dir: dir})
	var wrong *report.FileError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 2 {
		t.Errorf("error %v", err)
	}
	if _, err := report.New("r", report.With{File: "none.md"}, report.Deps{Dir: dir}); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Readers that read all the time see whole pages only, old or new.
func TestReadersSeeWholePages(t *testing.T) {
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	j := job(t, db, root, "reports/dashboard.md", nil)
	if _, err := j.Run(t.Context(), run.Input{AsOf: now}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	writer := make(chan error, 1)
	var writes atomic.Int64
	go func() {
		for ctx.Err() == nil {
			if _, err := j.Run(t.Context(), run.Input{AsOf: now}); err != nil {
				writer <- err
				return
			}
			writes.Add(1)
		}
		writer <- nil
	}()
	for i := 0; i < 1000 || writes.Load() < 10; i++ {
		b, err := os.ReadFile(j.Page())
		if err != nil || !bytes.HasPrefix(b, []byte("<!doctype html>")) || !bytes.HasSuffix(b, []byte("</html>\n")) {
			t.Errorf("read %d: %d bytes, %v", i, len(b), err)
			break
		}
		if len(writer) > 0 {
			break
		}
	}
	cancel()
	if err := <-writer; err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(j.Page()), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left behind: %v %v", left, err)
	}
}

func ExampleFileError() {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "r.md"), []byte("---\ntitle: Shop\nrefesh: 5s\n---\n~~~sql a\nselect 1 as b\n~~~\n"), 0o644); err != nil {
		panic(err)
	}
	_, err = report.New("report.shop", report.With{File: "r.md"}, report.Deps{Dir: dir})
	fmt.Println(err)
	// Output: r.md:3:1: unknown key "refesh" (did you mean "refresh"?)
}
