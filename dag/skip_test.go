package main

import (
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// A stream whose log is another one stops, says what to do, and goes on when that is done; verify tells of it and adds up.
func TestSkipCommand(t *testing.T) {
	state, out := pgtest.StateDir(t), t.TempDir()
	fill(t, state, map[string]string{"transactions": "../testdata/small/transactions.jsonl"})
	call := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := dag(t, append(args, "-f", "../testdata/small/dagfile.yaml", "--state", state, "--out", out)...)
		if code != want {
			t.Fatalf("dag %s: exit code %d, want %d:\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	has := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("%q is not in:\n%s", p, text)
			}
		}
	}
	call(0, "run", "seed.dims", "stream.transactions")
	_, stderr := call(4, "skip", "stream.transactions", "--new-log")
	has(stderr, "nothing to skip")
	call(0, "sql", "update dag.stream_offsets set topic_id = 'AAAAAAAAAAAAAAAAAAAAAQ' where partition = 1")
	_, stderr = call(1, "run", "stream.transactions")
	has(stderr, "deleted and made again", "dag skip stream.transactions --partition 1 --new-log")
	stdout, _ := call(0, "sql", "-o", "csv", "select kind, advice from dag.stream_problems where cleared_at is null and partition = 1 and kind like 'log%'")
	has(stdout, "log-made-anew", "dag skip stream.transactions --partition 1 --new-log")
	stdout, _ = call(0, "skip", "stream.transactions", "--new-log", "--partition", "1")
	has(stdout, "transactions/1: a new log is read since ")
	call(0, "run", "stream.transactions")
	stdout, _ = call(0, "verify", "stream.transactions")
	has(stdout, "stream.transactions adds up", "skipped: transactions/1: a new log is read since ")
}
