package runner

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tillflow/dag/run"
)

// WriteMetrics writes what every job is doing in the text format of Prometheus, version 0.0.4: one family after the other,
// jobs in plan order. Counters begin at 0 with this process; a watermark or lag that is not known is left out.
func (r *Runner) WriteMetrics(w io.Writer) error {
	all, now := r.Status(), r.cfg.Now()
	var b strings.Builder
	family := func(name, kind, help string, each func(s Status, say func(value any, labels ...string))) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
		for _, s := range all {
			each(s, func(value any, labels ...string) {
				fmt.Fprintf(&b, "%s{job=%s", name, label(s.Job))
				for i := 0; i < len(labels); i += 2 {
					fmt.Fprintf(&b, ",%s=%s", labels[i], label(labels[i+1]))
				}
				fmt.Fprintf(&b, "} %v\n", value)
			})
		}
	}
	family("tillflow_job_state", "gauge", "1 for the state that a job is in.", func(s Status, say func(any, ...string)) {
		say(1, "state", s.State)
	})
	family("tillflow_job_paused", "gauge", "1 while a person has paused a job.", func(s Status, say func(any, ...string)) {
		say(map[bool]int{true: 1}[s.Paused != ""])
	})
	family("tillflow_runs_total", "counter", "Runs that ended, by outcome.", func(s Status, say func(any, ...string)) {
		for _, state := range slices.Sorted(maps.Keys(s.Runs)) {
			say(s.Runs[state], "outcome", string(state))
		}
	})
	family("tillflow_last_run_seconds", "gauge", "How long the last run of a batch job took.", func(s Status, say func(any, ...string)) {
		if !s.Stream && !s.Last.Ended.IsZero() {
			say(s.Last.Ended.Sub(s.Last.Started).Seconds())
		}
	})
	family("tillflow_stream_lag_messages", "gauge", "Messages in the log that are not stored yet.", func(s Status, say func(any, ...string)) {
		if s.Stream && s.Lag >= 0 {
			say(s.Lag)
		}
	})
	family("tillflow_stream_watermark_age_seconds", "gauge", "How far the watermark lies behind the clock.", func(s Status, say func(any, ...string)) {
		if s.Stream && !s.Watermark.IsZero() {
			say(now.Sub(s.Watermark).Seconds())
		}
	})
	family("tillflow_stream_rows", "gauge", "Rows that the attempt in hand has stored.", func(s Status, say func(any, ...string)) {
		if s.Stream {
			say(s.Rows)
		}
	})
	family("tillflow_stream_restarts_total", "counter", "Restarts after a failure.", func(s Status, say func(any, ...string)) {
		if s.Stream {
			say(s.Restarts)
		}
	})
	r.mu.Lock()
	rows := map[string]int64{}
	for job, l := range r.ledger {
		rows[job] = l.Rows
	}
	r.mu.Unlock()
	family("tillflow_stream_rows_total", "counter", "Rows that the ledger counts since the log began.", func(s Status, say func(any, ...string)) {
		if n, ok := rows[s.Job]; ok {
			say(n)
		}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// label quotes the value of a label.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// countOutcome notes how a run came out.
func (p *past) countOutcome(state run.State) {
	if p.outcomes == nil {
		p.outcomes = map[run.State]int64{}
	}
	p.outcomes[state]++
}
