package notify

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/spec"
)

// Config is what a Notifier works with. Now and the durations have defaults.
type Config struct {
	Plan *plan.Plan
	Log  *slog.Logger
	Now  func() time.Time
	Tick time.Duration // how often slow runs and silent gates are looked for; 1s by default
	Wait time.Duration // how long messages may still be sent after the end; 5s by default
}

// Notifier watches jobs and sends messages. Its methods that take news may be called from any goroutine and never wait.
type Notifier struct {
	cfg     Config
	targets []target

	mu      sync.Mutex
	watches map[string]*watch
	queue   []Message
	news    chan struct{} // there is something in the queue
}

// target is one entry of the dagfile's `notify`.
type target struct {
	spec.Notify
	jobs map[string]bool // nil is all
}

// New makes a notifier for a plan, nil when its dagfile tells nobody. A nil Notifier may be used, and does nothing.
func New(cfg Config) (*Notifier, error) {
	if len(cfg.Plan.Spec.Notify) == 0 {
		return nil, nil
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Tick == 0 {
		cfg.Tick = time.Second
	}
	if cfg.Wait == 0 {
		cfg.Wait = 5 * time.Second
	}
	n := &Notifier{cfg: cfg, watches: map[string]*watch{}, news: make(chan struct{}, 1)}
	for _, s := range cfg.Plan.Spec.Notify {
		t := target{Notify: s}
		if s.Jobs != "" {
			nodes, err := cfg.Plan.Select(s.Jobs)
			if err != nil {
				return nil, err
			}
			t.jobs = map[string]bool{}
			for _, node := range nodes {
				t.jobs[node.Name] = true
			}
		}
		n.targets = append(n.targets, t)
	}
	for _, node := range cfg.Plan.Nodes {
		n.watches[node.Name] = newWatch(node.Name, node.Job, cfg.Now())
	}
	return n, nil
}

// Remember takes over how a job's last run came out: a failure that was told by an earlier process is not told again,
// its end is.
func (n *Notifier) Remember(last run.Run) {
	if n == nil || !last.State.Bad() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.watches[last.Job]; w != nil {
		w.open[Failed] = last.Ended
	}
}

// Started notes that a run has begun.
func (n *Notifier) Started(job string, id run.ID) {
	n.note(job, func(w *watch, now time.Time) []Message { return w.started(id, now) })
}

// Ended notes how a run came out.
func (n *Notifier) Ended(r run.Run) {
	n.note(r.Job, func(w *watch, now time.Time) []Message { return w.ended(r, now) })
}

// Health notes what a stream is doing, and the numbers behind it in words.
func (n *Notifier) Health(job string, h run.Health, why string) {
	n.note(job, func(w *watch, now time.Time) []Message { return w.health(h, why, now) })
}

func (n *Notifier) note(job string, f func(w *watch, now time.Time) []Message) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.watches[job]; w != nil {
		n.enqueue(f(w, n.cfg.Now()))
	}
}

// enqueue is called with mu held.
func (n *Notifier) enqueue(messages []Message) {
	for _, m := range messages {
		m.Schema, m.Pipeline = Schema, n.cfg.Plan.Spec.Name
		n.queue = append(n.queue, m)
	}
	if len(n.queue) > 0 {
		select {
		case n.news <- struct{}{}:
		default:
		}
	}
}

// Run sends messages until ctx ends, and then for a little while those that are left.
func (n *Notifier) Run(ctx context.Context) {
	if n == nil {
		return
	}
	send, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() { time.AfterFunc(n.cfg.Wait, stop) })
	tick := time.NewTicker(n.cfg.Tick)
	defer tick.Stop()
	for {
		n.sendAll(send)
		select {
		case <-ctx.Done():
			n.sendAll(send)
			return
		case <-n.news:
		case <-tick.C:
			n.look()
		}
	}
}

// look raises what time alone brings about.
func (n *Notifier) look() {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.cfg.Now()
	for _, node := range n.cfg.Plan.Nodes {
		n.enqueue(n.watches[node.Name].look(now))
	}
}

// sendAll empties the queue. All targets of a message are told side by side, so that one that hangs holds up no other.
func (n *Notifier) sendAll(ctx context.Context) {
	n.mu.Lock()
	queue := n.queue
	n.queue = nil
	n.mu.Unlock()
	var wg sync.WaitGroup
	for _, t := range n.targets {
		var mine []Message
		for _, m := range queue {
			if slices.Contains(t.On, m.On) && (t.jobs == nil || t.jobs[m.Job]) {
				mine = append(mine, m)
			}
		}
		if len(mine) == 0 {
			continue
		}
		wg.Go(func() {
			for _, m := range mine {
				if err := t.send(ctx, m); err != nil {
					n.cfg.Log.Warn("cannot notify", "job", m.Job, "on", m.On, "error", err)
				}
			}
		})
	}
	wg.Wait()
}
