package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tillflow/dag/gate"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/spec"
	"tillflow/lib/golden"
)

// What `dag why` prints of jobs in every kind of standing, at a fixed time.
func TestWhyTellsNumbersAndTheNextOpening(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	when := &spec.When{Any: []spec.When{{Rows: 5000, Of: "stream.transactions"}, {Every: time.Minute}}, MinGap: 10 * time.Second}
	facts := gate.Facts{
		Now: now, LastStart: now.Add(-18 * time.Second), LastEnd: now.Add(-15 * time.Second), Location: time.UTC,
		Streams: map[string]gate.Stream{"stream.transactions": {Rows: 9321, Lag: 12, Rate: 30}}, Cursors: map[string]int64{"stream.transactions": 9000},
	}
	last := run.Run{ID: "r", State: run.Succeeded, Trigger: "every 1m, last began 1m0s ago", Started: facts.LastStart, Ended: facts.LastEnd}
	live := gate.Answer{Due: true, Text: "needs", Sub: []gate.Answer{{Due: true, Text: "stream.transactions is live"}}}
	shut := gate.Eval(when, facts)
	facts.LastStart, facts.LastEnd = now.Add(-2*time.Minute), now.Add(-118*time.Second)
	open := gate.Eval(when, facts)
	whole := func(sub ...gate.Answer) gate.Answer {
		a := gate.Answer{Due: true, Text: "all", Sub: sub}
		for _, s := range sub {
			a.Due = a.Due && s.Due
		}
		return a
	}
	waits := whole(live, shut)
	waits.Opens = shut.Opens
	jobs := []runner.Status{
		{Job: "ml.segmentation", State: "succeeded", Last: last, Why: waits},
		{Job: "ml.associations", State: "succeeded", Last: last, Why: whole(live, open)},
		{Job: "ml.paused", State: "failed", Paused: "the books are being closed", Error: "read orders: no route\n to host", Last: run.Run{ID: "r", State: run.Failed, Started: last.Started, Ended: last.Ended},
			Why: whole(gate.Answer{Text: "needs", Sub: []gate.Answer{{Text: "stream.transactions is backing-off, wanted live"}}}, open, gate.Answer{Text: "paused 3m ago: the books are being closed"})},
		{Job: "ml.running", State: "running", Trigger: "5123 of 5000 rows of stream.transactions", Why: whole(live, open, gate.Answer{Text: "a run is in hand"})},
		{Job: "stream.transactions", Stream: true, State: "lagging", Why: gate.Answer{Due: true, Text: "needs", Sub: []gate.Answer{{Due: true, Text: "seed.dims succeeded 4m ago"}}},
			Vitals: &runner.Vitals{Why: "lag 93210, not below 2000 for 12s, there in about 1m26s at this pace"}},
	}
	var b bytes.Buffer
	for _, j := range jobs {
		if err := writeWhy(&b, j, now); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
	}
	golden.Check(t, "testdata/why.golden", b.Bytes())
}
