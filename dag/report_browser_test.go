//go:build browser

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/lib/chromium"
	"tillflow/lib/pgtest"
)

// A page that is open in a browser turns into what is wrong with its file, and back, without anybody touching it.
func TestWatchedPageInABrowser(t *testing.T) {
	dir, _ := shopReports(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: t.TempDir(), dagfile: filepath.Join(dir, "dagfile.yaml")}
	file := filepath.Join(dir, "stock.md")
	w := p.start("report", "watch", "report.stock")
	address := ""
	for deadline := time.Now().Add(time.Minute); address == ""; time.Sleep(20 * time.Millisecond) {
		_, rest, _ := strings.Cut(w.out.String(), "http://")
		if page, _, found := strings.Cut(rest, ","); found && get("http://"+page) != "" {
			address = "http://" + page
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing is served:\n%s", w.out)
		}
	}
	b, err := chromium.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tab, err := b.Open(ctx, address, 1280, 900)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(heading, text string) {
		t.Helper()
		if err := tab.Until(ctx, `document.querySelector('h1')?.textContent === '`+heading+`' && document.body.textContent.includes('`+text+`')`); err != nil {
			t.Fatal(err)
		}
	}
	shows("Stock", "item 2")
	writeText(t, file, strings.Replace(stockReport, "title: Stock", "titel: Stock", 1))
	shows("stock.md cannot be rendered", `did you mean "title"?`)
	writeText(t, file, strings.Replace(stockReport, "title: Stock", "title: Repaired", 1))
	shows("Repaired", "item 2")
	if code := w.stop(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestReportPDFInABrowser(t *testing.T) {
	dir, call := shopReports(t)
	file := filepath.Join(dir, "stock.pdf")
	code, stdout, stderr := call("report", "render", "report.stock", "--pdf", "-o", file)
	pdf, err := os.ReadFile(file)
	if code != 0 || err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) || !strings.Contains(stdout, "3 of 3 cells current") {
		t.Errorf("exit code %d, %q, %q, %d bytes, %v", code, stdout, stderr, len(pdf), err)
	}
}
