package report_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/jobs/report"
	"tillflow/lib/pgtest"
)

// shipped renders a page of the pipeline once, and those beside it; a cell that fails is an error.
func shipped(t *testing.T, db *pgxpool.Pool, name string) *folder {
	t.Helper()
	f := &folder{t: t, db: db, dir: root, out: filepath.Join(t.TempDir(), "out")}
	j, err := report.New("report."+name, report.With{File: "reports/" + name + ".md"}, report.Deps{DB: db, Dir: f.dir, Out: f.out,
		Log: slog.New(slog.NewTextHandler(&f.log, nil)), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Run(t.Context(), run.Input{Once: true, AsOf: now}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	f.job = j
	return f
}

// Every page that ships says something sensible before there is anything to show.
func TestShippedPagesOfNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for _, name := range []string{"pipeline", "product", "models"} {
		f := shipped(t, db, name)
		b, err := os.ReadFile(filepath.Join(f.out, name+".html"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "{{") || strings.Contains(string(b), "No rows.") {
			t.Errorf("%s shows braces, or a cell has no words of its own for nothing", name)
		}
	}
}

// Who is paged at night reads first what is wrong, and then what to do about it.
func TestPipelinePageSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	exec(t, db, "testdata/pipeline.sql")
	f := shipped(t, db, "pipeline")
	b, err := os.ReadFile(filepath.Join(f.out, "pipeline.html"))
	if err != nil {
		t.Fatal(err)
	}
	main := string(b)[strings.Index(string(b), `<main`):]
	words := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(main, " ")), " ")
	const first = "WRONG: stream.transactions is stalled; report.dashboard fails: read report: &lt;gone&gt;; stream.transactions: broker-away, stream.transactions: dead-letter."
	if at := strings.Index(words, first); at < 0 || at > 40 {
		t.Errorf("the page begins with %.300s", words)
	}
	f.shows("pipeline.html", "broker-away", "start the broker", "dag logs report.dashboard", "the books are being closed", "check failed: no_free_sales",
		"dim_products.product_id=NEW-1", "transactions/0@17", "7 runs failed", "amount: not a number", "every 30s")
	if strings.Contains(string(b), "<gone>") || strings.Contains(string(b), `"<b>"`) {
		t.Error("a text from the database is not escaped")
	}
}

// Each product has its page, and the dashboard and the models lead to it.
func TestProductPages(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	f := shipped(t, db, "product")
	const want = "product product.HEADPHONES-001 product.LAPTOP-001 product.MOUSE-001 product.PHONE-001"
	if got := f.pages(); got != want {
		t.Errorf("pages %s, want %s", got, want)
	}
	f.links("product.html", "AeroBook 14 Laptop, 16 GB -> product.LAPTOP-001.html")
	f.shows("product.LAPTOP-001.html", "Spikes and drops of this product are found", "Spike", "91,000", "follows from this")
	f.shows("product.PHONE-001.html", "GONE-001", "leads to this")
	f.shows("product.MOUSE-001.html", "sells so seldom", "Glide Wireless Mouse &lt;b&gt;R&amp;D&lt;/b&gt;")
	d := shipped(t, db, "dashboard")
	d.links("dashboard.html", "AeroBook 14 Laptop, 16 GB -> product.LAPTOP-001.html", "22 Nov 18:13 -> product.LAPTOP-001.html#s-anomalies", "models -> models.html")
	m := shipped(t, db, "models")
	m.links("models.html", "AeroBook 14 Laptop, 16 GB -> product.LAPTOP-001.html")
	m.shows("models.html", "K-Means runs with <strong>k = 4</strong>", "buy often", "only spikes are found")
}

// sold() gives the same sums whichever pieces it reads: hours of long times, minutes of all stores, the sales of one.
func TestSoldAgreesWithTheSales(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	exec(t, db, "testdata/shop.sql")
	for _, c := range []struct{ since, until, store string }{
		{"2026-11-20 00:00", "2026-11-23 00:00", "all"}, {"2026-11-20 00:00", "2026-11-23 00:00", "STORE-JED-01"}, // hours
		{"2026-11-21 17:15", "2026-11-22 17:15", "all"}, {"2026-11-20 17:15", "2026-11-22 17:15", "all"}, // minutes
		{"2026-11-21 17:15", "2026-11-22 17:15", "STORE-JED-01"}, // sales
		{"2026-11-21 17:15", "2026-11-22 17:15", "STORE-NONE"},
	} {
		var got, want string
		const shape = "coalesce(string_agg(product_id || ' ' || n || ' ' || s, ', ' order by product_id), '') from "
		if err := db.QueryRow(t.Context(), "select "+shape+"(select product_id, sum(sales) n, sum(revenue) s from sold($1::timestamp, $2::timestamp, $3) group by 1) x",
			c.since, c.until, c.store).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(t.Context(), "select "+shape+"(select product_id, count(*) n, sum(amount) s from transactions where ts >= $1::timestamp and ts < $2::timestamp and $3 in ('all', store_id) group by 1) x",
			c.since, c.until, c.store).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || (want == "") != (c.store == "STORE-NONE") {
			t.Errorf("%v (-sales +sold):\n%s", c, diff)
		}
	}
}
