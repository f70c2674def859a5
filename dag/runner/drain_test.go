package runner_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// diary notes what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, ", ")
}

// drains is a pipeline of a stream and a batch run that is in hand when the stop comes.
func drains(t *testing.T, d *diary, drain time.Duration, hurry chan struct{}, batch job) (*fixture, chan struct{}) {
	begun := make(chan struct{})
	f := setupWith(t, `
  source: { uses: stream }
  orders: { uses: stream, needs: [source] }
  ml: { uses: batch, needs: [orders], when: { every: 1h } }
  other: { uses: batch, needs: [ml], when: { every: 1ms } }
`, map[string]runner.Job{
		"source": job(noted(d, "source")), "orders": job(noted(d, "orders")), "other": counter(new(atomic.Int64)),
		"ml": job(func(ctx context.Context, in run.Input) (run.Result, error) {
			close(begun)
			defer d.note("ml ended")
			return batch(ctx, in)
		}),
	}, func(c *runner.Config) { c.Drain, c.Hurry = drain, hurry })
	return f, begun
}

func noted(d *diary, name string) job {
	return func(ctx context.Context, in run.Input) (run.Result, error) {
		in.Progress(run.Progress{Rows: 1, Lag: 0})
		<-ctx.Done()
		d.note(name + " ended")
		return run.Result{}, context.Cause(ctx)
	}
}

func TestDrainEndsWhatIsDownstreamFirst(t *testing.T) {
	d, finish := new(diary), make(chan struct{})
	f, begun := drains(t, d, time.Minute, nil, func(ctx context.Context, _ run.Input) (run.Result, error) {
		select {
		case <-finish:
			return run.Result{}, nil
		case <-ctx.Done():
			return run.Result{}, context.Cause(ctx)
		}
	})
	stop := f.full(t)
	<-begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	until(t, "the drain begins", func() bool { return strings.Contains(f.events(), "draining") })
	if f.state("orders") != string(run.Live) {
		t.Errorf("the stream is %s while a job downstream still runs", f.state("orders"))
	}
	close(finish)
	<-stopped
	if got := d.String(); got != "ml ended, orders ended, source ended" {
		t.Error(got)
	}
	if last, _, _ := f.store.Last(context.Background(), "ml"); last.State != run.Succeeded {
		t.Errorf("the run in hand is %s, it had time to finish", last.State)
	}
}

func TestDrainCancelsAtItsDeadline(t *testing.T) {
	d := new(diary)
	f, begun := drains(t, d, 300*time.Millisecond, nil, func(ctx context.Context, _ run.Input) (run.Result, error) {
		<-ctx.Done()
		return run.Result{}, context.Cause(ctx)
	})
	stop := f.full(t)
	<-begun
	stop()
	if last, _, _ := f.store.Last(context.Background(), "ml"); last.State != run.Canceled {
		t.Errorf("the run in hand is %s", last.State)
	}
	if got := d.String(); got != "ml ended, orders ended, source ended" {
		t.Error(got)
	}
}

func TestHurryWaitsForNothing(t *testing.T) {
	d, hurry := new(diary), make(chan struct{})
	f, begun := drains(t, d, time.Hour, hurry, func(ctx context.Context, _ run.Input) (run.Result, error) {
		<-ctx.Done()
		return run.Result{}, context.Cause(ctx)
	})
	stop := f.full(t)
	<-begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }() // fails the test when it takes longer than 30s; the drain has an hour
	until(t, "the drain begins", func() bool { return strings.Contains(f.events(), "draining") })
	close(hurry)
	<-stopped
}
