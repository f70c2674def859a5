package main

import (
	"context"
	"log/slog"
	"maps"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/server"
	"tillflow/lib/secret"
)

// serves is what a full run shows over HTTP: its reports, the state of its jobs, why each runs or not, its history, metrics.
func (c *call) serves(p *plan.Plan, r *runner.Runner, store runner.Store, log *slog.Logger) server.Config {
	return server.Config{
		Listen: p.Spec.Services.HTTP.Listen, Out: c.out, Log: log, Metrics: r.WriteMetrics,
		Status: func() any { return r.Status() },
		Why:    func(job string) (any, bool) { return r.Explain(job) },
		Runs: func(ctx context.Context, job string, limit int) (any, error) {
			runs, err := store.History(ctx, run.Filter{Job: job, Limit: limit})
			for i := range runs {
				runs[i].Params = withoutSecrets(runs[i].Params)
			}
			if runs == nil {
				runs = []run.Run{} // a list without entries, not null
			}
			return runs, err
		},
	}
}

// withoutSecrets are parameters as anybody may read them: one that is named like a secret has no value.
func withoutSecrets(params map[string]string) map[string]string {
	out := maps.Clone(params)
	for k := range out {
		if secret.Named(k) {
			out[k] = "***"
		}
	}
	return out
}
