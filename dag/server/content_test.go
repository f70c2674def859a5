package server_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tillflow/dag/server"
)

// packed asks for something as a browser does, compressed or as it is already, and gives the unpacked answer.
func packed(t *testing.T, url, accepts, tag string) (int, string, http.Header) {
	t.Helper()
	code, body, h := get(t, url, func(r *http.Request) {
		r.Header.Set("Accept-Encoding", accepts) // set by hand, so nothing is unpacked on the way
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
	})
	if h.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	return code, body, h
}

// A page is sent compressed to who takes that, not at all to who has it, and both forms have a name of their own.
func TestPagesAreCompressedAndKept(t *testing.T) {
	out := t.TempDir()
	page := "<html>" + strings.Repeat("<p>one more line of a page</p>", 5000)
	replace(t, out, "page.html", page)
	replace(t, out, "small.html", "<p>short")
	s := serve(t, out)
	url := s.Address() + "/page.html"

	code, body, plain := packed(t, url, "identity", "")
	if code != 200 || body != page || plain.Get("Content-Encoding") != "" || plain.Get("ETag") == "" {
		t.Fatalf("as it is: %d, %d bytes, %v", code, len(body), plain)
	}
	code, body, zipped := packed(t, url, "br, gzip;q=0.8", "")
	if code != 200 || body != page || zipped.Get("Content-Encoding") != "gzip" || zipped.Get("ETag") == plain.Get("ETag") || zipped.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("compressed: %d, %d bytes, %v", code, len(body), zipped)
	}
	if n := zipped.Get("Content-Length"); len(n) > 4 || n == "" {
		t.Errorf("%s bytes were sent of %d", n, len(page))
	}
	for _, tag := range []string{plain.Get("ETag"), zipped.Get("ETag"), `"other", ` + plain.Get("ETag"), "W/" + zipped.Get("ETag"), "*"} {
		if code, body, _ := packed(t, url, "gzip", tag); code != http.StatusNotModified || body != "" {
			t.Errorf("with %s: %d, %d bytes", tag, code, len(body))
		}
	}
	for _, accepts := range []string{"gzip;q=0", "br", "", "*;q=0"} {
		if _, body, h := packed(t, url, accepts, ""); body != page || h.Get("Content-Encoding") != "" {
			t.Errorf("accepting %q: %v", accepts, h)
		}
	}
	if _, body, h := packed(t, s.Address()+"/small.html", "gzip", ""); body != "<p>short" || h.Get("Content-Encoding") != "" {
		t.Errorf("a short page: %q %v", body, h)
	}
	code, body, _ = get(t, url, func(r *http.Request) { r.Header.Set("Range", "bytes=6-8") })
	if code != http.StatusPartialContent || body != "<p>" {
		t.Errorf("a part: %d %q", code, body)
	}

	// A new revision of the same length, written at once, is another one.
	other := strings.Replace(page, "one", "two", 1)
	replace(t, out, "page.html", other)
	if code, body, h := packed(t, url, "gzip", zipped.Get("ETag")); code != 200 || body != other || h.Get("ETag") == zipped.Get("ETag") {
		t.Errorf("after it was replaced: %d, %d bytes, %v", code, len(body), h)
	}
}

// While a page is replaced again and again, many readers see whole ones only.
func TestReadersDuringWrites(t *testing.T) {
	out := t.TempDir()
	page := func(n byte) string { return strings.Repeat(string('a'+rune(n%26)), 20_000) }
	replace(t, out, "page.html", page(0))
	s := serve(t, out)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for reading := true; reading; {
				select {
				case <-done:
					reading = false
				default:
				}
				_, body, _ := packed(t, s.Address()+"/page.html", "gzip", "")
				if len(body) != 20_000 || strings.Count(body, body[:1]) != len(body) {
					t.Errorf("a broken page of %d bytes", len(body))
					return
				}
			}
		})
	}
	for n := range byte(100) {
		replace(t, out, "page.html", page(n))
	}
	close(done)
	readers.Wait()
}

// JSON is compressed when it is long, and not sent again while it is the same.
func TestJSONIsNotSentTwice(t *testing.T) {
	state := strings.Repeat("running ", 1000)
	s := serve(t, t.TempDir(), func(c *server.Config) { c.Status = func() any { return state } })
	code, body, h := packed(t, s.Address()+"/api/status", "gzip", "")
	if code != 200 || body != `"`+state+"\"\n" || h.Get("Content-Encoding") != "gzip" || h.Get("Content-Type") != "application/json" {
		t.Fatalf("%d, %d bytes, %v", code, len(body), h)
	}
	if code, _, _ := packed(t, s.Address()+"/api/status", "gzip", h.Get("ETag")); code != http.StatusNotModified {
		t.Errorf("the same again: %d", code)
	}
	state = "stopped"
	if code, body, _ := packed(t, s.Address()+"/api/status", "gzip", h.Get("ETag")); code != 200 || body != "\"stopped\"\n" {
		t.Errorf("after a change: %d %q", code, body)
	}
}
