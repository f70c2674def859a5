package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runstore"
	"tillflow/dag/spec"
)

// world drives a real Runner, with a memory store and jobs that are Go functions, through a random history under a clock
// of its own: rows come, streams fail and return, runs succeed and fail, the process dies and starts again. It keeps its
// own books, by other means than the runner's, and checks each start against them.
type world struct {
	t     *testing.T
	rng   *rand.Rand
	text  string // the dagfile
	plan  *plan.Plan
	store *runstore.Memory
	*Runner

	mu      sync.Mutex
	now     time.Time
	rows    int64
	started chan *effort
	efforts []*effort // in hand
	books   map[string]*book
	born    time.Time // of this process
	calm    bool      // nothing fails any more
	cancel  context.CancelFunc
	ctx     context.Context
}

// effort is a run in hand.
type effort struct {
	job    string
	id     run.ID
	rows   int64
	end    time.Time
	result chan error
	done   chan struct{}
}

// book is what the world knows of a job, since the process began but for seen.
type book struct {
	starts, fails, ends int
	lastOK              bool
	everStarts          int   // over all processes, but for runs that are gone on with
	everFails           int   // over all processes
	seen                int64 // rows that its last successful run had seen, over all processes
	interrupted         map[run.ID]bool
	ticks               map[time.Time]bool // that a run has succeeded for, over all processes
}

