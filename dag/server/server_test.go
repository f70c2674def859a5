package server_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tillflow/dag/server"
)

// serve starts a server on a folder; change changes what it is told before.
func serve(t *testing.T, out string, change ...func(*server.Config)) *server.Server {
	t.Helper()
	cfg := server.Config{Listen: "127.0.0.1:0", Out: out, Status: func() any { return map[string]string{"job": "live"} }, Log: slog.New(slog.DiscardHandler),
		Why: func(job string) (any, bool) { return map[string]string{"why": job}, job == "a.b" },
		Runs: func(_ context.Context, job string, limit int) (any, error) {
			if job == "broken" {
				return nil, errors.New("no route to postgres://me:hunter2@db")
			}
			return []string{job, strconv.Itoa(limit)}, nil
		},
		Metrics: func(w io.Writer) error { _, err := io.WriteString(w, "up 1\n"); return err }}
	for _, f := range change {
		f(&cfg)
	}
	s, err := server.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// replace writes a file the way a report is written.
func replace(t *testing.T, dir, name, text string) {
	t.Helper()
	tmp := filepath.Join(dir, "."+name+".new")
	if err := os.WriteFile(tmp, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, url string, change func(r *http.Request)) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func TestServesReportsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	replace(t, dir, "secret.txt", "the password")
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(out, "link.txt")); err != nil {
		t.Fatal(err)
	}
	s := serve(t, out)
	if code, body, _ := get(t, s.Address()+"/", nil); code != 200 || !strings.Contains(body, "first report is being made") {
		t.Errorf("index without a report: %d %s", code, body)
	}
	replace(t, out, "dashboard.html", "<p>hello")
	if code, body, h := get(t, s.Address()+"/dashboard.html", nil); code != 200 || body != "<p>hello" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("report: %d %q %v", code, body, h)
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		code, _, h := get(t, s.Address()+"/", nil)
		if code == http.StatusFound && h.Get("Location") == "/dashboard.html" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the only report is not the start page: %d %v", code, h)
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, _, h := get(t, s.Address()+"/dashboard.html", nil)
	if code, _, _ := get(t, s.Address()+"/dashboard.html", func(r *http.Request) { r.Header.Set("If-None-Match", h.Get("ETag")) }); code != http.StatusNotModified {
		t.Errorf("an unchanged page is sent again: %d", code)
	}
}

func TestRefusesOtherHostsAndOrigins(t *testing.T) {
	s := serve(t, t.TempDir())
	for name, c := range map[string]struct {
		change func(r *http.Request)
		code   int
	}{
		"own_host":       {func(*http.Request) {}, 200},
		"localhost":      {func(r *http.Request) { r.Host = "localhost:8501" }, 200},
		"rebound_name":   {func(r *http.Request) { r.Host = "evil.example" }, http.StatusMisdirectedRequest},
		"foreign_origin": {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
	} {
		if code, _, _ := get(t, s.Address()+"/api/status", c.change); code != c.code {
			t.Errorf("%s: %d, want %d", name, code, c.code)
		}
	}
}

func TestStatusAndHealth(t *testing.T) {
	s := serve(t, t.TempDir())
	if code, body, _ := get(t, s.Address()+"/healthz", nil); code != 200 || body != "ok\n" {
		t.Errorf("health: %d %q", code, body)
	}
	if _, body, _ := get(t, s.Address()+"/api/status", nil); body != "{\"job\":\"live\"}\n" {
		t.Errorf("status: %q", body)
	}
}

func TestAPI(t *testing.T) {
	s := serve(t, t.TempDir())
	for path, want := range map[string]string{
		"/api/why/a.b":            "200 {\"why\":\"a.b\"}\n",
		"/api/why/c":              "404 no job is called \"c\"; /api/status lists them\n",
		"/api/runs":               "200 [\"\",\"100\"]\n",
		"/api/runs?job=a&limit=3": "200 [\"a\",\"3\"]\n",
		"/api/runs?limit=0":       "400 limit must be a number from 1 to 1000\n",
		"/api/runs?limit=none":    "400 limit must be a number from 1 to 1000\n",
		"/api/runs?job=broken":    "503 the history cannot be read\n",
		"/metrics":                "200 up 1\n",
	} {
		code, body, h := get(t, s.Address()+path, nil)
		if got := strconv.Itoa(code) + " " + body; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if strings.HasPrefix(path, "/api") && code == 200 && h.Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s may be kept without asking: %v", path, h)
		}
		if code, _, _ := get(t, s.Address()+path, func(r *http.Request) { r.Host = "evil.example" }); code != http.StatusMisdirectedRequest {
			t.Errorf("%s is served to another host: %d", path, code)
		}
	}
}

func TestEventsTellOfAReplacedReport(t *testing.T) {
	out := t.TempDir()
	replace(t, out, "dashboard.html", "one")
	s := serve(t, out)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address()+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Scan() // the first line comes once the server has noted the present files
	replace(t, out, "dashboard.html", "two, longer")
	for in.Scan() {
		if strings.HasPrefix(in.Text(), `data: {"file":"dashboard.html","rev":"`) {
			return
		}
	}
	t.Errorf("no event came: %v", in.Err())
}

func TestTakenPortNamesTheVariable(t *testing.T) {
	s := serve(t, t.TempDir())
	_, err := server.Listen(server.Config{Listen: strings.TrimPrefix(s.Address(), "http://"), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "DAG_LISTEN") {
		t.Errorf("error %v", err)
	}
}
