package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// pastRuns are runs as a morning leaves them, the newest first.
func pastRuns() []run.Run {
	at := func(clock string) time.Time {
		t, err := time.Parse(time.RFC3339, "2026-01-31T"+clock+"Z")
		if err != nil {
			panic(err)
		}
		return t
	}
	ledger := map[string]int64{"stream.transactions": 1234567, "stream.refunds": 98765}
	return []run.Run{
		{ID: "20260131T064102.000-6e0f9a11", Job: "ml.segmentation", State: run.Running, Trigger: "5,012 of 5000 rows of stream.transactions",
			AsOf: at("06:41:02"), Ledger: ledger, Instance: "till-3f2a", Started: at("06:41:02")},
		{ID: "20260131T064000.000-0badc0de", Job: "ml.segmentation", State: run.Failed, Trigger: "every 1m, last began 1m ago", AsOf: at("06:40:00"), Ledger: ledger,
			Instance: "till-3f2a", Started: at("06:40:00"), Ended: at("06:40:21.345"), Params: map[string]string{"region": "Riyadh", "clusters": "4"}, RetryOf: "20260131T063900.000-77777777",
			Error:  "read customers: ERROR: canceling statement due to statement timeout (SQLSTATE 57014)\nquery: select customer_id, max(ts) from transactions group by 1",
			Result: run.Result{RowsRead: 60214}},
		{ID: "20260131T063900.000-77777777", Job: "ml.segmentation", State: run.Canceled, Trigger: "every 1m, last began 1m ago", AsOf: at("06:39:00"), Ledger: ledger,
			Instance: "till-3f2a", Started: at("06:39:00"), Ended: at("06:39:07"), Error: run.Interrupted, Fence: 1},
		{ID: "20260131T030000.000-12345678", Job: "ml.segmentation", State: run.Succeeded, Trigger: "backfill ml.segmentation-1d", AsOf: at("00:00:00"),
			From: at("00:00:00").AddDate(0, 0, -1), To: at("00:00:00"), Backfill: "ml.segmentation-1d", Instance: "till-3f2a", Started: at("03:00:00"), Ended: at("03:02:30"),
			Result: run.Result{RowsRead: 1204987, RowsWritten: 60214, Note: "60,214 customers in 7 segments, 4 clusters"}},
		{ID: "20260129T120000.000-abcdef01", Job: "check.sales", State: run.Warned, Trigger: "dag run", AsOf: at("12:00:00").AddDate(0, 0, -2), Instance: "till-3f2a",
			Started: at("12:00:00").AddDate(0, 0, -2), Ended: at("12:00:00.087").AddDate(0, 0, -2), Result: run.Result{RowsRead: 12, Warning: "2 of 8 checks warn"}},
	}
}

var (
	morning = time.Date(2026, 1, 31, 6, 41, 9, 0, time.UTC)
	riyadh  = time.FixedZone("+03", 3*3600)
)

// fits fails the test when a line is wider than a terminal.
func fits(t *testing.T, page []byte) {
	t.Helper()
	for line := range strings.Lines(string(page)) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestHistoryIsReadable(t *testing.T) {
	for name, jobs := range map[string]bool{"one_job": false, "all_jobs": true} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := printHistory(&b, pastRuns(), jobs, riyadh, morning); err != nil {
				t.Fatal(err)
			}
			fits(t, b.Bytes())
			golden.Check(t, "testdata/history_"+name+".golden", b.Bytes())
		})
	}
}

func TestShowIsReadable(t *testing.T) {
	began := pastRuns()[1].Started
	attempts := []run.Attempt{
		{Number: 1, State: run.Failed, Started: began, Ended: began.Add(10 * time.Second), Error: "dial tcp 127.0.0.1:5433: connection refused"},
		{Number: 2, State: run.Failed, Started: began.Add(12 * time.Second), Ended: began.Add(21345 * time.Millisecond), Error: pastRuns()[1].Error},
	}
	var log []run.Line
	for i := range 14 {
		log = append(log, run.Line{Seq: int64(i + 1), Attempt: 1, At: began, Text: strings.Repeat("·", i+1) + " read a part of the customers\n"})
	}
	for name, v := range map[string]shown{
		"running": {Run: pastRuns()[0]}, "failed": {pastRuns()[1], attempts, log}, "interrupted": {Run: pastRuns()[2]}, "backfill": {Run: pastRuns()[3], Log: log[:2]},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := printRun(&b, v, riyadh, morning); err != nil {
				t.Fatal(err)
			}
			fits(t, b.Bytes())
			golden.Check(t, "testdata/show_"+name+".golden", b.Bytes())
		})
	}
}

// A log that is followed shows what is written while one looks, ends with its run, and goes on with the job's next run.
func TestLogsFollowRuns(t *testing.T) {
	store := runstore.NewPostgres(pgtest.Open(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	begin := func() run.Run {
		r := run.Run{ID: run.NewID(began), Job: "a", State: run.Running, Instance: "here", AsOf: began, Started: began}
		began = began.Add(time.Second)
		if err := store.Begin(ctx, r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	read, write := io.Pipe()
	followed := make(chan error, 1)
	first := begin()
	go func() {
		l := &logReader{store: store, out: write}
		followed <- l.followJob(ctx, "a", first.ID, func(r run.Run) {})
	}()
	r := first
	for i, text := range []string{"one\n", "two\n", "three\n"} {
		if i == 2 { // the third line is of the next run
			r.State, r.Ended = run.Succeeded, time.Now()
			if err := store.Finish(ctx, r); err != nil {
				t.Fatal(err)
			}
			r = begin()
		}
		if err := store.AppendLog(ctx, r.ID, 1, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(read, got); err != nil || string(got) != text {
			t.Fatalf("followed %q %v, want %q", got, err, text)
		}
	}
	cancel()
	<-followed
}

func TestFollowFlag(t *testing.T) {
	for args, want := range map[string]string{
		"-f job": "--follow job", "job -f": "job --follow", "job -f shop.yaml": "job -f shop.yaml", "job -f shop.yaml -f": "job -f shop.yaml --follow",
	} {
		if diff := cmp.Diff(strings.Fields(want), followFlag(strings.Fields(args))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", args, diff)
		}
	}
}