func (w *world) Streams(context.Context) (map[string]Ledger, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return map[string]Ledger{"s": {Rows: w.rows, Offset: w.rows}}, nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

type worldJob struct {
	w    *world
	name string
}

func (j worldJob) Run(ctx context.Context, in run.Input) (run.Result, error) {
	e := &effort{job: j.name, id: in.ID, result: make(chan error, 1)}
	j.w.started <- e
	select {
	case err := <-e.result:
		return run.Result{}, err
	case <-ctx.Done():
		return run.Result{}, context.Cause(ctx)
	}
}

var worldKinds = map[string]spec.Kind{
	"stream": {Stream: true, With: func() any { return new(struct{}) }},
	"batch":  {With: func() any { return new(struct{}) }},
}

func newWorld(t *testing.T, seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{t: t, rng: rng, store: runstore.NewMemory(), now: time.Now().Truncate(time.Second), started: make(chan *effort, 100)}
	w.text = randomDagfile(rng)
	s, ps := spec.Parse("dagfile.yaml", []byte(w.text), worldKinds, nil)
	if len(ps) > 0 {
		t.Fatalf("%s%v", w.text, ps)
	}
	if w.plan, ps = plan.New(s); len(ps) > 0 {
		t.Fatal(ps)
	}
	w.books = map[string]*book{}
	for _, n := range w.plan.Nodes {
		w.books[n.Name] = &book{}
	}
	w.boot()
	return w
}

func randomDagfile(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString("version: 1\njobs:\n  s: { uses: stream }\n")
	pick := func(of ...string) string { return of[rng.IntN(len(of))] }
	for i := range 3 + rng.IntN(8) {
		var parts, needs []string
		for j := range i {
			if rng.IntN(3) == 0 {
				needs = append(needs, fmt.Sprintf("j%d", j))
			}
		}
		rule := "all-success"
		if len(needs) > 0 {
			rule = pick("all-success", "all-success", "all-success", "all-done", "finally", "one-failed")
		}
		if rng.IntN(4) == 0 && rule != "one-failed" {
			needs = append(needs, "s")
		}
		parts = append(parts, "uses: batch", "rule: "+rule, "overlap: "+pick("skip", "queue", "replace"))
		if len(needs) > 0 {
			parts = append(parts, "needs: ["+strings.Join(needs, ", ")+"]")
		}
		if rule != "one-failed" {
			when := pick("", "{ every: 7s }", "{ every: 13s }", "{ rows: 10, of: s }", "{ any: [{ rows: 25, of: s }, { every: 40s }], min_gap: 3s }",
				`{ cron: "*/10 * * * * *" }`, `{ cron: "*/10 * * * * *", catch_up: all }`, "{ rows: 5, of: s, debounce: 2s }")
			if i > 0 && rng.IntN(4) == 0 {
				when = fmt.Sprintf("{ after: [j%d] }", rng.IntN(i))
			}
			if when != "" {
				parts = append(parts, "when: "+when)
			}
		}
		fmt.Fprintf(&b, "  j%d: { %s }\n", i, strings.Join(parts, ", "))
	}
	return b.String()
}

// boot starts a process: a new Runner on the old store.
func (w *world) boot() {
	w.ctx, w.cancel = context.WithCancel(context.Background())
	jobs := map[string]Job{}
	for name, b := range w.books {
		jobs[name] = worldJob{w, name}
		was := *b
		*b = book{seen: b.seen, interrupted: b.interrupted, ticks: b.ticks, everStarts: b.everStarts, everFails: b.everFails}
		if n, _ := w.plan.Node(name); gated(n) { // which counts as it came out before
			b.ends, b.lastOK = was.ends, was.lastOK
		}
	}
	w.born = w.clock()
	w.Runner = New(Config{Plan: w.plan, Jobs: jobs, Store: w.store, Facts: w, Log: slog.New(slog.DiscardHandler), Now: w.clock,
		Instance: "world", Slots: 1000, Seed: 1})
	if err := w.takeOver(w.ctx, "world"); err != nil {
		w.t.Fatal(err)
	}
	for _, n := range w.nodes {
		if err := w.remember(w.ctx, n); err != nil {
			w.t.Fatal(err)
		}
	}
	w.readLedger(w.ctx)
	w.setHealth(w.byName["s"], run.Live, "")
}

// die kills the process: what is in hand ends nowhere, and what it still tries to record is refused.
func (w *world) die() {
	left := w.efforts
	w.efforts = nil
	for _, e := range left {
		b := w.books[e.job]
		if b.interrupted == nil {
			b.interrupted = map[run.ID]bool{}
		}
		b.interrupted[e.id] = true
		b.ends, b.lastOK = 0, false
	}
	old := w.cancel
	w.boot()
	for _, e := range left {
		e.result <- nil // it would have been a success
		<-e.done
	}
	old()
	for name, b := range w.books {
		c, _ := w.store.Cursors(w.ctx, name)
		if c["s"] != b.seen {
			w.fatal("%s: a run of a dead process moved the cursor to %d, the last success had seen %d", name, c["s"], b.seen)
		}
	}
}

func (w *world) fatal(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n%s at %s", w.text, fmt.Sprintf(format, args...), w.clock().Sub(w.born))
}

// round lets the scheduler judge until it has nothing to start, and gives when it wants to look again.
func (w *world) round() time.Time {
	for {
		var spawned []chan struct{}
		next := w.Runner.round(w.ctx, w.ctx, func(f func()) {
			done := make(chan struct{})
			spawned = append(spawned, done)
			go func() { defer close(done); f() }()
		})
		byJob := map[string]chan struct{}{}
		w.Runner.mu.Lock()
		for _, n := range w.nodes {
			if n.inHand != nil {
				byJob[n.Name] = n.idle
			}
		}
		w.Runner.mu.Unlock()
		for range spawned {
			e := <-w.started
			e.done, e.rows = byJob[e.job], w.rows
			e.end = w.clock().Add(time.Duration(1+w.rng.IntN(12)) * time.Second)
			w.efforts = append(w.efforts, e)
			w.checkStart(e)
		}
		if replaced := w.reap(); len(spawned) == 0 && !replaced {
			return next
		}
	}
}

// reap takes out runs that were replaced, and tells whether there were any.
func (w *world) reap() bool {
	kept := w.efforts[:0]
	for _, e := range w.efforts {
		n := w.byName[e.job]
		w.Runner.mu.Lock()
		replaced := n.next != nil && n.Job.Overlap == "replace"
		w.Runner.mu.Unlock()
		if !replaced {
			kept = append(kept, e)
			continue
		}
		<-e.done
		b := w.books[e.job]
		b.ends++
		b.lastOK = false
	}
	found := len(kept) < len(w.efforts)
	w.efforts = kept
	return found
}

// checkStart holds a start against the books.
func (w *world) checkStart(e *effort) {
	n, _ := w.plan.Node(e.job)
	b := w.books[e.job]
	again := b.interrupted[e.id]
	delete(b.interrupted, e.id)
	causes := 0
	for _, up := range n.Needs {
		u := w.books[up.Name]
		switch {
		case up.Job.Kind.Stream:
			if w.byName["s"].health != run.Live {
				w.fatal("%s began while the stream it needs is %s", e.job, w.byName["s"].health)
			}
		case n.Job.Rule == oneFailed:
			causes += u.everFails
		case u.ends == 0:
			w.fatal("%s began before %s had ended", e.job, up.Name)
		case n.Job.Rule == "all-success" && !u.lastOK:
			w.fatal("%s began though %s did not succeed", e.job, up.Name)
		}
	}
	if !again {
		b.everStarts++
	}
	if b.starts++; n.Job.Rule == oneFailed && b.everStarts > causes {
		w.fatal("%s began without a new failure", e.job)
	}
	when := n.Job.When
	if when != nil && when.CatchUp == "all" {
		if rec, _, err := w.store.Get(w.ctx, e.id); err != nil || b.ticks[rec.AsOf] {
			w.fatal("%s began twice for the tick of %s (%v)", e.job, rec.AsOf, err)
		}
	}
	switch {
	case again:
		b.starts-- // the same run, in a new attempt
	case when == nil:
		if n.Job.Rule != oneFailed && b.starts > 1+b.fails {
			w.fatal("%s, which has no gate, began %d times with %d failures", e.job, b.starts, b.fails)
		}
	case when.Rows > 0 && len(when.Any) == 0:
		if n := w.rows - b.seen; n < when.Rows {
			w.fatal("%s began on %d rows, wanted %d", e.job, n, when.Rows)
		}
	case when.Every > 0:
		if most := int(w.clock().Sub(w.born)/when.Every) + 2; b.starts > most {
			w.fatal("%s began %d times where %d intervals began", e.job, b.starts, most)
		}
	}
}

// finish ends the runs whose time has come.
func (w *world) finish() {
	kept := w.efforts[:0]
	for _, e := range w.efforts {
		if e.end.After(w.clock()) {
			kept = append(kept, e)
			continue
		}
		var err error
		if !w.calm && w.rng.IntN(3) == 0 {
			err = errors.New("bad luck")
		}
		e.result <- err
		<-e.done
		b := w.books[e.job]
		b.ends++
		b.lastOK = err == nil
		if err != nil {
			b.fails++
			b.everFails++
		} else {
			rec, _, gerr := w.store.Get(w.ctx, e.id)
			if gerr != nil {
				w.fatal("%s", gerr)
			}
			b.seen = max(b.seen, rec.Ledger["s"])
			if b.ticks == nil {
				b.ticks = map[time.Time]bool{}
			}
			b.ticks[rec.AsOf] = true
		}
		c, _ := w.store.Cursors(w.ctx, e.job)
		if c["s"] != b.seen {
			w.fatal("the cursor of %s is %d, its last success had seen %d", e.job, c["s"], b.seen)
		}
	}
	w.efforts = kept
}

// step moves the clock to the next thing that happens and lets it happen.
func (w *world) step(limit time.Duration) {
	next := w.round()
	to := w.clock().Add(limit)
	if !next.IsZero() && next.Before(to) {
		to = next
	}
	for _, e := range w.efforts {
		if e.end.Before(to) {
			to = e.end
		}
	}
	w.mu.Lock()
	if to.After(w.now) {
		w.now = to
	}
	w.mu.Unlock()
	w.finish()
}

func TestNoJobRunsTooEarlyOrTwiceAndNoneIsForgotten(t *testing.T) {
	t.Parallel()
	worlds := 25
	if testing.Short() {
		worlds = 10
	}
	for seed := range uint64(worlds) {
		w := newWorld(t, seed)
		for range 120 {
			w.step(time.Duration(1+w.rng.IntN(5)) * time.Second)
			switch w.rng.IntN(12) {
			case 0, 1, 2, 3:
				w.mu.Lock()
				w.rows += int64(w.rng.IntN(12))
				w.mu.Unlock()
				w.readLedger(w.ctx)
			case 4:
				w.setHealth(w.byName["s"], run.BackingOff, "")
			case 5, 6:
				w.setHealth(w.byName["s"], run.Live, "")
			case 7:
				if w.rng.IntN(4) == 0 {
					w.die()
				}
			}
		}
		w.calm = true
		w.setHealth(w.byName["s"], run.Live, "")
		w.rows += 100
		w.readLedger(w.ctx)
		for end := w.clock().Add(6 * time.Minute); w.clock().Before(end); {
			w.step(10 * time.Second)
		}
		for w.round(); len(w.efforts) > 0; w.round() {
			w.step(time.Second)
		}
		w.checkAll()
		w.cancel()
	}
}

// checkAll looks, when all has been calm for long, for jobs that were forgotten.
func (w *world) checkAll() {
	can := map[string]bool{"s": true}
	for _, n := range w.plan.Nodes {
		ok := n.Job.Rule != oneFailed
		for _, up := range n.Needs {
			ok = ok && can[up.Name]
		}
		if n.Job.When != nil {
			ok = ok && (n.Job.When.After == nil || w.books[n.Name].lastOK) // else its cause has been used up by a failure
		}
		can[n.Name] = can[n.Name] || ok
	}
	for name, b := range w.books {
		n, _ := w.plan.Node(name)
		if name == "s" || !can[name] {
			continue
		}
		if len(b.interrupted) > 0 {
			w.fatal("%s: nobody went on with its interrupted run: %v", name, b.interrupted)
		}
		if !b.lastOK {
			w.fatal("%s was forgotten: %+v", name, b)
		}
		if when := n.Job.When; when != nil && when.Rows > 0 && w.rows-b.seen >= when.Rows {
			w.fatal("%s was forgotten: %d rows wait", name, w.rows-b.seen)
		}
	}
}
