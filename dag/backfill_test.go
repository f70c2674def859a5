package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/dag/instance"
	"tillflow/dag/run"
	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

func TestBackfillIsReadable(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, riyadh)
	steps := run.Steps(from, from.AddDate(0, 0, 31), 24*time.Hour)
	for i := range steps {
		switch {
		case i == 4:
			steps[i].State, steps[i].Run = run.Failed, "20260131T064000.000-0badc0de"
		case i == 9:
			steps[i].State, steps[i].Run = run.Running, "20260131T064102.000-6e0f9a11"
		case i < 12:
			steps[i].State = run.Succeeded
		}
	}
	v := backfillView{Backfill: run.NewBackfill("ml.segmentation", "1d", nil), Intervals: steps, ToDo: 20, loc: riyadh}
	for name, what := range map[string]string{"dry_run": "would run", "result": "left"} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := v.print(&b, "table", what); err != nil {
				t.Fatal(err)
			}
			fits(t, b.Bytes())
			golden.Check(t, "testdata/backfill_"+name+".golden", b.Bytes())
		})
	}
}

const fillPipeline = `
version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" } }
jobs:
  fill:
    uses: sql
    when: { every: 1h }
    with:
      query: |
        select pg_sleep(:pause::float);
        select pg_sleep(600) from closed where closed.day <= :from_at;
        insert into filled (day, until, run_id) values (:from_at, :to_at, :run_id);
      params: { pause: "0" }
  after:
    uses: sql
    needs: [fill]
    with: { query: "insert into followed values (:as_of)" }
`

// A backfill is killed with SIGKILL in the middle; the same command goes on with what is missing. The verbs that look at
// runs and make them again are tried on what it left.
func TestBackfillGoesOnAfterAKill(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: t.TempDir(), dagfile: filepath.Join(t.TempDir(), "dagfile.yaml")}
	if err := os.WriteFile(p.dagfile, []byte(fillPipeline), 0o644); err != nil {
		t.Fatal(err)
	}
	up := p.start("up")
	up.until(t, "the services are up", func() bool { i, ok := p.info(instance.ServicesRole); return ok && i.Ready })
	p.query("create table filled (day timestamptz, until timestamptz, run_id text)")
	p.query("create table followed (as_of timestamptz)")
	p.query("create table closed as select timestamptz '2026-01-08 00:00Z' as day") // from here on a run waits, so that the kill finds it in hand

	fill := []string{"backfill", "fill", "--from", "2026-01-01", "--to", "2026-01-31", "--parallel", "2", "--param", "pause=0.01"}
	c := p.start(fill...)
	c.until(t, "the first days are done", func() bool { return strings.Count(c.out.String(), "succeeded interval=") == 7 })
	c.until(t, "two more are in hand", func() bool { return p.query("select count(*) from dag.runs where state = 'running'") == "2" })
	second := p.start(fill...)
	if code := second.wait(t); code != 1 || !strings.Contains(second.out.String(), "is being run by another process") {
		t.Errorf("a second process on the backfill: exit code %d\n%s", code, second.out)
	}
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.wait(t)
	if got := p.query("select coalesce(max(lease_until) <= now() + interval '15 s', true) from dag.runs where state = 'running'"); got != "t" {
		t.Error("a killed run may be taken for alive for longer than 15 s")
	}
	if dry := p.ok(append(fill, "--dry-run")...); !strings.Contains(dry, "7 succeeded") {
		t.Errorf("7 are done, the dry run says:\n%s", dry)
	}
	p.query("delete from closed")
	if out := p.ok(fill...); !strings.Contains(out, "30 succeeded") {
		t.Errorf("the backfill after the kill says:\n%s", out)
	}
	const counts = `select count(*) filter (where state = 'succeeded'), count(distinct (from_at, to_at)) filter (where state = 'succeeded'),
		count(*) filter (where state = 'canceled'), count(*) filter (where state not in ('succeeded', 'canceled')) from dag.runs where job = 'fill'`
	if got := p.query(counts); got != "30,30,2,0" {
		t.Errorf("succeeded, intervals, interrupted, others: %s", got)
	}
	if got := p.query("select count(distinct day), bool_and(until = day + interval '1 day') from filled"); got != "30,t" {
		t.Errorf("days that were filled: %s", got)
	}
	p.ok(fill...)
	if got := p.query(counts); got != "30,30,2,0" {
		t.Errorf("a third time, when nothing is missing: %s", got)
	}
	if got := p.query("select (select count(*) from dag.gate_cursors), (select count(*) from dag.runs where backfill_id = '')"); got != "0,0" {
		t.Errorf("cursors and runs of the schedule: %s", got)
	}
	p.looksAtRuns(t)

	if out := p.ok("stop"); !strings.Contains(out, "stopped after") {
		t.Errorf("dag stop says %s", out)
	}
	if code := up.wait(t); code != 0 {
		t.Errorf("the stopped process ended with %d", code)
	}
	if code := p.start("stop").wait(t); code != exitNothing {
		t.Errorf("a second stop: exit code %d", code)
	}
}

