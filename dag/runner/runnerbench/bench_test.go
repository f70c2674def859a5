package runnerbench_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tillflow/dag/runner/runnerbench"
)

func TestBenchMeasuresEachThing(t *testing.T) {
	var said []string
	res, err := runnerbench.Run(t.Context(), runnerbench.Config{Rounds: 1, Jitter: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
		Say: func(s string) { said = append(said, s) }})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]float64{"chain": res.Chain, "fan": res.Fan, "chain in memory": res.MemoryChain, "fan in memory": res.MemoryFan,
		"validate": res.Validate, "plan": res.Plan} {
		if v <= 0 {
			t.Errorf("%s: %v ms", name, v)
		}
	}
	if res.Jitter == nil || res.Jitter.Count < 1 || len(said) != 7 {
		t.Errorf("jitter %+v, said %q", res.Jitter, said)
	}
	var b bytes.Buffer
	if err := res.WriteText(&b); err != nil || !strings.Contains(b.String(), "chain of 50, history in Postgres") {
		t.Errorf("%s%v", b.String(), err)
	}
	t.Log("\n" + b.String())
}
