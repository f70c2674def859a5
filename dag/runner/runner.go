package runner

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// Config is what a Runner works with. Everything down to Instance is needed.
type Config struct {
	Plan     *plan.Plan
	Jobs     map[string]Job // by name in the plan
	Store    Store
	Facts    Facts
	Log      *slog.Logger
	Now      func() time.Time
	Instance string // names this process in the history; the same after a restart on one state folder

	Hide   func(string) string            // takes secrets out of what jobs say before it is kept or told: errors, notes, logs; by default hides nothing
	Secret func(params map[string]string) // told of the parameters of each run before its job sees them, so that Hide can hide those that are secrets

	Event   func(Event)     // told of each change, in order; must not call the Runner
	Hurry   <-chan struct{} // when closed, a drain waits for nothing any more
	Seed    uint64          // of the jitter; 0 is a random one
	Tick    time.Duration   // how often the health of streams is judged; the ledger is read every fourth time; 250ms by default
	Drain   time.Duration   // how long work in hand may take after a stop; 10s by default
	Slots   int             // batch jobs without a pool at a time; by default 8, or twice the number of processors
	LiveLag int64           // a stream with less lag is live; 2,000 messages by default
	Settle  time.Duration   // how long a stream must have had little lag to be live, or much to be lagging; 2s by default
	Stall   time.Duration   // a stream with lag and no progress for so long is stalled; 30s by default
	Keep    time.Duration   // how long history keeps a run; 7 days by default
}

func (c Config) withDefaults() Config {
	if c.Hide == nil {
		c.Hide = func(s string) string { return s }
	}
	if c.Secret == nil {
		c.Secret = func(map[string]string) {}
	}
	if c.Event == nil {
		c.Event = func(Event) {}
	}
	for c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Tick == 0 {
		c.Tick = 250 * time.Millisecond
	}
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	if c.Slots == 0 {
		c.Slots = max(8, 2*runtime.NumCPU()) // jobs wait for the database more than they compute, and a short one must not wait for long ones
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

// Runner executes one plan.
type Runner struct {
	cfg     Config
	nodes   []*node
	byName  map[string]*node
	slots   chan struct{}
	wake    chan struct{} // holds one token when the scheduler should look again
	streams bool          // the plan has streams, so there is a ledger to read

	mu       sync.Mutex // guards what follows and all of a node below its job
	rng      *rand.Rand
	pasts    map[string]*past
	ledger   map[string]Ledger
	readAt   time.Time // when the ledger was read
	since    time.Time // when this process began to watch
	draining bool
	freed    chan struct{} // closed, and made anew, when a place in a pool is free again
	extended time.Time     // when the leases of our runs were last renewed
}

// node is the runtime side of one job.
type node struct {
	*plan.Node
	job      Job
	watchers []*node // jobs whose judgement may change with this one: dependents, and gates that look at it
	poke     chan struct{}

	past
	dirty        bool      // something happened: judge again
	made         int       // runs so far, for their IDs
	wakeAt       time.Time // when time alone may change the judgement; zero for never
	verdict      verdict
	stop         context.CancelCauseFunc // ends the attempt in hand; nil without one
	idle         chan struct{}           // closed when the run in hand, or the stream's supervision, has ended; nil without one
	progress     run.Progress
	reported     bool      // the attempt in hand has told how far it is
	rowsAt       time.Time // when the ledger's rows last grew
	rate         rate
	window       window // streams, of the attempt in hand
	vitals       Vitals
	wasLive      bool        // the attempt in hand has been live
	restarts     []time.Time // that count against the budget
	restartCount int
	lastErr      string // of the last failure, until the next success
}

// New makes a runner. It does nothing until one of the Run methods is called.
func New(cfg Config) *Runner {
	cfg = cfg.withDefaults()
	r := &Runner{
		cfg: cfg, slots: make(chan struct{}, cfg.Slots), wake: make(chan struct{}, 1), byName: map[string]*node{}, pasts: map[string]*past{},
		rng: rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)), freed: make(chan struct{}), since: cfg.Now(), extended: cfg.Now(),
	}
	for _, pn := range cfg.Plan.Nodes {
		n := &node{Node: pn, job: cfg.Jobs[pn.Name], poke: make(chan struct{}, 1), dirty: true, progress: run.Progress{Lag: -1}}
		n.health = run.Waiting
		r.nodes = append(r.nodes, n)
		r.byName[n.Name], r.pasts[n.Name] = n, &n.past
		r.streams = r.streams || n.Job.Kind.Stream
	}
	for _, n := range r.nodes {
		var looks []string
		for _, up := range n.Needs {
			looks = append(looks, up.Name)
		}
		looks = append(append(looks, gate.Streams(n.Job.When)...), gate.Jobs(n.Job.When)...)
		for _, name := range looks {
			if up := r.byName[name]; up != nil && !slices.Contains(up.watchers, n) {
				up.watchers = append(up.watchers, n)
			}
		}
	}
	return r
}

// changed says that something happened to n, so that it and those who look at it are judged again. The caller holds mu.
func (r *Runner) changed(n *node) {
	n.dirty = true
	for _, w := range n.watchers {
		w.dirty = true
		if w.Job.Kind.Stream {
			select {
			case w.poke <- struct{}{}:
			default:
			}
		}
	}
	r.look()
}

// look wakes the scheduler.
func (r *Runner) look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
