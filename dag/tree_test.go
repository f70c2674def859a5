package main

import (
	"strings"
	"testing"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/lib/golden"
)

// The live view of a pipeline, as it stands on a terminal of 80 columns without colour.
func TestTreeOfARunningPipeline(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ended := run.Run{ID: "r", Started: now.Add(-9 * time.Second), Ended: now.Add(-8 * time.Second), Result: run.Result{Note: "8,686 customers, 7 segments"}}
	jobs := []runner.Status{
		{Job: "seed.dims", State: "succeeded", Last: ended},
		{Job: "sim.pos", Stream: true, Needs: []string{"seed.dims"}, State: "live", Rows: 1_785_715, Rate: 40, Lag: -1},
		{Job: "stream.transactions", Stream: true, Needs: []string{"seed.dims"}, State: "lagging", Rows: 1_720_606, Rate: 3210.4, Lag: 12_345, Watermark: now.Add(-5*time.Minute - 2*time.Second), Restarts: 2},
		{Job: "ml.segmentation", Needs: []string{"seed.dims", "stream.transactions"}, State: "running", Began: now.Add(-3 * time.Second), Trigger: "5012 of 5000 rows of stream.transactions", Last: ended},
		{Job: "ml.check", Needs: []string{"ml.segmentation"}, State: "warned", Last: ended},
		{Job: "ml.anomalies", Needs: []string{"stream.transactions"}, State: "failed", Last: ended, Error: "read windows: no route to host"},
		{Job: "stream.refunds", Stream: true, Needs: []string{"seed.dims"}, State: "crash-looped", Lag: -1, Error: "no broker", Restarts: 11},
		{Job: "ml.late", Needs: []string{"stream.refunds"}, State: "waiting", Why: gate.Answer{Text: "all", Sub: []gate.Answer{{Due: true, Text: "every 5s"}, {Text: "stream.refunds is crash-looped, wanted live"}}}},
		{Job: "report.dashboard", State: "waiting", Paused: "the books are being closed"},
	}
	var b strings.Builder
	for _, line := range jobLines(jobs, now, false) {
		b.WriteString(cut(line, 80) + "\n")
	}
	golden.Check(t, "testdata/tree.golden", []byte(strings.ReplaceAll(b.String(), "\x1b[0m", "")))
	if got := len(jobLines(jobs, now, true)); got != len(jobs)+1 {
		t.Errorf("%d lines with colour, want %d and one of heads", got, len(jobs))
	}
}
