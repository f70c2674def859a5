package main

import (
	"encoding/json"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
)

// The commands about the ledger, on the fixed small log, whose streams have something of everything.
func TestVerifyAndDeadLetters(t *testing.T) {
	state, out := pgtest.StateDir(t), t.TempDir()
	fill(t, state, map[string]string{"transactions": "../testdata/small/transactions.jsonl", "refunds": "../testdata/small/refunds.jsonl"})
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
	call(0, "run", "--once", "--as-of", "2026-01-05T16:00:00Z")
	stdout, _ := call(0, "verify")
	has(stdout, "stream.transactions adds up", "stream.refunds adds up", "transactions/0", "table product_metrics_minute: ")
	if strings.Contains(stdout, "note:") {
		t.Errorf("something was not proven:\n%s", stdout)
	}
	_, stderr := call(2, "verify", "ml.segmentation")
	has(stderr, "only stream.kafka has a ledger")

	stdout, _ = call(0, "deadletters", "ls", "-o", "json")
	var letters []map[string]string
	if err := json.Unmarshal([]byte(stdout), &letters); err != nil || len(letters) < 2 {
		t.Fatalf("%v: %s", err, stdout)
	}
	one := letters[0]
	which := []string{"--topic", one["topic"], "--partition", one["partition"], "--offset", one["offset"]}
	stdout, _ = call(0, append([]string{"deadletters", "show"}, which...)...)
	has(stdout, one["reason"], one["value"])
	stdout, _ = call(0, "deadletters", "ls", "--reason", "no such reason")
	has(stdout, "no dead letters")
	_, stderr = call(2, "deadletters", "drop")
	has(stderr, "--all")
	stdout, _ = call(3, append([]string{"deadletters", "replay"}, which...)...)
	has(stdout, "1 tried again, 0 stored, 0 wait for a dimension row, 1 stay dead")
	stdout, _ = call(0, append([]string{"deadletters", "drop"}, which...)...)
	has(stdout, "1 dropped")
	stdout, _ = call(0, "verify", "-o", "json")
	has(stdout, `"ok": true`, `"dropped": 1`)

	call(0, "sql", "update product_metrics_minute set total_revenue = total_revenue + 1 where window_start = (select min(window_start) from product_metrics_minute)")
	stdout, stderr = call(3, "verify")
	has(stdout, "stream.transactions DIFFERS", "differs: table product_metrics_minute at ", "stream.refunds adds up")
	has(stderr, "something differs")
	call(0, "sql", `delete from dag.dead_letters`)
	stdout, _ = call(3, "verify", "stream.transactions")
	has(stdout, "batch of offsets ", "0 dead letters are there, the entry says")
}
