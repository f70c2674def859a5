package runner_test

import (
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"tillflow/dag/runner"
)

// sample is a line of the text format: a name, labels, a number.
var sample = regexp.MustCompile(`^[a-z_]+\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\} [0-9.e+-]+$`)

func TestMetrics(t *testing.T) {
	t.Parallel()
	var ran atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  good: { uses: batch, needs: [orders], when: { every: 1ms } }
  bad: { uses: batch }
`, map[string]runner.Job{"orders": job(live), "good": counter(&ran), "bad": job(fails)})
	f.facts.set("orders", 42)
	stop := f.full(t)
	until(t, "both have run, and the ledger was read", func() bool {
		var b strings.Builder
		if err := f.WriteMetrics(&b); err != nil {
			t.Fatal(err)
		}
		return ran.Load() > 1 && strings.Contains(b.String(), `tillflow_runs_total{job="bad",outcome="failed"} `) && strings.Contains(b.String(), "rows_total{")
	})
	var b strings.Builder
	if err := f.WriteMetrics(&b); err != nil {
		t.Fatal(err)
	}
	stop()
	typed := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); words[0] == "#" {
			if words[1] == "TYPE" && typed[words[2]] {
				t.Errorf("%s is declared twice", words[2])
			}
			typed[words[2]] = typed[words[2]] || words[1] == "TYPE"
			continue
		}
		if name, _, _ := strings.Cut(line, "{"); !sample.MatchString(line) || !typed[name] {
			t.Errorf("not the text format of Prometheus: %s", line)
		}
	}
	for _, want := range []string{
		`tillflow_job_state{job="orders",state="live"} 1`, `tillflow_stream_lag_messages{job="orders"} 0`, `tillflow_stream_rows_total{job="orders"} 42`,
		`tillflow_stream_restarts_total{job="orders"} 0`, `tillflow_job_paused{job="bad"} 0`, `tillflow_runs_total{job="good",outcome="succeeded"} `,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in:\n%s", want, b.String())
		}
	}
}
