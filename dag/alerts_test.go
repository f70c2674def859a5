package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/dag/instance"
	"tillflow/lib/pgtest"
)

// A password in the address of a database is not printed unless it is asked for.
func TestWithoutPassword(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://shop@db/retail":                            "postgres://shop@db/retail",
		"postgres://shop:s3cret@db:5432/retail?sslmode=prefer": "postgres://shop@db:5432/retail?sslmode=prefer",
		"postgres://db/retail?password=s3cret&user=shop":       "postgres://db/retail?user=shop",
		"host=db password=s3cret user=shop":                    "host=db user=shop",
		`host=db user=shop password = 's3 \' cret' port=1`:     "host=db user=shop port=1",
	} {
		if got := withoutPassword(address); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
}

// A running pipeline tells of a failure once and of its end once; a pause holds its runs back and outlives the process;
// `dag stop` ends it.
func TestAlertsPausesAndStop(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: t.TempDir(), dagfile: filepath.Join(dir, "dagfile.yaml")}
	dagfile := `
version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" }, http: { listen: "127.0.0.1:0" } }
notify:
  - { on: [failed, recovered], command: [sh, -c, "cat >> ` + told + `"] }
jobs:
  shelf:
    uses: sql
    when: { every: 100ms }
    with: { query: "select 1 / count(*) from pg_tables where tablename = 'stock'" }
`
	if err := os.WriteFile(p.dagfile, []byte(dagfile), 0o644); err != nil {
		t.Fatal(err)
	}
	tells := func(what string) int {
		b, _ := os.ReadFile(told) // it is made by the first message
		return strings.Count(string(b), `"on":"`+what+`"`)
	}
	c := p.start("run")
	c.until(t, "the failure is told", func() bool { return tells("failed") == 1 })
	c.until(t, "it fails again", func() bool { return p.query("select count(*) >= 2 from dag.runs where state = 'failed'") == "t" })
	p.query("create table stock (product text)")
	c.until(t, "its end is told", func() bool { return tells("recovered") == 1 })
	if n := tells("failed"); n != 1 {
		t.Errorf("the failure was told %d times", n)
	}

	p.ok("pause", "shelf", "--reason", "stock-taking")
	c.until(t, "the status shows the pause", func() bool { return strings.Contains(p.ok("status"), "stock-taking") })
	if code := c.stop(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d", code)
	}
	before := p.query("select count(*) from dag.runs")
	c = p.start("run")
	c.until(t, "the pipeline runs again", func() bool { i, ok := p.info(instance.RunRole); return ok && i.Address != "" })
	c.until(t, "it knows of the pause", func() bool { return strings.Contains(p.ok("status"), "stock-taking") })
	if after := p.query("select count(*) from dag.runs"); after != before {
		t.Errorf("a paused job ran: %s runs, then %s", before, after)
	}
	p.ok("resume", "shelf")
	c.until(t, "it runs again", func() bool { return p.query("select count(*) from dag.runs") != before })
	p.ok("stop")
	if code := c.wait(t); code != 0 {
		t.Errorf("the stopped pipeline ended with %d", code)
	}
}
