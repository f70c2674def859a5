package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// What `dag init` writes is sound, runs as it is, and gives the tables and the page that its dagfile tells of.
func TestInitWritesAProjectThatRuns(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "embedded:0")
	t.Setenv("DATABASE_URL", "embedded:0")
	dir := filepath.Join(t.TempDir(), "Coffee Bar")
	code, stdout, stderr := dag(t, "init", dir)
	if code != 0 || !strings.Contains(stdout, "dag run ") || !strings.Contains(stdout, "dag graph ") {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	common := []string{"-f", filepath.Join(dir, "dagfile.yaml"), "--state", pgtest.StateDir(t)}
	run := func(args ...string) (int, string, string) { return dag(t, append(args, common...)...) }
	if code, stdout, stderr := run("validate"); code != 0 || !strings.Contains(stdout, "6 jobs, no problem") {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	for range 2 { // the second run plays no order again
		if code, _, stderr := run("run", "--once"); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
	}
	for what, c := range map[string][2]string{
		"orders in the file and in the table": {"select count(*), min(order_id), max(order_id) from orders", "501,1,501"},
		"windows that differ from their orders": {`select count(*) from orders_by_quarter w full join
			(select date_bin('15 minutes', ordered_at, '2000-01-01') s, drink, sum(cups) c, sum(paid) p from orders group by 1, 2) o
			on (s, o.drink) = (window_start, w.drink) where (w.cups, w.revenue) is distinct from (c, p)`, "0"},
		"totals":       {"select sum(orders), sum(cups), sum(revenue) from drink_totals", "501,728,2211.20"},
		"checks":       {"select count(*) from dag.check_results where state <> 'passed'", "0"},
		"dead letters": {"select count(*) from dag.dead_letters", "0"},
	} {
		code, stdout, stderr := run("sql", c[0], "-o", "csv")
		if _, rows, _ := strings.Cut(stdout, "\n"); code != 0 || rows != c[1]+"\n" {
			t.Errorf("%s: exit code %d, %q, want %q %s", what, code, stdout, c[1], stderr)
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "reports", "out", "coffee_bar.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"2,211.20", "EUR", "Cappuccino", "leads with"} {
		if !strings.Contains(strings.ReplaceAll(string(page), "\u00a0", " "), text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

// It never writes over anything: with one file in the way nothing is written.
func TestInitTouchesNothingThatIsThere(t *testing.T) {
	for _, flags := range [][]string{nil, {"--retail"}} {
		dir := t.TempDir()
		mine := filepath.Join(dir, "dagfile.yaml")
		if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := dag(t, append([]string{"init", dir}, flags...)...)
		if code != 2 || !strings.Contains(stderr, mine+" is there already; nothing was written") {
			t.Errorf("exit code %d, %s", code, stderr)
		}
		files, err := os.ReadDir(dir)
		text, rerr := os.ReadFile(mine)
		if err != nil || rerr != nil || len(files) != 1 || string(text) != "mine" {
			t.Errorf("%d files, %q, %v %v", len(files), text, err, rerr)
		}
	}
}

// The pipeline of this repository is a start, too.
func TestInitRetail(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shop")
	if code, _, stderr := dag(t, "init", "--retail", dir); code != 0 {
		t.Fatal(stderr)
	}
	if code, stdout, stderr := dag(t, "validate", "-f", filepath.Join(dir, "dagfile.yaml")); code != 0 || !strings.Contains(stdout, "11 jobs") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	for _, name := range []string{"seeds/product_catalog.csv", "reports/dashboard.md", "dagfile.schema.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestProjectNames(t *testing.T) {
	for dir, want := range map[string]string{
		"/a/Coffee Bar": "coffee_bar", "/a/shop": "shop", "/a/2026-orders": "project_2026_orders", "/": "project", "/a/.hidden": "hidden",
	} {
		if got, err := projectName(dir); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", dir, got, want, err)
		}
	}
}
