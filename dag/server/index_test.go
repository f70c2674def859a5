package server_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tillflow/dag/server"
)

// page writes a page and what stands beside it, as a report does.
func page(t *testing.T, out, name, title string, built time.Time, status string) {
	t.Helper()
	replace(t, out, strings.TrimSuffix(name, ".html")+".status.json", status)
	replace(t, out, name, fmt.Sprintf("<!doctype html>\n<html lang=\"en\" data-edition=\"1\" data-built=%q data-refresh=\"5000\">\n<head><title>%s</title></head>", built.Format(time.RFC3339Nano), title))
}

// shop is a folder of three reports: one that is current, one that has stopped and has a hostile title, one with a page a product.
func shop(t *testing.T, out string, now time.Time) {
	t.Helper()
	riyadh := time.FixedZone("", 3*60*60)
	page(t, out, "dashboard.html", "Retail live dashboard", now.Add(-3*time.Second).In(riyadh), `{"report":"reports/dashboard.md","main":"dashboard.html","cells":16,"current":16,"failed":[]}`)
	page(t, out, "dashboard.period-7d.html", "Retail live dashboard", now.Add(-3*time.Second).In(riyadh), `{"report":"reports/dashboard.md","main":"dashboard.html","values":{"period":"7d"},"cells":16,"current":16,"failed":[]}`)
	page(t, out, "pipeline.html", "&lt;script&gt;alert(1)&lt;/script&gt; نظام", now.Add(-time.Hour), `{"report":"reports/pipeline.md","main":"pipeline.html","cells":9,"current":8,"failed":[{"cell":"dead_<b>letters","error":"no table"}]}`)
	page(t, out, "product.html", "Products", now.Add(-4*time.Second), `{"report":"reports/product.md","main":"product.html","cells":1,"current":1,"failed":[]}`)
	for i, name := range []string{"Laptop", "Phone", "Arabic coffee pot, large"} {
		failed, current := "", 4
		if i == 1 {
			failed, current = `{"cell":"sold","error":"division by zero"}`, 3
		}
		page(t, out, fmt.Sprintf("product.P-%d.html", i), name, now.Add(-4*time.Second), fmt.Sprintf(`{"report":"reports/product.md","main":"product.html","values":{"product":"%s"},"cells":4,"current":%d,"failed":[%s]}`, name, current, failed))
	}
}

func TestIndexListsTheReports(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	now := time.Date(2026, 1, 5, 17, 30, 0, 0, time.UTC)
	shop(t, out, now)
	s := serve(t, out, func(c *server.Config) { c.Now = func() time.Time { return now } })
	code, body, h := get(t, s.Address()+"/", nil)
	if code != 200 || h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatal(code, h)
	}
	for _, want := range []string{
		"3 reports", `<a href="dashboard.html"><bdi>Retail live dashboard</bdi></a>`, "16 of 16 cells current", "built 3 s ago",
		`<summary>1 page</summary>`, `<a href="dashboard.period-7d.html"><bdi>Retail live dashboard, period 7d</bdi></a>`, "built 20:29:57",
		"&lt;script&gt;alert(1)&lt;/script&gt; نظام", "Stale, built 1 h ago", `class="card failed"`, "1 cell failing: <code>dead_&lt;b&gt;letters</code>",
		`<summary>3 pages, <b class="bad">1 with a failing cell</b></summary>`, "Arabic coffee pot, large", "from <code>reports/product.md</code>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the index lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "alert(1)</script>") || strings.Contains(body, "<b>letters") || strings.Contains(body, "style=") {
		t.Errorf("text of a report is taken for markup:\n%s", body)
	}

	// Only its own style and script may run, and they are those that the policy names.
	policy := h.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %s", policy)
	}
	for _, tag := range []string{"style", "script"} {
		m := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(body, -1)
		if len(m) != 1 {
			t.Fatalf("%d of %s", len(m), tag)
		}
		sum := sha256.Sum256([]byte(m[0][1]))
		if !strings.Contains(policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("the policy does not know the %s", tag)
		}
	}
	if code, _, _ := get(t, s.Address()+"/", func(r *http.Request) { r.Header.Set("If-None-Match", h.Get("ETag")) }); code != http.StatusNotModified {
		t.Errorf("an unchanged index is sent again: %d", code)
	}

	_, metrics, _ := get(t, s.Address()+"/metrics", nil)
	for _, want := range []string{
		"up 1\n", `tillflow_page_age_seconds{page="dashboard.html"} 3` + "\n", `tillflow_page_age_seconds{page="pipeline.html"} 3600` + "\n", `tillflow_page_stale{page="pipeline.html"} 1` + "\n",
		`tillflow_page_stale{page="dashboard.html"} 0` + "\n", `tillflow_page_failed_cells{page="pipeline.html"} 1` + "\n", `tillflow_page_failed_cells{page="product.html"} 1` + "\n",
		"# TYPE tillflow_page_failed_cells gauge\n",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q:\n%s", want, metrics)
		}
	}
	if strings.Contains(metrics, "P-0") {
		t.Errorf("a series for each page of a report:\n%s", metrics)
	}
}

// One report with many pages is one report: its own page is the start page.
func TestTheOnlyReportIsTheStartPage(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	now := time.Now()
	page(t, out, "product.P-1.html", "Laptop", now, `{"report":"p.md","main":"product.html","values":{"product":"1"}}`)
	page(t, out, "product.html", "Products", now, `{"report":"p.md","main":"product.html"}`)
	s := serve(t, out)
	if code, _, h := get(t, s.Address()+"/", nil); code != http.StatusFound || h.Get("Location") != "/product.html" {
		t.Errorf("%d %v", code, h)
	}
	// A page that says nothing of itself is listed all the same.
	replace(t, out, "plain.html", "<p>hello")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		code, body, _ := get(t, s.Address()+"/", nil)
		if code == 200 && strings.Contains(body, `<a href="plain.html"><bdi>plain</bdi></a>`) && strings.Contains(body, "not known how current") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", code, body)
		}
	}
}