// looksAtRuns tries history, show, logs, run, retry, pause and resume.
func (p *pipeline) looksAtRuns(t *testing.T) {
	var runs []run.Run
	if err := json.Unmarshal([]byte(p.ok("history", "fill", "-o", "json", "--limit", "3", "--outcome", "succeeded")), &runs); err != nil || len(runs) != 3 {
		t.Fatal(runs, err)
	}
	p.ok("run", "fill", "--as-of", "2026-01-05T12:00:00Z", "--param", "pause=0.01")
	var first, second shown
	p.decode(&first, "show", "fill", "-o", "json")
	if first.Params["pause"] != "0.01" || first.State != run.Succeeded || len(first.Attempts) != 1 || len(first.Log) == 0 {
		t.Errorf("the run: %+v", first)
	}
	if log := p.ok("logs", "fill"); !strings.Contains(log, "INSERT 0 1") {
		t.Errorf("its log: %q", log)
	}
	if log := p.ok("logs", "-f", "--run", string(first.ID)); !strings.Contains(log, "INSERT 0 1") {
		t.Errorf("its log, followed to its end: %q", log)
	}
	p.ok("retry", shortID(first.ID), "--downstream")
	p.decode(&second, "show", "fill", "-o", "json")
	if second.RetryOf != first.ID || !second.AsOf.Equal(first.AsOf) || second.Params["pause"] != "0.01" || second.ID == first.ID {
		t.Errorf("the run made again: %+v", second.Run)
	}
	if got := p.query("select as_of = '2026-01-05T12:00:00Z' from followed"); got != "t" {
		t.Errorf("downstream of it: %q", got)
	}
	if out := p.ok("run", "after", "--with-upstream", "--dry-run"); !strings.Contains(out, "1  fill") || !strings.Contains(out, "2  after") {
		t.Errorf("a dry run says:\n%s", out)
	}
	if c := p.start("logs", "after", "--run", string(first.ID)); c.wait(t) != exitUsage || !strings.Contains(c.out.String(), "is of fill, not of after") {
		t.Errorf("the log of another job's run:\n%s", c.out)
	}
	if out := p.ok("pause", "fill", "--reason", "stock-taking"); !strings.Contains(out, "stock-taking") {
		t.Errorf("dag pause says:\n%s", out)
	}
	if out := p.ok("pause"); !strings.Contains(out, "stock-taking") {
		t.Errorf("the pauses:\n%s", out)
	}
	if out := p.ok("resume", "fill"); !strings.Contains(out, "fill goes on") {
		t.Errorf("dag resume says:\n%s", out)
	}
	for args, want := range map[string]int{
		"show nosuchrun": exitNothing, "retry nosuchrun": exitNothing, "logs nosuchjob": exitNothing, "backfill fill": exitUsage,
		"backfill fill --from 2026-01-02 --to 2026-01-01": exitUsage, "history -o xml": exitUsage, "run fill --param x": exitUsage,
	} {
		c := p.start(strings.Fields(args)...)
		if code := c.wait(t); code != want {
			t.Errorf("dag %s: exit code %d, want %d\n%s", args, code, want, c.out)
		}
	}
}

// ok runs a command that should succeed and gives what it printed.
func (p *pipeline) ok(args ...string) string {
	p.t.Helper()
	c := p.start(args...)
	if code := c.wait(p.t); code != 0 {
		p.t.Fatalf("dag %s: exit code %d\n%s", strings.Join(args, " "), code, c.out)
	}
	return c.out.String()
}

// decode runs a command and reads the JSON it prints.
func (p *pipeline) decode(v any, args ...string) {
	p.t.Helper()
	if out := p.ok(args...); json.Unmarshal([]byte(out), v) != nil {
		p.t.Fatalf("dag %s prints no JSON of the right kind:\n%s", strings.Join(args, " "), out)
	}
}
