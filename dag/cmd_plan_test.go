package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/spec"
	"tillflow/jobs"
	"tillflow/lib/golden"
)

const gated = `
version: 1
timezone: Asia/Riyadh
jobs:
  tills:   { uses: simulate.pos }
  hourly:  { uses: ml.basket, needs: [tills], when: { watermark: 1h, of: tills } }
  monthly: { uses: ml.basket, when: { cron: "0 3 1 * *" }, needs: [hourly] }
  nightly: { uses: ml.basket, when: { all: [{ cron: "0 3 * * *" }, { after: [hourly] }] } }
  once:    { uses: ml.basket }
  often:   { uses: ml.basket, when: { any: [{ every: 1m }, { rows: 5000, of: tills }] } }
`

// What a plan says on an empty history and from what a running pipeline knows; the clock is the test's.
func TestPlanTellsWhenWhyAndOverWhat(t *testing.T) {
	s, ps := spec.Parse("dagfile.yaml", []byte(gated), jobs.Specs(), nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p, ps := plan.New(s)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	now := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC).In(s.Location)
	before := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, known := range map[string]map[string]runner.Status{
		"plan-empty.golden": {},
		"plan-running.golden": {
			"tills":   {State: "live"},
			"hourly":  {Gate: gate.Answer{Due: true, Text: "tills passed 12:00", AsOf: now}, Last: run.Run{AsOf: before(time.Hour)}},
			"nightly": {Gate: gate.Answer{Text: "all"}, Last: run.Run{AsOf: before(24 * time.Hour)}},
			"once":    {Gate: gate.Answer{Text: "start"}, Last: run.Run{AsOf: before(time.Minute)}},
			"often":   {Gate: gate.Answer{Text: "any", Opens: now.Add(50 * time.Second), About: true}, Last: run.Run{AsOf: before(10 * time.Second)}},
		},
	} {
		var b bytes.Buffer
		if err := printForecast(&b, foresee(p.Once(), now, known), now, "as the test says"); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/"+name, b.Bytes())
	}
}

// A plan with --now is the same on every machine, and makes nothing: no state folder, no server.
func TestPlanTouchesNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dagfile.yaml")
	if err := os.WriteFile(file, []byte(gated), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := dag(t, "plan", "--now", "2026-01-05T12:00", "-o", "json", "-f", file)
	if code != 0 {
		t.Fatal(stderr)
	}
	golden.Check(t, "testdata/plan-json.golden", []byte(stdout))
	var back struct {
		Schema int
		Jobs   []forecast
	}
	if err := json.Unmarshal([]byte(stdout), &back); err != nil || back.Schema != 1 || len(back.Jobs) != 6 {
		t.Errorf("%v, %d jobs", err, len(back.Jobs))
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the plan left %v (%v)", entries, err)
	}
	if code, _, _ := dag(t, "plan", "--now", "soon", "-f", file); code != 2 {
		t.Errorf("--now soon: exit code %d", code)
	}
}
