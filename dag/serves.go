package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"strings"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/server"
	"tillflow/dag/spec"
	pages "tillflow/jobs/report"
	"tillflow/lib/notebook"
	"tillflow/lib/strictyaml"
)

// serves is what a full run shows over HTTP: its reports, the state of its jobs, why each runs or not, its history, metrics.
func (c *call) serves(p *plan.Plan, r *runner.Runner, store runner.Store, log *slog.Logger) server.Config {
	h := p.Spec.Services.HTTP
	return server.Config{
		Listen: h.Listen, Hosts: h.Hosts, Token: h.Token, User: h.BasicAuth.User, Password: h.BasicAuth.Password,
		Out: c.out, Log: log, Ask: c.ask,
		Metrics: func(w io.Writer) error { return errors.Join(r.WriteMetrics(w), pages.WriteMetrics(w, c.reports)) },
		Status:  func() any { return shownStatuses(r.Status()) },
		Why: func(job string) (any, bool) {
			v, ok := r.Explain(job)
			return shownStatus(v), ok
		},
		Runs: func(ctx context.Context, job string, limit int) (any, error) {
			runs, err := store.History(ctx, run.Filter{Job: job, Limit: limit})
			return shownRuns(runs), err
		},
	}
}

// unguarded finds a place to serve the reports at that others can reach, without anything that keeps them out.
func unguarded(s *spec.Spec) []strictyaml.Problem {
	if s == nil {
		return nil
	}
	h := s.Services.HTTP
	if _, _, err := net.SplitHostPort(h.Listen); err != nil || server.Loopback(h.Listen) || h.Guarded() {
		return nil
	}
	return []strictyaml.Problem{s.Problem(fmt.Sprintf("others can reach the reports at %s, and nothing keeps them out", h.Listen),
		`give services.http a token: "${DAG_TOKEN}" or a basic_auth, or listen on 127.0.0.1`, "services", "http", "listen")}
}

// samePages finds reports that would write over each other's page. Names that differ in capitals only are the same file on
// some systems.
func samePages(s *spec.Spec) (problems []strictyaml.Problem) {
	if s == nil {
		return nil
	}
	writes := map[string]string{} // page -> job
	for i := range s.Jobs.Entries {
		e := &s.Jobs.Entries[i]
		w, ok := e.Value.Args.(*pages.With)
		if !ok || w.File == "" {
			continue
		}
		page := cmp.Or(w.Out, notebook.FileName(w.File))
		if other := writes[strings.ToLower(page)]; other != "" {
			problems = append(problems, s.Problem(fmt.Sprintf("the reports %s and %s would both write the page %s", other, e.Key, page),
				"give one of them another name with out: NAME.html", "jobs", e.Key, "with"))
			continue
		}
		writes[strings.ToLower(page)] = e.Key
	}
	return problems
}

// ask has a page made that is rendered on demand, by the report whose page it is.
func (c *call) ask(ctx context.Context, page string) error {
	for _, j := range c.reports {
		if err := j.Ask(ctx, page); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("no report has a page %s: %w", page, fs.ErrNotExist)
}
