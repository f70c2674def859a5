// Package runnerbench measures what the engine itself costs: jobs that do nothing, with their history in Postgres and in
// memory, a long dagfile, and how punctual a timed job is.
package runnerbench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
	"tillflow/dag/spec"
	"tillflow/lib/embedded"
	"tillflow/lib/pg"
	tillsql "tillflow/sql"
)

// Config says what to measure.
type Config struct {
	Rounds int           // the best of so many is told
	Jitter time.Duration // how long the job that runs every second is watched; 0 leaves it out
	Say    func(string)  // told what is measured next
	Log    *slog.Logger  // of the database
}

// Result is what was measured. All times are milliseconds.
type Result struct {
	Chain       float64   `json:"chain_ms_per_job"` // 50 jobs, each after the one before, history in Postgres
	Fan         float64   `json:"fan_ms_per_job"`   // 100 jobs that need nothing, history in Postgres
	MemoryChain float64   `json:"memory_chain_ms_per_job"`
	MemoryFan   float64   `json:"memory_fan_ms_per_job"`
	Validate    float64   `json:"validate_ms"` // a dagfile of 1,000 jobs
	Plan        float64   `json:"plan_ms"`     // the same
	Jitter      *Quantile `json:"jitter_ms,omitempty"`
}

// Quantile tells how late a job that runs every second began.
type Quantile struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
	Count int     `json:"count"`
}

// WriteText prints the result for people.
func (r Result) WriteText(w io.Writer) error {
	text := fmt.Sprintf(`a job that does nothing costs, in milliseconds:
  %-38s %8.3f
  %-38s %8.3f
  %-38s %8.3f
  %-38s %8.3f
a dagfile of 1,000 jobs:
  %-38s %8.3f
  %-38s %8.3f
`, "chain of 50, history in Postgres", r.Chain, "fan of 100, history in Postgres", r.Fan, "chain of 50, history in memory", r.MemoryChain,
		"fan of 100, history in memory", r.MemoryFan, "is checked in", r.Validate, "is planned in", r.Plan)
	if j := r.Jitter; j != nil {
		text += fmt.Sprintf("a job that runs every second begins late by (%d runs):\n  p50 %.3f, p99 %.3f, most %.3f\n", j.Count, j.P50, j.P99, j.Max)
	}
	_, err := io.WriteString(w, text)
	return err
}

// noop is a job that does nothing.
type noop struct{}

func (noop) Run(context.Context, run.Input) (run.Result, error) { return run.Result{}, nil }

type none struct{}

func (none) Streams(context.Context) (map[string]runner.Ledger, error) { return nil, nil }

var kinds = map[string]spec.Kind{"noop": {With: func() any { return new(struct{}) }}}

// Run measures, on a Postgres of its own that is gone afterwards.
func Run(ctx context.Context, cfg Config) (res Result, err error) {
	state, err := os.MkdirTemp("", "runnerbench")
	if err != nil {
		return res, err
	}
	defer func() {
		if rerr := os.RemoveAll(state); err == nil {
			err = rerr
		}
	}()
	if err := os.Chmod(state, 0o755); err != nil { // Postgres may run as another user
		return res, err
	}
	cfg.Say("starting Postgres")
	server, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: filepath.Join(state, "pg"), Log: cfg.Log, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
	if err != nil {
		return res, err
	}
	defer server.Stop(context.WithoutCancel(ctx))
	db, err := pg.Open(ctx, server.SocketURL())
	if err != nil {
		return res, err
	}
	defer db.Close()
	if _, err := pg.Migrate(ctx, db, tillsql.Migrations); err != nil {
		return res, err
	}
	postgres := func() runner.Store { return runstore.NewPostgres(db) }
	memory := func() runner.Store { return runstore.NewMemory() }
	for _, m := range []struct {
		what  string
		text  string
		jobs  int
		store func() runner.Store
		into  *float64
	}{
		{"a chain of 50, history in Postgres", chain(50), 50, postgres, &res.Chain},
		{"a fan of 100, history in Postgres", fan(100), 100, postgres, &res.Fan},
		{"a chain of 50, history in memory", chain(50), 50, memory, &res.MemoryChain},
		{"a fan of 100, history in memory", fan(100), 100, memory, &res.MemoryFan},
	} {
		cfg.Say(m.what)
		if *m.into, err = best(cfg.Rounds, func() (float64, error) { return once(ctx, m.text, m.jobs, m.store()) }); err != nil {
			return res, err
		}
	}
	cfg.Say("a dagfile of 1,000 jobs")
	if err := dagfile(cfg.Rounds, &res); err != nil {
		return res, err
	}
	if cfg.Jitter > 0 {
		cfg.Say(fmt.Sprintf("a job that runs every second, for %s", cfg.Jitter))
		res.Jitter, err = jitter(ctx, cfg.Jitter, postgres())
	}
	return res, err
}

