//go:build browser

package chromium

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
)

const page = `<!doctype html><html><head><title>Page</title></head><body><h1>Sales</h1><script>document.title = 'Ready'</script></body></html>`

func TestPDFInABrowser(t *testing.T) {
	pdf, err := PDF(t.Context(), []byte(page))
	if err != nil || !bytes.Contains(pdf, []byte("/Type /Page")) {
		t.Errorf("%d bytes, %v", len(pdf), err)
	}
}

func TestTabInABrowser(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer server.Close()
	b, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	tab, err := b.Open(t.Context(), server.URL, 1280, 800)
	if err != nil {
		t.Fatal(err)
	}
	var title string
	if err := tab.Eval(t.Context(), "Promise.resolve(document.title)", &title); err != nil || title != "Ready" {
		t.Error(title, err)
	}
	if err := tab.Eval(t.Context(), "throw new Error('no')", nil); err == nil {
		t.Error("no error of an expression that throws")
	}
	if wall, cpu, err := tab.Busy(t.Context()); err != nil || cpu <= 0 || wall < cpu/2 {
		t.Error(wall, cpu, err)
	}
	if err := tab.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
