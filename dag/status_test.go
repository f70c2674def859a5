package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/lib/golden"
	"tillflow/lib/ledger"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

// The page as a person sees it, with something of everything.
func TestStatusPage(t *testing.T) {
	now := time.Date(2026, 1, 5, 16, 10, 0, 0, time.Local)
	before := func(d time.Duration) time.Time { return now.Add(-d) }
	at := func(n int64) *int64 { return &n }
	jobs := []jobStatus{
		{Status: runner.Status{Job: "seed.dims", State: "succeeded", Last: run.Run{Started: before(9 * time.Minute), Ended: before(9*time.Minute - 40*time.Millisecond), Result: run.Result{Note: "9 rows in 2 tables"}}}},
		{Status: runner.Status{Job: "stream.transactions", Stream: true, State: "lagging", Rate: 51_234, Lag: 12_345, Note: "2 dead"}, here: true,
			Ledger: &streamStatus{
				Watermark: before(6 * time.Minute), now: now,
				Partitions: []partitionStatus{
					{Topic: "transactions", Partition: 0}, {Topic: "transactions", Partition: 1, Owner: "till-1"},
					{Topic: "transactions", Partition: 2, Owner: "till-1"}, {Topic: "transactions", Partition: 3, Owner: "till-1"},
				},
				Problems: []ledger.Problem{
					{Topic: "transactions", Partition: 0, Kind: "retention-passed", Count: 3, Example: "transactions/0: offset 100 was removed by retention: the log starts at 350", Offset: at(100),
						Advice: "dag skip stream.transactions --partition 0 --to-start\nIt goes on at the log's start; the messages between are not in the tables, and the gap is recorded for dag verify.",
						First:  before(40 * time.Minute), Last: before(20 * time.Second)},
					{Topic: "transactions", Partition: 2, Kind: ledger.KindDead, Subject: "amount: * is a string, not a decimal(12,2)", Count: 9, Example: `amount: "b" is a string, not a decimal(12,2)`, Offset: at(7),
						Advice: "dag deadletters ls --stream stream.transactions --reason 'amount: * is a string, not a decimal(12,2)'\nMend the producer.", First: before(time.Minute), Last: before(2 * time.Second)},
					{Topic: "transactions", Partition: 1, Kind: ledger.KindDead, Subject: "amount: * is a string, not a decimal(12,2)", Count: 3, Example: `amount: "a" is a string, not a decimal(12,2)`, Offset: at(90),
						Advice: "dag deadletters ls --stream stream.transactions --reason 'amount: * is a string, not a decimal(12,2)'\nMend the producer.", First: before(30 * time.Hour), Last: before(3 * time.Second)},
					{Topic: "transactions", Partition: -1, Kind: "postgres-away", Count: 41, Example: "renew leases of stream.transactions: connection refused", Advice: "Start Postgres.",
						First: before(8 * time.Minute), Last: before(6 * time.Minute), Cleared: before(6 * time.Minute)},
				},
				Skips: []ledger.Skip{{Topic: "transactions", Partition: 3, Kind: ledger.SkipGap, First: 10, Next: 20, At: time.Date(2026, 1, 4, 9, 0, 0, 0, time.UTC)}},
			}},
	}
	var out bytes.Buffer
	if err := printStatus(&out, jobs, []string{"something could not be read"}, now); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 && !strings.HasPrefix(line, "  do: dag ") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	golden.Check(t, "testdata/status.golden", out.Bytes())
}

// Without a pipeline on this machine the streams' state comes from the ledger, as far as Postgres is up; nothing is
// started for it.
func TestStatusFromTheLedger(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	status := func(args ...string) (int, string, string) {
		return dag(t, append([]string{"status", "-f", "../dagfile.yaml", "--state", state}, args...)...)
	}
	t.Setenv("DATABASE_URL", "embedded:0")
	if code, _, stderr := status(); code != 1 || !strings.Contains(stderr, "no pipeline runs here") || !strings.Contains(stderr, "the embedded Postgres is not up") {
		t.Errorf("nothing up: exit code %d, %s", code, stderr)
	}
	t.Setenv("DATABASE_URL", pgtest.Empty(t))
	if code, _, stderr := status(); code != 1 || !strings.Contains(stderr, "the database has no ledger") {
		t.Errorf("an empty database: exit code %d, %s", code, stderr)
	}
	url := pgtest.URL(t)
	t.Setenv("DATABASE_URL", url)
	db, err := pg.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(t.Context(), `
		insert into dag.stream_offsets (job, topic, partition, next_offset, log_end, owner, lease_until)
		values ('stream.transactions', 'transactions', 0, 5, 12, 'elsewhere', now() + interval '1 hour');
		insert into dag.stream_problems (job, topic, partition, kind, count, example, advice)
		values ('stream.transactions', 'transactions', -1, 'disk-full', 3, 'could not extend file', 'Make room.')`); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := status()
	if code != 0 {
		t.Fatal(code, stderr)
	}
	for _, want := range []string{"running", "lag 7", "elsewhere on partition 0", "stream.transactions disk-full", "first: could not extend file", "do: Make room.", "no pipeline runs here"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in:\n%s", want, stdout)
		}
	}
	code, stdout, stderr = status("-o", "json")
	var jobs []struct {
		Job, State string
		Ledger     struct {
			Lag      int64
			Problems []struct{ Kind, Advice string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &jobs); code != 0 || err != nil || len(jobs) != 1 || jobs[0].Ledger.Lag != 7 ||
		len(jobs[0].Ledger.Problems) != 1 || jobs[0].Ledger.Problems[0].Kind != "disk-full" {
		t.Errorf("exit code %d, %v, %s%s", code, err, stdout, stderr)
	}
}

func TestWrongUseOfSkip(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "name one stream",
		"stream.transactions":          "say how it goes on",
		"ml.segmentation --to-start":   "only stream.kafka has a ledger",
		"stream.transactions --to-end": "flag provided but not defined",
	} {
		code, _, stderr := dag(t, append(append([]string{"skip"}, strings.Fields(args)...), "-f", "../dagfile.yaml", "--state", filepath.Join(t.TempDir(), "state"))...)
		if code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("dag skip %s: exit code %d, %s", args, code, stderr)
		}
	}
}
