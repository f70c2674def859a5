//go:build browser

package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/lib/chromium"
)

func start(t *testing.T) (*chromium.Browser, context.Context) {
	t.Helper()
	b, err := chromium.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return b, ctx
}

// The index follows its reports in a real browser, under its own policy: what is open stays open, what has the focus keeps
// it, a report that comes is listed.
func TestBrowserIndex(t *testing.T) {
	out := t.TempDir()
	shop(t, out, time.Now())
	s := serve(t, out)
	b, ctx := start(t)
	tab, err := b.Open(ctx, s.Address(), 390, 800)
	if err != nil {
		t.Fatal(err)
	}
	do := func(script string) {
		t.Helper()
		if err := tab.Eval(ctx, script, nil); err != nil {
			t.Fatal(err)
		}
	}
	until := func(condition string) {
		t.Helper()
		if err := tab.Until(ctx, condition); err != nil {
			t.Fatal(err)
		}
	}
	until(`document.querySelector('#state').textContent === 'Live'`)
	until(`getComputedStyle(document.querySelector('.card')).borderRadius === '10px' && !document.querySelector('#theme').hidden`) // its style and its script are let in
	until(`document.documentElement.scrollWidth <= innerWidth`)
	do(`window.refused = 0; document.addEventListener('securitypolicyviolation', () => refused++)`)
	do(`document.querySelector('details[data-page="product.html"]').open = true; document.querySelector('details[data-page="product.html"] summary').focus()`)
	page(t, out, "new.html", "A new report", time.Now(), `{"report":"new.md","main":"new.html","cells":2,"current":2}`)
	until(`[...document.querySelectorAll('h2')].some((h) => h.textContent === 'A new report')`)
	until(`document.querySelector('details[data-page="product.html"]').open && document.activeElement.matches('details[data-page="product.html"] summary')`)
	until(`document.querySelector('.age:not(.stale)')?.textContent.includes('built 1') || document.querySelector('.age')?.textContent.includes('s ago')`)
	do(`document.querySelector('#theme').click()`)
	until(`document.documentElement.dataset.theme === 'dark' && getComputedStyle(document.body).backgroundColor === 'rgb(15, 19, 25)'`)
	until(`refused === 0`)
	do(`document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))`) // the policy is one
	until(`refused === 1 && !window.ran`)

	// With one report left it goes there.
	files, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if filepath.Base(f) != "new.html" {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	page(t, out, "new.html", "A new report", time.Now(), `{"report":"new.md","main":"new.html"}`)
	until(`location.pathname === '/new.html'`)
}

// What a real browser does for a page of another site: a name that was made to point here is refused, and what such a page
// asks of here it cannot read.
func TestBrowserForeignPagesReadNothing(t *testing.T) {
	out := t.TempDir()
	replace(t, out, "page.html", "<title>figures</title>figures")
	s := serve(t, out)
	b, ctx := start(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.Address(), "http://"), ":")
	rebound, err := b.Open(ctx, "http://evil.localhost:"+port+"/page.html", 800, 600) // which browsers take for this machine
	if err != nil {
		t.Fatal(err)
	}
	var text string
	if err := rebound.Eval(ctx, "document.body.textContent", &text); err != nil || !strings.Contains(text, `does not serve "evil.localhost"`) || strings.Contains(text, "figures") {
		t.Errorf("a rebound name sees %q, %v", text, err)
	}
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>elsewhere</title>")
	}))
	defer foreign.Close()
	tab, err := b.Open(ctx, foreign.URL, 800, 600)
	if err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"fetch":         `fetch('%s/page.html').then((r) => r.text(), () => 'refused')`,
		"fetch_no_cors": `fetch('%s/page.html', { mode: 'no-cors' }).then((r) => r.text(), () => 'refused').then((t) => t || 'refused')`,
		"status":        `fetch('%s/api/status').then((r) => r.text(), () => 'refused')`,
		"events":        `new Promise((done) => { const e = new EventSource('%s/events'); e.onopen = () => done('open'); e.onerror = () => done('refused'); })`,
		"frame": `new Promise((done) => { const f = document.createElement('iframe'); f.src = '%s/page.html'; f.onload = () => {
			try { done(f.contentDocument ? f.contentDocument.body.textContent || 'refused' : 'refused'); } catch { done('refused'); } }; document.body.append(f); })`,
	} {
		var got string
		if err := tab.Eval(ctx, fmt.Sprintf(script, s.Address()), &got); err != nil || got != "refused" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
