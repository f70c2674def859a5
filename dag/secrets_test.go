package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// A dagfile that says a secret wherever it can: none of what people read afterwards has it.
func TestSecretsAreShownNowhere(t *testing.T) {
	const token, phrase = "s3cr3t-of-the-shop", "open-sesame-77"
	t.Setenv("SHOP_TOKEN", token)
	t.Setenv("REPLICA", "postgres://me:"+phrase+"@replica.example:5432/shop")
	dir, state := t.TempDir(), pgtest.StateDir(t)
	dagfile := filepath.Join(dir, "dagfile.yaml")
	text := `version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" } }
jobs:
  statement: { uses: sql, with: { query: "select :p::int", params: { p: "${SHOP_TOKEN}" } }, retries: { max: 1, backoff: 1ms } }
  notice: { uses: sql, with: { query: "select 'cannot reach ${REPLICA}'::int" } }
  command: { uses: exec, with: { command: [sh, -c, 'echo "said: $SHOP_TOKEN"; echo "and $REPLICA" >&2; exit 3'] } }
  quality: { uses: check, with: { checks: { c: { query: "select 1 where '${SHOP_TOKEN}'::int = 1" } } } }
  login: { uses: sql, with: { query: "select :api_token::int", params: { api_token: "0" } } }
  absent: { uses: exec, with: { command: ["/nowhere/${SHOP_TOKEN}"] } }
`
	if err := os.WriteFile(dagfile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	call := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := dag(t, append(args, "-f", dagfile, "--state", state)...)
		out := stdout + stderr
		for _, s := range []string{token, phrase} {
			if strings.Contains(out, s) {
				t.Errorf("dag %s (exit code %d) shows %s:\n%s", strings.Join(args, " "), code, s, out)
			}
		}
		return out
	}
	if out := call("run", "--once"); strings.Count(out, "***") < 5 {
		t.Errorf("the errors do not say where something was hidden:\n%s", out)
	}
	call("run", "--once", "-o", "json", "--exclude", "login")
	for _, job := range []string{"statement", "notice", "command", "quality", "absent"} {
		if out := call("show", job); !strings.Contains(out, "***") {
			t.Errorf("dag show %s hides nothing:\n%s", job, out)
		}
		call("logs", job)
		call("why", job)
	}
	call("history", "-o", "json")
	call("status", "-o", "json")
	// A parameter that is named like a secret: neither its value nor an error with it. A retry still has it.
	typed := func(args ...string) string {
		t.Helper()
		out := call(args...)
		if strings.Contains(out, "abcdefgh") {
			t.Errorf("dag %s shows a parameter that is named like a secret:\n%s", strings.Join(args, " "), out)
		}
		return out
	}
	if out := typed("run", "login", "-o", "json", "--param", "api_token=abcdefgh"); !strings.Contains(out, `"api_token":"***"`) || strings.Count(out, "***") < 3 {
		t.Errorf("neither the parameter nor its place in the error is told:\n%s", out)
	}
	if out := typed("show", "login"); !strings.Contains(out, "api_token=***") {
		t.Errorf("the parameter is not told:\n%s", out)
	}
	for _, args := range [][]string{
		{"retry", "login"}, {"show", "login", "-o", "json"}, {"history", "-o", "json"}, {"why", "login", "-o", "json"}, {"logs", "login"},
		{"backfill", "login", "--from", "2026-01-01", "--to", "2026-01-03", "--param", "api_token=abcdefgh", "-o", "json"},
	} {
		if out := typed(args...); !strings.Contains(out, "***") {
			t.Errorf("dag %s hides nothing:\n%s", strings.Join(args, " "), out)
		}
	}
	if _, stdout, stderr := dag(t, "sql", "select distinct params->>'api_token' from dag.runs where job = 'login'", "-o", "csv", "-f", dagfile, "--state", state); !strings.Contains(stdout, "abcdefgh") {
		t.Errorf("a retry would not have the parameter: %s%s", stdout, stderr)
	}

	// A mistake in the dagfile is told with what the variable holds.
	text = strings.Replace(text, "backoff: 1ms", `backoff: "${SHOP_TOKEN}"`, 1)
	if err := os.WriteFile(dagfile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := call("validate"); !strings.Contains(out, "***") {
		t.Errorf("the mistake is not told, or hides nothing:\n%s", out)
	}
	call("run", "stat"+token) // even a word of the person's own
}
