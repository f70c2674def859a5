package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// The exit codes that help promises, but for 130, which needs a process to interrupt: TestInterruptedOnce.
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

func checkCode(t *testing.T, want int, args, dagfile, state string) {
	t.Helper()
	code, stdout, stderr := dag(t, append(strings.Fields(args), "-f", dagfile, "--state", state)...)
	if code != want {
		t.Errorf("dag %s: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
}
