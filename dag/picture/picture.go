// Package picture keeps in Postgres what only the running process knows of a pipeline: its jobs and how they hang
// together, what each is doing, and why it runs or waits. Reports read it there like anything else (dag.jobs,
// dag.job_needs, dag.job_conditions, dag.stream_states, dag.stream_samples), so that a page about the pipeline is a report like any other.
//
// One process keeps the rows of a pipeline at a time, by a lease that it renews; others on the same database look on and
// take over when it lapses. A row is written when it has changed, all changed ones in one statement and at most one
// statement in two seconds. How long ago something was changes all the time and tells nothing, so it is left out: a
// pipeline in which nothing happens writes only its lease.
package picture

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/plan"
	"tillflow/dag/runner"
	"tillflow/sql"
)

const (
	beat  = 2 * time.Second  // between two looks at the jobs
	renew = 5 * time.Second  // between two statements when nothing has changed
	lease = 15 * time.Second // after this without a statement another process may take over

	sample = 15 * time.Second // between two notes of how far the streams are
)

// Config says whose picture is kept, and where.
type Config struct {
	DB       *pgxpool.Pool // migrated
	Plan     *plan.Plan
	Instance string // the process, unique among those that run at the same time
	Status   func() []runner.Status
	Once     time.Time // when each job began to be run once; zero: the jobs run for as long as the process
	Log      *slog.Logger
}

// Keeper writes the picture of one pipeline. It is not safe for concurrent use.
type Keeper struct {
	cfg    Config
	static map[string]row    // what the plan says of each job
	kept   map[string]string // job -> its row as it was last written, as JSON
	at     time.Time         // of the last statement that went through
	swept  time.Time         // old rows were removed
	noted  time.Time         // how far the streams are was noted
	wrong  string            // what was wrong at the last try; a change is logged
}

// New makes a keeper. It writes nothing yet.
func New(cfg Config) *Keeper {
	return &Keeper{cfg: cfg, static: fromPlan(cfg.Plan), kept: map[string]string{}}
}

// Run keeps the picture until ctx ends, and writes it once more then. A database that is away is logged once and tried
// again.
func (k *Keeper) Run(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for {
		k.try(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), renew)
			defer cancel()
			k.try(last)
			return
		case <-t.C:
		}
	}
}

func (k *Keeper) try(ctx context.Context) {
	wrong := ""
	if _, err := k.Save(ctx); err != nil {
		if ctx.Err() != nil {
			return
		}
		wrong = err.Error()
	}
	if wrong != "" && wrong != k.wrong {
		k.cfg.Log.Warn("the page of the pipeline is not kept up to date", "error", wrong)
	}
	k.wrong = wrong
}

// Save writes what has changed since the last call, or renews the lease when it is time to. mine is false when another
// process keeps the picture: then nothing is written.
func (k *Keeper) Save(ctx context.Context) (mine bool, err error) {
	changed := []json.RawMessage{} // an empty list, not null
	now := map[string]string{}
	for i, s := range k.cfg.Status() {
		if !k.cfg.Once.IsZero() {
			s.State = once(s, k.cfg.Once)
		}
		text, err := json.Marshal(k.static[s.Job].with(i+1, s))
		if err != nil {
			return false, fmt.Errorf("keep the picture of job %s: %w", s.Job, err)
		}
		if now[s.Job] = string(text); k.kept[s.Job] != now[s.Job] {
			changed = append(changed, text)
		}
	}
	waits := time.Since(k.at) < renew
	if waits && (len(changed) == 0 || len(k.kept) == 0) { // nothing new, or another has it
		return len(k.kept) > 0, nil
	}
	list, err := json.Marshal(changed)
	if err != nil {
		return false, fmt.Errorf("keep the picture of the jobs: %w", err)
	}
	var n int
	if err := k.cfg.DB.QueryRow(ctx, sql.Query("picture_save"), k.cfg.Plan.Spec.Name, k.cfg.Instance, lease, string(list)).Scan(&n); err != nil {
		return false, fmt.Errorf("keep the picture of the jobs: %w", err)
	}
	if k.at = time.Now(); n == 0 {
		clear(k.kept)
		return false, nil
	}
	took := len(k.kept) == 0
	if k.kept = now; took || time.Since(k.swept) > time.Hour {
		if err := k.forget(ctx); err != nil {
			return true, err
		}
	}
	if time.Since(k.noted) >= sample {
		if _, err := k.cfg.DB.Exec(ctx, sql.Query("picture_sample"), k.cfg.Plan.Spec.Name); err != nil {
			return true, fmt.Errorf("note how far the streams are: %w", err)
		}
		k.noted = time.Now()
	}
	return true, nil
}

// forget removes the rows of jobs that the dagfile no longer has, and old states of streams.
func (k *Keeper) forget(ctx context.Context) error {
	names := make([]string, len(k.cfg.Plan.Nodes))
	for i, n := range k.cfg.Plan.Nodes {
		names[i] = n.Name
	}
	if _, err := k.cfg.DB.Exec(ctx, sql.Query("picture_forget"), k.cfg.Plan.Spec.Name, names); err != nil {
		return fmt.Errorf("forget jobs that are gone: %w", err)
	}
	k.swept = time.Now()
	return nil
}
