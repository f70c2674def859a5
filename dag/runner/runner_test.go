package runner_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/runner"
	"tillflow/dag/runstore"
	"tillflow/dag/spec"
)

var kinds = map[string]spec.Kind{
	"stream": {Stream: true, With: func() any { return new(struct{}) }},
	"batch":  {With: func() any { return new(struct{}) }},
}

// job is a job made of a function.
type job func(ctx context.Context, in run.Input) (run.Result, error)

func (j job) Run(ctx context.Context, in run.Input) (run.Result, error) { return j(ctx, in) }

// counter is a job that counts its runs and succeeds.
func counter(n *atomic.Int64) job {
	return func(context.Context, run.Input) (run.Result, error) {
		n.Add(1)
		return run.Result{RowsWritten: 1}, nil
	}
}

// live is a stream that has nothing to catch up with.
func live(ctx context.Context, in run.Input) (run.Result, error) {
	in.Progress(run.Progress{Rows: 1, Lag: 0})
	<-ctx.Done()
	return run.Result{}, context.Cause(ctx)
}

// ledger is the committed rows of each stream.
type ledger struct {
	mu   sync.Mutex
	rows map[string]int64
}

func (l *ledger) Streams(context.Context) (map[string]runner.Ledger, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]runner.Ledger{}
	for k, v := range l.rows {
		out[k] = runner.Ledger{Rows: v, Offset: v}
	}
	return out, nil
}

func (l *ledger) set(stream string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows[stream] = n
}

type fixture struct {
	plan  *plan.Plan
	store *runstore.Memory
	facts *ledger
	logs  *lines
	told  told
	*runner.Runner
}

type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func setup(t *testing.T, dagfile string, jobs map[string]runner.Job) *fixture {
	t.Helper()
	return setupWith(t, dagfile, jobs, func(*runner.Config) {})
}

