// Package runner executes a plan. Streams are kept running; batch jobs start when their gate is true and what they
// need is in order; everything that runs is recorded.
//
//	stream: waiting -> starting -> catching-up <-> live <-> lagging, stalled
//	        any -> backing-off -> starting   on a failure, after a delay with jitter
//	        any -> draining -> stopped       on a stop
//	batch:  (gate true) -> running -> succeeded | failed | timed-out | canceled
//
// What happens on a failure: a stream is restarted for ever, later and later; a batch run is tried again as often as
// the dagfile says, then waits for its gate, and no sooner than a delay that grows with each failure in a row. When
// this process dies, its runs are closed as canceled by whoever starts next.
package runner

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// Job is what the runner needs of a job. Run returns context.Cause(ctx) when it was stopped.
type Job interface {
	Run(ctx context.Context, in run.Input) (run.Result, error)
}

// Store keeps the history of runs.
type Store interface {
	Begin(ctx context.Context, r run.Run) error
	Attempt(ctx context.Context, id run.ID, a run.Attempt) error
	Finish(ctx context.Context, r run.Run) error // a success moves the job's cursors to r.Ledger, in one transaction
	Extend(ctx context.Context, instance string, ttl time.Duration) error
	Recover(ctx context.Context, instance string) (closed int, err error)
	Last(ctx context.Context, job string) (run.Run, bool, error)
	Cursors(ctx context.Context, job string) (map[string]int64, error)
	Prune(ctx context.Context, before time.Time) error
}

// Facts tells how many rows each stream has committed since its log began, by job name.
type Facts interface {
	Rows(ctx context.Context) (map[string]int64, error)
}

// Config is what a Runner works with. Everything but the durations is needed.
type Config struct {
	Plan     *plan.Plan
	Jobs     map[string]Job // by name in the plan
	Store    Store
	Facts    Facts
	Log      *slog.Logger
	Now      func() time.Time
	Instance string        // names this process in the history; the same after a restart on one state folder
	Tick     time.Duration // how often gates are judged; 250ms by default
	Drain    time.Duration // how long work in hand may take after a stop; 10s by default
	Slots    int           // batch jobs at a time; the number of processors by default
	LiveLag  int64         // a stream with less lag is live; 2,000 messages by default
	Settle   time.Duration // how long a stream must have had little lag to be live; 2s by default
	Stall    time.Duration // a stream with lag and no progress for so long is stalled; 30s by default
	Keep     time.Duration // how long history keeps a run; 7 days by default
}

func (c Config) withDefaults() Config {
	if c.Tick == 0 {
		c.Tick = 250 * time.Millisecond
	}
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	if c.Slots == 0 {
		c.Slots = runtime.NumCPU()
	}
	if c.LiveLag == 0 {
		c.LiveLag = 2000
	}
	if c.Settle == 0 {
		c.Settle = 2 * time.Second
	}
	if c.Stall == 0 {
		c.Stall = 30 * time.Second
	}
	if c.Keep == 0 {
		c.Keep = 7 * 24 * time.Hour
	}
	return c
}

// leaseTTL is how long a run counts as alive after its process last said so.
const leaseTTL = 15 * time.Second

// Runner executes one plan.
type Runner struct {
	cfg   Config
	nodes []*node
	slots chan struct{}
}

// node is the runtime side of one job. mu guards what Status shows.
type node struct {
	*plan.Node
	job Job

	mu       sync.Mutex
	health   run.Health // streams
	wasLive  bool
	progress run.Progress
	moved    time.Time // when progress.Rows last grew
	calm     time.Time // since when the lag is small; zero while it is not
	rate     rate
	restarts int
	running  bool // batch jobs
	queued   bool
	trigger  string
	began    time.Time
	last     run.Run // the last run that ended, this process's or an earlier one's
	fails    int     // in a row
	answer   gate.Answer
	cursors  map[string]int64
	lastErr  string
}

// New makes a runner. It does nothing until one of the Run methods is called.
func New(cfg Config) *Runner {
	cfg = cfg.withDefaults()
	r := &Runner{cfg: cfg, slots: make(chan struct{}, cfg.Slots)}
	for _, n := range cfg.Plan.Nodes {
		r.nodes = append(r.nodes, &node{Node: n, job: cfg.Jobs[n.Name], health: run.Waiting})
	}
	return r
}

func (r *Runner) node(name string) *node {
	for _, n := range r.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// keepHistory tells the store that this process is alive and forgets old runs, until ctx ends.
func (r *Runner) keepHistory(ctx context.Context) {
	renew, prune := time.NewTicker(leaseTTL/3), time.NewTicker(time.Hour)
	defer renew.Stop()
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-prune.C:
			if err := r.cfg.Store.Prune(ctx, r.cfg.Now().Add(-r.cfg.Keep)); err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("cannot forget old runs", "error", err)
			}
		case <-renew.C:
			if err := r.cfg.Store.Extend(ctx, r.cfg.Instance, leaseTTL); err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("cannot renew the leases of runs", "error", err)
			}
		}
	}
}
