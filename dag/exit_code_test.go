package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// The exit codes that help promises; those of an interruption are in TestExitCodesOfInterruptions.
func TestExitCodes(t *testing.T) {
	dir, state := t.TempDir(), pgtest.StateDir(t)
	dagfile := filepath.Join(dir, "dagfile.yaml")
	if err := os.WriteFile(dagfile, []byte(`version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" } }
jobs:
  good: { uses: sql, with: { query: select 1 } }
  bad: { uses: sql, with: { query: select 1/0 } }
  after.bad: { uses: sql, needs: [bad], with: { query: select 1 } }
  odd: { uses: check, with: { checks: { never: { query: select 1 } } } }
  slow: { uses: sql, timeout: 100ms, with: { query: select pg_sleep(60) } }
  alarm: { uses: sql, needs: [good], rule: one-failed, with: { query: select 1 } }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{
		"run good":               exitDone,
		"run good alarm":         exitDone, // the alarm has nothing to do
		"run alarm":              exitDone,
		"validate":               exitDone,
		"run bad":                exitFailed,
		"run bad after.bad odd":  exitFailed, // a failure outweighs what a check found
		"run nosuchjob":          exitNothing,
		"run good --as-of never": exitUsage,
		"run -o xml":             exitUsage,
		"validate --nosuchflag":  exitUsage,
		"nosuchverb":             exitUsage,
		"run odd":                exitCheck,
		"test odd":               exitCheck,
		"run tag:nobody":         exitNothing,
		"show nosuchrun":         exitNothing,
		"run slow":               exitTimedOut,
		"run slow odd":           exitTimedOut,
		"env":                    exitFailed, // nothing runs here
	} {
		checkCode(t, want, args, dagfile, state)
	}
	checkCode(t, exitTimedOut, "retry slow", dagfile, state) // looks at the run of before
}

// Ctrl-C while a job is in the middle of its work: what was to end by itself has not done so, and what runs until it is told
// to stop has ended well, unless a second Ctrl-C cut it off. Nothing is left behind.
func TestExitCodesOfInterruptions(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: filepath.Join(dir, "out"), dagfile: filepath.Join(dir, "dagfile.yaml")}
	if err := os.WriteFile(p.dagfile, []byte(`version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" }, http: { listen: "127.0.0.1:0" } }
jobs:
  long: { uses: exec, timeout: 10m, with: { command: [sh, -c, "echo > begun; exec sleep 600"] } }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := filepath.Join(dir, "begun")
	for _, c := range []struct {
		args  string
		stops int // how often Ctrl-C is pressed
		want  int
	}{
		{"run long", 1, exitInterrupted},
		{"retry long", 1, exitInterrupted},
		{"backfill long --from 2026-01-01 --to 2026-01-03", 1, exitInterrupted},
		{"run", 2, exitInterrupted},
		{"logs long -f", 1, exitDone}, // it has no other end
		{"up", 1, exitDone},
	} {
		proc := p.start(strings.Fields(c.args)...)
		switch c.args {
		case "up":
			proc.until(t, "it is up", func() bool { return strings.Contains(proc.out.String(), "ready;") })
		case "logs long -f":
			proc.until(t, "it shows the log", func() bool { return proc.out.String() != "" })
		default:
			proc.until(t, "the job runs", func() bool { _, err := os.Stat(begun); return err == nil })
		}
		for i := range c.stops {
			if i > 0 { // two signals at once are one
				proc.until(t, "it stops", func() bool { return strings.Contains(proc.out.String(), "stopping") })
			}
			if err := proc.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
		if code := proc.wait(t); code != c.want {
			t.Errorf("dag %s, stopped: exit code %d, want %d\n%s", c.args, code, c.want, proc.out)
		}
		_ = os.Remove(begun) // of a verb that has run the job
		if left := p.servers(); left != "" {
			t.Errorf("dag %s left behind:\n%s", c.args, left)
		}
	}

	// A full run that is stopped once, from its terminal or from another one, is done.
	if err := os.WriteFile(p.dagfile, []byte(`version: 1
services: { kafka: { brokers: "embedded:0" }, postgres: { url: "embedded:0" }, http: { listen: "127.0.0.1:0" } }
jobs:
  short: { uses: sql, with: { query: select 1 } }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, elsewhere := range []bool{false, true} {
		proc := p.start("run")
		p.serving(proc)
		var code int
		if elsewhere {
			if code := p.start("stop").wait(t); code != exitDone {
				t.Errorf("dag stop: exit code %d", code)
			}
			code = proc.wait(t)
		} else {
			code = proc.stop(t)
		}
		if code != exitDone {
			t.Errorf("dag run, stopped (elsewhere: %t): exit code %d\n%s", elsewhere, code, proc.out)
		}
	}
}

func checkCode(t *testing.T, want int, args, dagfile, state string) {
	t.Helper()
	code, stdout, stderr := dag(t, append(strings.Fields(args), "-f", dagfile, "--state", state)...)
	if code != want {
		t.Errorf("dag %s: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
}
