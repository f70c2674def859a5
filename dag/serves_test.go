package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// A pipeline whose pages need a token: the same user's commands are let in all the same, others see nothing, and nobody
// sees the secret of a run. A pause holds from the moment its command has ended, and states can be asked for without a
// pipeline that runs.
func TestAGuardedPipeline(t *testing.T) {
	t.Parallel()
	const token, typed = "open-sesame-open-sesame", "abcdefgh"
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: filepath.Join(dir, "out"), dagfile: filepath.Join(dir, "dagfile.yaml"), env: []string{"SHOP_TOKEN=" + token}}
	if err := os.WriteFile(p.dagfile, []byte(`version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" }, http: { listen: "0.0.0.0:0", token: "${SHOP_TOKEN}" } }
jobs:
  login: { uses: sql, with: { query: "select :api_token::text", params: { api_token: "0" } } }
  often: { uses: sql, when: { every: 1s }, with: { query: select 1 } }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := p.start("run")
	address := p.serving(c)
	p.ok("run", "login", "--param", "api_token="+typed)
	ask := func(path, bearer string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if bearer != "" {
			r.Header.Set("Authorization", "Bearer "+bearer)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	for _, path := range []string{"/", "/api/status", "/api/runs", "/api/why/login", "/metrics", "/events"} {
		if code, body := ask(path, ""); code != http.StatusUnauthorized || strings.Contains(body, "login") {
			t.Errorf("%s without the token: %d %s", path, code, body)
		}
		if path == "/events" {
			continue // it goes on
		}
		code, body := ask(path, token)
		if code != http.StatusOK || strings.Contains(body, typed) || strings.Contains(body, token) {
			t.Errorf("%s: %d %s", path, code, body)
		}
		if path == "/api/runs" && !strings.Contains(body, `"api_token":"***"`) {
			t.Errorf("%s does not tell of the parameter: %s", path, body)
		}
	}
	for _, args := range [][]string{{"status"}, {"why", "often"}, {"plan"}} {
		if out := p.ok(args...); !strings.Contains(out, "often") || strings.Contains(out, token) {
			t.Errorf("dag %s says:\n%s", strings.Join(args, " "), out)
		}
	}
	if out := c.out.String(); strings.Contains(out, token) {
		t.Errorf("the log tells the token:\n%s", out)
	}

	p.ok("pause", "often")
	if out := p.ok("status", "often", "-o", "json"); !strings.Contains(out, `"state": "paused"`) && !strings.Contains(out, `"state":"paused"`) && !strings.Contains(out, `"state":"running"`) {
		t.Errorf("right after the pause:\n%s", out)
	}
	c.until(t, "it is paused and at rest", func() bool { return strings.Contains(p.ok("status", "often", "-o", "json"), `paused"`) })
	if out := p.ok("ls", "state:paused", "-o", "names"); out != "often\n" {
		t.Errorf("what is paused:\n%s", out)
	}
	if code := c.stop(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	for args, want := range map[string]int{"run state:succeeded": exitDone, "run state:failed": exitNothing, "run state:paused --dry-run": exitDone} {
		c := p.start(strings.Fields(args)...)
		if code := c.wait(t); code != want {
			t.Errorf("dag %s with nothing running: exit code %d, want %d\n%s", args, code, want, c.out)
		}
	}
}

// Without a credential nothing is served to others, and it is said before anything starts.
func TestUnguardedIsRefused(t *testing.T) {
	dagfile := filepath.Join(t.TempDir(), "dagfile.yaml")
	text := "version: 1\nservices:\n  http: { listen: \"${DAG_LISTEN:-127.0.0.1:8501}\", token: \"${DAG_TOKEN:-}\" }\njobs: { one: { uses: sql, with: { query: select 1 } } }\n"
	if err := os.WriteFile(dagfile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for listen, want := range map[string]int{"127.0.0.1:8501": exitDone, "[::1]:8501": exitDone, "localhost:0": exitDone, "0.0.0.0:8501": exitUsage, ":8501": exitUsage, "10.0.0.7:8501": exitUsage, "shop.example:8501": exitUsage} {
		t.Setenv("DAG_LISTEN", listen)
		code, _, stderr := dag(t, "validate", "-f", dagfile)
		if code != want || want != 0 && !strings.Contains(stderr, ":3:") {
			t.Errorf("%s: exit code %d, want %d\n%s", listen, code, want, stderr)
		}
	}
	t.Setenv("DAG_LISTEN", "0.0.0.0:8501")
	t.Setenv("DAG_TOKEN", "open-sesame-open-sesame")
	if code, _, stderr := dag(t, "validate", "-f", dagfile); code != exitDone {
		t.Errorf("with a token: exit code %d\n%s", code, stderr)
	}
}

// Two reports that write the same page are a mistake of the dagfile: each would undo the other's.
func TestReportsOfOnePageAreRefused(t *testing.T) {
	dir := t.TempDir()
	dagfile := filepath.Join(dir, "dagfile.yaml")
	if err := os.WriteFile(filepath.Join(dir, "shop.md"), []byte("---\ntitle: Shop\n---\n~~~sql a\nselect 1 as n\n~~~\n{{ a.n }}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]int{"other.html": exitDone, "shop.html": exitUsage, "Shop.html": exitUsage} {
		text := "version: 1\njobs:\n  a: { uses: report, with: { file: shop.md } }\n  b: { uses: report, with: { file: shop.md, out: " + out + " } }\n"
		if err := os.WriteFile(dagfile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, stderr := dag(t, "validate", "-f", dagfile)
		if code != want || want != exitDone && !strings.Contains(stderr, ":4:") {
			t.Errorf("%s: exit code %d, want %d\n%s", out, code, want, stderr)
		}
	}
}