// best is the least of some measurements: what disturbs only ever adds.
func best(rounds int, measure func() (float64, error)) (float64, error) {
	least := 0.0
	for i := range max(rounds, 1) {
		v, err := measure()
		if err != nil {
			return 0, err
		}
		if i == 0 || v < least {
			least = v
		}
	}
	return least, nil
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString("version: 1\njobs:\n  j0: { uses: noop }\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "  j%d: { uses: noop, needs: [j%d] }\n", i, i-1)
	}
	return b.String()
}

func fan(n int) string {
	var b strings.Builder
	b.WriteString("version: 1\njobs:\n")
	for i := range n {
		fmt.Fprintf(&b, "  j%d: { uses: noop }\n", i)
	}
	return b.String()
}

func parse(text string) (*plan.Plan, error) {
	s, ps := spec.Parse("dagfile.yaml", []byte(text), kinds, func(string) (string, bool) { return "", false })
	if len(ps) > 0 {
		return nil, fmt.Errorf("%s:%d: %s", ps[0].File, ps[0].Line, ps[0].Msg)
	}
	p, ps := plan.New(s)
	if len(ps) > 0 {
		return nil, fmt.Errorf("%s:%d: %s", ps[0].File, ps[0].Line, ps[0].Msg)
	}
	return p, nil
}

func newRunner(p *plan.Plan, store runner.Store, job runner.Job) *runner.Runner {
	jobs := map[string]runner.Job{}
	for _, n := range p.Nodes {
		jobs[n.Name] = job
	}
	return runner.New(runner.Config{Plan: p, Jobs: jobs, Store: store, Facts: none{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Instance: "bench"})
}

// once is the milliseconds a job of one pass over a plan.
func once(ctx context.Context, text string, jobs int, store runner.Store) (float64, error) {
	p, err := parse(text)
	if err != nil {
		return 0, err
	}
	r := newRunner(p, store, noop{})
	began := time.Now()
	if err := r.Once(ctx, p.Once(), runner.Request{Trigger: "bench"}); err != nil {
		return 0, err
	}
	return ms(time.Since(began)) / float64(jobs), nil
}

// dagfile measures a long one: groups of ten jobs with gates, each after the one before it.
func dagfile(rounds int, res *Result) error {
	var b strings.Builder
	b.WriteString("version: 1\njobs:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  g%d.j%d: { uses: noop, when: { any: [{ every: 1m }, { cron: \"0 6 * * *\" }], min_gap: 10s }, retries: { max: 3, backoff: 2s }, timeout: 5m", i/10, i%10)
		if i%10 > 0 {
			fmt.Fprintf(&b, ", needs: [g%d.j%d]", i/10, i%10-1)
		}
		b.WriteString(" }\n")
	}
	text := []byte(b.String())
	var s *spec.Spec
	res.Validate, _ = best(rounds, func() (float64, error) {
		began := time.Now()
		s, _ = spec.Parse("dagfile.yaml", text, kinds, func(string) (string, bool) { return "", false })
		return ms(time.Since(began)), nil
	})
	var err error
	res.Plan, err = best(rounds, func() (float64, error) {
		began := time.Now()
		p, ps := plan.New(s)
		if len(ps) > 0 {
			return 0, fmt.Errorf("plan: %s", ps[0].Msg)
		}
		p.Once()
		return ms(time.Since(began)), nil
	})
	return err
}

// punctual notes when it runs.
type punctual struct {
	mu sync.Mutex
	at []time.Time
}

func (p *punctual) Run(context.Context, run.Input) (run.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Now())
	return run.Result{}, nil
}

// jitter runs a job every second and tells how late its runs began, against the first one's seconds.
func jitter(ctx context.Context, d time.Duration, store runner.Store) (*Quantile, error) {
	p, err := parse("version: 1\njobs:\n  tick: { uses: noop, when: { every: 1s } }\n")
	if err != nil {
		return nil, err
	}
	job := new(punctual)
	ctx, cancel := context.WithTimeoutCause(ctx, d, run.ErrStop)
	defer cancel()
	if err := newRunner(p, store, job).Run(ctx); err != nil {
		return nil, err
	}
	var late []float64
	for i, t := range job.at[min(1, len(job.at)):] {
		late = append(late, ms(t.Sub(job.at[0])-time.Duration(i+1)*time.Second))
	}
	if len(late) == 0 {
		return nil, fmt.Errorf("%s is too short: nothing ran a second time", d)
	}
	slices.Sort(late)
	least := min(late[0], 0) // the first run may itself have been late
	at := func(q float64) float64 { return late[min(int(q*float64(len(late))), len(late)-1)] - least }
	return &Quantile{P50: at(0.5), P99: at(0.99), Max: at(1), Count: len(late)}, nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