func setupWith(t *testing.T, dagfile string, jobs map[string]runner.Job, change func(*runner.Config)) *fixture {
	t.Helper()
	s, ps := spec.Parse("dagfile.yaml", []byte("version: 1\njobs:\n"+dagfile), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p, ps := plan.New(s)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	f := &fixture{plan: p, store: runstore.NewMemory(), facts: &ledger{rows: map[string]int64{}}, logs: new(lines)}
	cfg := runner.Config{
		Plan: p, Jobs: jobs, Store: f.store, Facts: f.facts, Log: slog.New(slog.NewTextHandler(f.logs, nil)),
		Now: time.Now, Instance: "test", Tick: 2 * time.Millisecond, Settle: 20 * time.Millisecond, Drain: time.Second,
		Event: func(e runner.Event) { f.told.add(e) },
	}
	change(&cfg)
	f.Runner = runner.New(cfg)
	return f
}

// told keeps the events of a run.
type told struct {
	mu  sync.Mutex
	all []runner.Event
}

func (l *told) add(e runner.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

// events are those so far, one a line: what, job, state.
func (f *fixture) events() string {
	f.told.mu.Lock()
	defer f.told.mu.Unlock()
	var b strings.Builder
	for _, e := range f.told.all {
		b.WriteString(strings.TrimSpace(e.Event+" "+e.Job+" "+e.State) + "\n")
	}
	return b.String()
}

func (f *fixture) status(job string) runner.Status {
	s, _ := f.Explain(job)
	return s
}

// full runs the whole plan until the returned function stops it and checks that it stopped cleanly.
func (f *fixture) full(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel(run.ErrStop)
			select {
			case err := <-done:
				if err != nil {
					t.Errorf("Run returned %v after a clean stop", err)
				}
			case <-time.After(30 * time.Second):
				t.Error("Run did not end")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// until waits for a condition and fails the test when it does not come true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fixture) state(job string) string {
	for _, s := range f.Status() {
		if s.Job == job {
			return s.State
		}
	}
	return "?"
}

func TestBatchWaitsForALiveStreamAndASucceededBatch(t *testing.T) {
	var dims, ml atomic.Int64
	open := make(chan struct{})
	f := setup(t, `
  dims: { uses: batch }
  orders: { uses: stream, needs: [dims] }
  ml: { uses: batch, needs: [orders], when: { every: 1h } }
`, map[string]runner.Job{
		"dims": counter(&dims), "ml": counter(&ml),
		"orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
			in.Progress(run.Progress{Rows: 10, Lag: 1_000_000})
			select {
			case <-open:
			case <-ctx.Done():
			}
			return live(ctx, in)
		}),
	})
	f.full(t)
	until(t, "the stream catches up", func() bool { return f.state("orders") == string(run.CatchingUp) })
	if ml.Load() != 0 {
		t.Error("a job ran before the stream it needs was live")
	}
	close(open)
	until(t, "the dependent runs", func() bool { return ml.Load() == 1 })
	if dims.Load() != 1 {
		t.Errorf("a job without a gate ran %d times, want once", dims.Load())
	}
}

// A stream whose log is empty for a moment, because its writer starts too, does not open the gates of the jobs behind it.
func TestStreamIsNotLiveBeforeItsWriterBegan(t *testing.T) {
	var ml atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  ml: { uses: batch, needs: [orders], when: { every: 1h } }
`, map[string]runner.Job{"ml": counter(&ml), "orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
		in.Progress(run.Progress{Lag: 0})
		in.Progress(run.Progress{Rows: 1, Lag: 1_000_000})
		<-ctx.Done()
		return run.Result{}, context.Cause(ctx)
	})})
	f.full(t)
	until(t, "the stream catches up", func() bool { return f.state("orders") == string(run.CatchingUp) })
	for range 20 { // twenty judgements later nothing has changed
		if f.state("orders") != string(run.CatchingUp) || ml.Load() != 0 {
			t.Fatalf("the stream is %s, the job ran %d times", f.state("orders"), ml.Load())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestRowsOpenAGateOncePerThousand(t *testing.T) {
	var ml atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  ml: { uses: batch, when: { rows: 1000, of: orders } }
`, map[string]runner.Job{"orders": job(live), "ml": counter(&ml)})
	f.facts.set("orders", 999)
	f.full(t)
	until(t, "the gate is judged", func() bool { return strings.Contains(f.Status()[1].Gate.Text, "999 of 1000") })
	if ml.Load() != 0 {
		t.Error("ran on 999 of 1000 rows")
	}
	f.facts.set("orders", 2500)
	until(t, "the run", func() bool { return ml.Load() == 1 })
	until(t, "the cursor moves", func() bool { c, _ := f.store.Cursors(context.Background(), "ml"); return c["orders"] == 2500 })
	f.facts.set("orders", 3499)
	until(t, "the gate is judged again", func() bool { return strings.Contains(f.Status()[1].Gate.Text, "999 of 1000") })
	if ml.Load() != 1 {
		t.Errorf("%d runs, want 1: the 2,500 rows were counted twice", ml.Load())
	}
}

func TestStreamIsRestartedAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	var starts, ticks atomic.Int64
	f := setup(t, `
  orders: { uses: stream }
  tick: { uses: batch, when: { every: 1ms } }
`, map[string]runner.Job{
		"tick": counter(&ticks),
		"orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
			switch starts.Add(1) {
			case 1:
				return run.Result{}, errors.New("broken pipe")
			case 2:
				panic("index out of range")
			}
			return live(ctx, in)
		}),
	})
	f.full(t)
	until(t, "the stream is live again", func() bool { return f.state("orders") == string(run.Live) })
	before := ticks.Load()
	until(t, "the other job goes on", func() bool { return ticks.Load() > before+3 })
	for _, want := range []string{"broken pipe", "panic: index out of range"} {
		if !strings.Contains(f.logs.String(), want) {
			t.Errorf("the log does not tell of %q", want)
		}
	}
	if s := f.Status()[0]; s.Restarts != 2 {
		t.Errorf("%d restarts counted, want 2", s.Restarts)
	}
}

func TestStopDrainsAndClosesEveryRun(t *testing.T) {
	var finished atomic.Bool
	started := make(chan struct{})
	f := setup(t, `
  orders: { uses: stream }
`, map[string]runner.Job{"orders": job(func(ctx context.Context, in run.Input) (run.Result, error) {
		in.Progress(run.Progress{Lag: 0})
		close(started)
		<-ctx.Done()
		finished.Store(true) // the batch in hand
		return run.Result{RowsWritten: 5}, context.Cause(ctx)
	})})
	stop := f.full(t)
	<-started
	stop()
	last, ok, _ := f.store.Last(context.Background(), "orders")
	if !finished.Load() || !ok || last.State != run.Canceled || last.RowsWritten != 5 {
		t.Errorf("after the stop: finished %v, last run %+v", finished.Load(), last)
	}
	if f.state("orders") != string(run.Stopped) {
		t.Errorf("state %s, want stopped", f.state("orders"))
	}
}

func TestRetriesThenFailureIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	f := setup(t, `
  ml: { uses: batch, retries: { max: 2, backoff: 1ms } }
`, map[string]runner.Job{"ml": job(func(context.Context, run.Input) (run.Result, error) {
		if tries.Add(1) < 5 {
			return run.Result{}, errors.New("no such table")
		}
		return run.Result{}, nil
	})})
	f.full(t)
	until(t, "the job succeeds in its second run", func() bool { return f.state("ml") == string(run.Succeeded) })
	if tries.Load() != 5 {
		t.Errorf("%d attempts, want 3 in the first run and 2 in the second", tries.Load())
	}
	if n := strings.Count(f.logs.String(), "run failed"); n != 1 {
		t.Errorf("the failure is logged %d times, want once", n)
	}
}

func TestTimeoutEndsAnAttempt(t *testing.T) {
	f := setup(t, `
  slow: { uses: batch, timeout: 20ms }
`, map[string]runner.Job{"slow": job(func(ctx context.Context, _ run.Input) (run.Result, error) {
		<-ctx.Done()
		return run.Result{}, ctx.Err()
	})})
	err := f.Once(context.Background(), f.plan.Nodes, runner.Request{Trigger: "test"})
	last, _, _ := f.store.Last(context.Background(), "slow")
	if !errors.Is(err, runner.ErrFailed) || last.State != run.TimedOut || !strings.Contains(last.Error, "after 20ms") {
		t.Errorf("error %v, run %+v", err, last)
	}
}

func TestOnceSkipsWhatIsDownstreamOfAFailure(t *testing.T) {
	var ran atomic.Int64
	f := setup(t, `
  a: { uses: batch }
  b: { uses: batch, needs: [a] }
  c: { uses: batch, needs: [b] }
  d: { uses: batch }
`, map[string]runner.Job{
		"a": job(func(context.Context, run.Input) (run.Result, error) { return run.Result{}, errors.New("bad file") }),
		"b": counter(&ran), "c": counter(&ran), "d": counter(&ran),
	})
	if err := f.Once(context.Background(), f.plan.Once(), runner.Request{Trigger: "test"}); !errors.Is(err, runner.ErrFailed) {
		t.Errorf("error %v, want ErrFailed", err)
	}
	for job, want := range map[string]run.State{"a": run.Failed, "b": run.Skipped, "c": run.Skipped, "d": run.Succeeded} {
		if last, _, _ := f.store.Last(context.Background(), job); last.State != want {
			t.Errorf("%s is %s, want %s", job, last.State, want)
		}
	}
	if ran.Load() != 1 {
		t.Errorf("%d jobs ran, want d alone", ran.Load())
	}
}

func TestOnceTellsJobsTheirTimeAndThatTheyEnd(t *testing.T) {
	asOf := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	var got run.Input
	f := setup(t, `
  a: { uses: stream }
`, map[string]runner.Job{"a": job(func(_ context.Context, in run.Input) (run.Result, error) {
		got = in
		return run.Result{}, nil
	})})
	if err := f.Once(context.Background(), f.plan.Nodes, runner.Request{Trigger: "test", AsOf: asOf}); err != nil {
		t.Fatal(err)
	}
	if !got.Once || !got.AsOf.Equal(asOf) || got.Job != "a" || got.ID == "" || got.Progress == nil {
		t.Errorf("input %+v", got)
	}
}

func TestAnInterruptedProcessLeavesNoRunningRun(t *testing.T) {
	f := setup(t, `
  a: { uses: batch, when: { every: 1h } }
`, map[string]runner.Job{"a": counter(new(atomic.Int64))})
	left := run.Run{ID: run.NewID(time.Now()), Job: "a", State: run.Running, Instance: "test", Started: time.Now()}
	if err := f.store.Begin(context.Background(), left); err != nil {
		t.Fatal(err)
	}
	stop := f.full(t)
	until(t, "the log tells of it", func() bool { return strings.Contains(f.logs.String(), "closed runs") })
	stop()
	if left, _ := f.store.Recover(context.Background(), "test"); len(left) != 0 {
		t.Errorf("runs are still running: %v", left)
	}
}
