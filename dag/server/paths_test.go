package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tillflow/dag/server"
)

// raw sends a request as it stands, which no client library would, and gives the answer.
func raw(t *testing.T, address, request string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// No way out of the folder, however it is written, and none to what is hidden, below it, or no file.
func TestPathsStayInTheFolder(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(filepath.Join(out, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"secret.html", "out/.hidden.html", "out/below/secret.html", "out/page.html"} {
		text := "the password"
		if f == "out/page.html" {
			text = "a page"
		}
		if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link.html": filepath.Join(dir, "secret.html"), "up.html": "../secret.html", "folder.html": dir, "inside.html": "page.html"} {
		if err := os.Symlink(to, filepath.Join(out, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(out, "pipe.html"), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	s := serve(t, out, func(c *server.Config) {
		c.Ask = func(_ context.Context, page string) error { asked[page] = true; return nil }
	})
	for _, path := range []string{
		"/../secret.html", "/%2e%2e/secret.html", "/..%2fsecret.html", "/%2e%2e%2fsecret.html", "/..%252fsecret.html", "/..%5csecret.html", `/..\secret.html`,
		"//secret.html", "/./../secret.html", "/x/../../secret.html", "/below/secret.html", "/below%2fsecret.html", "/.hidden.html", "/%2ehidden.html",
		"/link.html", "/up.html", "/folder.html", "/pipe.html", "/page.html%00.html", "/page.html/", "/..", "/.", "/%2e%2e", "/" + strings.Repeat("a", 300) + ".html",
		filepath.ToSlash(dir) + "/secret.html", "/..%c0%afsecret.html", "/none.html",
	} {
		code, body := raw(t, s.Address(), fmt.Sprintf("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path))
		if code == 200 || strings.Contains(body, "password") {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	for _, path := range []string{"/page.html", "/inside.html"} {
		if code, body, _ := get(t, s.Address()+path, nil); code != 200 || body != "a page" {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	for page := range asked {
		if strings.ContainsAny(page, "/\\\x00") || strings.HasPrefix(page, ".") {
			t.Errorf("a page of the name %q was asked for", page)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "TRACE"} {
		if code, _ := raw(t, s.Address(), method+" /page.html HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"); code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, code)
		}
	}
}

// A page elsewhere whose name was made to point here reads nothing, and neither does a page that merely sends requests here.
// The names and addresses that the server has are answered.
func TestForeignHostsAndOriginsAreRefused(t *testing.T) {
	out := t.TempDir()
	replace(t, out, "page.html", "figures")
	s := serve(t, out, func(c *server.Config) { c.Hosts = []string{"Reports.Shop.example"} })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.Address(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		headers string
		code    int
	}{
		"own_address":           {"Host: 127.0.0.1:" + port, 200},
		"address_of_a_tunnel":   {"Host: [::1]:9000", 200},
		"localhost":             {"Host: localhost:8501", 200},
		"declared_name":         {"Host: reports.shop.example", 200},
		"declared_name_dotted":  {"Host: REPORTS.shop.example.:443", 200},
		"own_origin":            {"Host: 127.0.0.1:" + port + "\r\nOrigin: http://127.0.0.1:" + port, 200},
		"proxy_with_tls":        {"Host: reports.shop.example\r\nOrigin: https://reports.shop.example", 200},
		"rebound_name":          {"Host: evil.example:" + port, http.StatusMisdirectedRequest},
		"name_of_an_address":    {"Host: 127.0.0.1.evil.example", http.StatusMisdirectedRequest},
		"address_in_user_part":  {"Host: 127.0.0.1@evil.example", http.StatusBadRequest},
		"name_that_ends_alike":  {"Host: notlocalhost", http.StatusMisdirectedRequest},
		"below_a_declared_name": {"Host: x.reports.shop.example", http.StatusMisdirectedRequest},
		"no_name":               {"Host: ", http.StatusMisdirectedRequest},
		"foreign_origin":        {"Host: localhost\r\nOrigin: http://evil.example", http.StatusForbidden},
		"other_port":            {"Host: localhost:8501\r\nOrigin: http://localhost:3000", http.StatusForbidden},
		"origin_of_a_file":      {"Host: localhost\r\nOrigin: null", http.StatusForbidden},
		"absolute_address":      {"Host: evil.example", http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"/page.html", "/", "/api/status", "/events", "/healthz", "/metrics"} {
			if c.code == 200 && path != "/page.html" && path != "/api/status" {
				continue
			}
			if name == "absolute_address" {
				path = "http://evil.example" + path
			}
			code, body := raw(t, s.Address(), "GET "+path+" HTTP/1.1\r\n"+c.headers+"\r\nConnection: close\r\n\r\n")
			if code != c.code || code != 200 && strings.Contains(body, "figures") {
				t.Errorf("%s, %s: %d, want %d: %q", name, path, code, c.code, body)
			}
		}
	}
}
