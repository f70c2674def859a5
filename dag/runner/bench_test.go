package runner

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/dag/spec"
)

type committed map[string]Ledger

func (c committed) Streams(context.Context) (map[string]Ledger, error) { return c, nil }

// gates is a runner of 200 batch jobs whose gates look at a stream and at the clock, none of which opens.
func gates(b *testing.B) *Runner {
	b.Helper()
	var text strings.Builder
	text.WriteString("version: 1\njobs:\n  s: { uses: stream }\n")
	for i := range 200 {
		fmt.Fprintf(&text, "  j%d: { uses: batch, when: { all: [{ any: [{ rows: 1000000, of: s }, { cron: \"0 6 1 1 *\" }] }, { lag_below: 10, of: s }], min_gap: 10s } }\n", i)
	}
	s, ps := spec.Parse("dagfile.yaml", []byte(text.String()), worldKinds, nil)
	if len(ps) > 0 {
		b.Fatal(ps)
	}
	p, ps := plan.New(s)
	if len(ps) > 0 {
		b.Fatal(ps)
	}
	r := New(Config{Plan: p, Jobs: map[string]Job{}, Store: runstore.NewMemory(), Facts: committed{"s": {Rows: 5}}, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	r.setHealth(r.byName["s"], run.Live, "")
	return r
}

// BenchmarkGates is what the scheduler pays for 200 jobs each time the ledger has news, which is once a second by default:
// 1 % of a core is 10 ms. The metric tells it.
func BenchmarkGates(b *testing.B) {
	r := gates(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		r.readLedger(ctx)
		r.round(ctx, ctx, func(func()) { b.Fatal("a gate has opened") })
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N), "%core")
}
