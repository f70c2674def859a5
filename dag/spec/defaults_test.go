package spec_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tillflow/dag/spec"
)

// A job's own setting wins, then the first pattern that says it; a setting is taken as a whole, and streams take only
// what they have a use for.
func TestDefaults(t *testing.T) {
	s, ps := spec.Parse("dagfile.yaml", []byte(`
version: 1
timezone: Asia/Riyadh
pools: { db: 4 }
defaults:
  "ml.top":  { retries: { max: 0 }, pool: db }
  "ml.*":    { retries: { max: 3, backoff: 2s }, timeout: 5m, cost: 2, tags: [ml] }
  "tag:ml":  { overlap: queue, timezone: UTC }
  "*":       { timeout: 1h, timezone: Europe/Paris, tags: [all] }
jobs:
  ml.top: { uses: check, timeout: 1m }
  ml.rfm: { uses: check, retries: { max: 1 }, overlap: replace }
  other:  { uses: check, tags: [mine], cost: 3 }
  stream: { uses: stream }
`), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	for name, want := range map[string]string{
		"ml.top": "retries 0/0s timeout 1m0s pool db cost 2 overlap queue zone UTC tags [ml]",
		"ml.rfm": "retries 1/0s timeout 5m0s pool  cost 2 overlap replace zone UTC tags [ml]",
		"other":  "retries 0/0s timeout 1h0m0s pool  cost 3 overlap skip zone Europe/Paris tags [mine]",
		"stream": "retries 0/0s timeout 0s pool  cost 1 overlap skip zone Europe/Paris tags [all]",
	} {
		j, _ := s.Jobs.Get(name)
		got := fmt.Sprintf("retries %d/%s timeout %s pool %s cost %d overlap %s zone %s tags %v",
			j.Retries.Max, j.Retries.Backoff, j.Timeout, j.Pool, j.Cost, j.Overlap, j.Location, j.Tags)
		if got != want {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
}

func TestWhatTheFileLeavesOut(t *testing.T) {
	s, ps := spec.Parse("dagfile.yaml", []byte(`
version: 1
jobs:
  stream: { uses: stream }
  capped: { uses: stream, restarts: { max: -1, within: 1h } }
  batch:  { uses: check, needs: [stream, { job: capped, is: caught-up }], when: { any: [{ cron: "@daily" }, { cron: "@hourly", catch_up: all }, { every: 1m }] } }
`), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	stream, _ := s.Jobs.Get("stream")
	capped, _ := s.Jobs.Get("capped")
	batch, _ := s.Jobs.Get("batch")
	if stream.Restarts != (spec.Restarts{Max: 10, Within: 10 * time.Minute}) || capped.Restarts != (spec.Restarts{Max: -1, Within: time.Hour}) {
		t.Errorf("restarts %+v, %+v", stream.Restarts, capped.Restarts)
	}
	if batch.Rule != "all-success" || batch.Overlap != "skip" || batch.Cost != 1 || batch.Location != time.UTC || batch.Restarts != (spec.Restarts{}) {
		t.Errorf("batch %+v", batch)
	}
	if !slices.Equal(batch.Needs, []spec.Need{{Job: "stream"}, {Job: "capped", Is: "caught-up"}}) {
		t.Errorf("needs %v", batch.Needs)
	}
	any := batch.When.Any
	if any[0].CatchUp != "latest" || any[1].CatchUp != "all" || any[1].CatchUpMax != 100 || any[2].CatchUp != "" {
		t.Errorf("gates %+v", any)
	}
}

func TestGatesInWords(t *testing.T) {
	s, ps := spec.Parse("dagfile.yaml", []byte(`
version: 1
jobs:
  s: { uses: stream }
  c: { uses: check }
  a: { uses: check, when: { any: [{ rows: 5000, of: s }, { every: 1m }], min_gap: 10s } }
  b: { uses: check, when: { all: [{ every: 1m, cron: "@daily" }, { any: [{ checks: [c] }, { after: [a] }] }], debounce: 5s } }
  d: { uses: check, when: { not: { lag_below: 10, of: s }, watermark: 1h, of: s, debounce: 30s } }
  e: { uses: check }
`), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	for name, want := range map[string]string{
		"s": "always",
		"e": "at the start",
		"a": "5000 rows of s or every 1m, 10s apart",
		"b": "(every 1m and cron @daily) and (passed c or after a), held for 5s",
		"d": "each 1h of event time of s, 30s without rows of s, not (lag below 10 of s)",
	} {
		j, _ := s.Jobs.Get(name)
		if got := j.Opens(); got != want {
			t.Errorf("%s opens %q, want %q", name, got, want)
		}
	}
	d, _ := s.Jobs.Get("d")
	b, _ := s.Jobs.Get("b")
	if got := d.When.On("s"); got != "each 1h of event time, 30s without rows, not lag below 10" {
		t.Errorf("d wants %q of s", got)
	}
	if got := b.When.Sources(); !slices.Equal(got, []string{"c", "a"}) {
		t.Errorf("b looks at %v", got)
	}
}
