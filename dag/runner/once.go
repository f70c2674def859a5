package runner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tillflow/dag/plan"
	"tillflow/dag/run"
)

// ErrFailed says that at least one job did not succeed; the log and the history say which and why.
var ErrFailed = errors.New("a job failed")

// FailedError is an ErrFailed that knows how the jobs failed.
type FailedError struct {
	Failed   []string // jobs that failed by themselves
	TimedOut []string // jobs that took too long
	Checks   []string // checks that found bad data
}

func (e *FailedError) Error() string {
	var parts []string
	for what, jobs := range map[string][]string{"failed: ": e.Failed, "timed out: ": e.TimedOut, "found bad data: ": e.Checks} {
		if len(jobs) > 0 {
			parts = append(parts, what+strings.Join(jobs, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// Is makes every FailedError an ErrFailed.
func (e *FailedError) Is(target error) bool { return target == ErrFailed }

// Once executes each of the nodes once and ends: streams read to the log ends they see at their start. A batch job
// starts as soon as the jobs it needs have ended as its rule wants, and is skipped when they have not; streams, jobs
// that write topics, and reports also wait for all that comes before them in the given order. It returns a
// FailedError when not everything succeeded.
func (r *Runner) Once(ctx context.Context, nodes []*plan.Node, req Request) error {
	req.Once = true
	ctx, cancel := context.WithCancelCause(ctx)
	var keepers, runs sync.WaitGroup
	keepers.Go(func() { r.keepHistory(ctx, false) })
	defer keepers.Wait()
	defer cancel(run.ErrStop)
	o := once{Runner: r, order: nodes, chosen: map[string]bool{}, started: map[string]bool{}, out: map[string]outcomeOf{}, done: make(chan ending, len(nodes))}
	for _, n := range nodes {
		o.chosen[n.Name] = true
	}
	err := o.run(ctx, req, runs.Go)
	if !errors.Is(err, errHurry) {
		runs.Wait()
	}
	if err == nil {
		err = o.result()
	}
	return err
}

// once is one pass over a plan.
type once struct {
	*Runner
	order   []*plan.Node
	chosen  map[string]bool
	started map[string]bool
	out     map[string]outcomeOf // of the jobs that have ended
	done    chan ending
	failed  FailedError
}

// ending is how a job came out.
type ending struct {
	n   *node
	rec run.Run
	err error
}

// run starts jobs as they become ready until all have ended, or until the first error that is not a job's.
func (o *once) run(ctx context.Context, req Request, spawn func(func())) error {
	var broken error
	hurried, end := o.hurried()
	defer end()
	for running := 0; ; {
		for _, pn := range o.order {
			if broken != nil || ctx.Err() != nil {
				break
			}
			if o.started[pn.Name] || !o.turn(pn) {
				continue
			}
			o.started[pn.Name] = true
			n := o.byName[pn.Name]
			if ready, state, why := byRule(pn, o.out); !ready {
				if err := o.skip(ctx, n, why, req); err != nil {
					broken = err
					break
				}
				o.out[pn.Name] = state
				continue
			}
			running++
			spawn(func() {
				rec, err := o.make(ctx, ctx, n, req)
				o.done <- ending{n, rec, err}
			})
		}
		if running == 0 {
			break
		}
		var e ending
		select {
		case e = <-o.done:
		case <-hurried:
			return errHurry // what does not end by itself is closed when its lease has lapsed
		}
		running--
		if err := o.take(ctx, e); err != nil && broken == nil {
			broken = err
		}
	}
	if broken == nil && ctx.Err() != nil {
		broken = context.Cause(ctx)
	}
	return broken
}

// hurried is closed when a person would not wait: a second after the second Ctrl-C, in which what was canceled may still
// end. The caller ends the watch.
func (r *Runner) hurried() (hurried <-chan struct{}, end func()) {
	gone, over := make(chan struct{}), make(chan struct{})
	go func() {
		select {
		case <-r.cfg.Hurry:
		case <-over:
			return
		}
		select {
		case <-time.After(time.Second):
			close(gone)
		case <-over:
		}
	}()
	return gone, func() { close(over) }
}

// turn tells whether a job may be looked at: what it needs has ended, and, for one whose place in the order matters, all
// before it.
func (o *once) turn(n *plan.Node) bool {
	if inOrder(n) {
		for _, before := range o.order {
			if before == n {
				return true
			}
			if _, ended := o.out[before.Name]; !ended {
				return false
			}
		}
	}
	for _, up := range n.Needs {
		if _, ended := o.out[up.Name]; !ended && o.chosen[up.Name] {
			return false
		}
	}
	return true
}

// inOrder tells whether a job meets others by more than its needs: by topics, or because it shows what they wrote.
func inOrder(n *plan.Node) bool {
	_, writes := n.Job.Args.(interface{ Produces() []string })
	return writes || n.Job.Kind.Stream || n.Job.Kind.Report
}

// take notes how a job came out.
func (o *once) take(ctx context.Context, e ending) error {
	name := e.n.Name
	o.ended(e.n, e.rec, e.err, ctx.Err() != nil)
	log := o.cfg.Log.With("job", name)
	took := e.rec.Ended.Sub(e.rec.Started).Round(time.Millisecond)
	switch {
	case e.err != nil && ctx.Err() == nil:
		o.out[name] = bad
		return e.err
	case ctx.Err() != nil:
		o.out[name] = bad
		return context.Cause(ctx)
	case e.rec.State == run.Warned:
		log.Warn("succeeded with a warning", "took", took, "rows", e.rec.RowsWritten, "note", e.rec.Note, "warning", e.rec.Warning)
	case e.rec.State.OK():
		log.Info("succeeded", "took", took, "rows", e.rec.RowsWritten, "note", e.rec.Note)
	default:
		log.Error("failed", "state", e.rec.State, "error", e.rec.Error)
		switch {
		case e.rec.State == run.TimedOut:
			o.failed.TimedOut = append(o.failed.TimedOut, name)
		case strings.Contains(e.rec.Error, run.ErrCheck.Error()):
			o.failed.Checks = append(o.failed.Checks, name)
		default:
			o.failed.Failed = append(o.failed.Failed, name)
		}
	}
	o.out[name] = standing(e.n.Node, e.rec.State, o.out)
	return nil
}

func (o *once) result() error {
	if len(o.failed.Failed)+len(o.failed.TimedOut)+len(o.failed.Checks) > 0 {
		return &o.failed
	}
	return nil
}

// skip records a run that was not made because of the jobs it needs.
func (r *Runner) skip(ctx context.Context, n *node, why string, req Request) error {
	now := r.cfg.Now()
	rec := req.record(n.Name, r.cfg.Instance, now, nil)
	rec.ID = r.newID(n)
	if err := r.cfg.Store.Begin(ctx, rec); err != nil {
		return fmt.Errorf("record the skip of %s: %w", n.Name, err)
	}
	rec.State, rec.Ended, rec.Error = run.Skipped, now, why
	if err := r.cfg.Store.Finish(ctx, rec); err != nil {
		return fmt.Errorf("record the skip of %s: %w", n.Name, err)
	}
	r.mu.Lock()
	n.past.end(rec, false)
	r.mu.Unlock()
	r.emit(Event{Event: RunSkipped, Job: n.Name, Run: rec.ID, State: string(run.Skipped), Why: why})
	r.cfg.Log.Warn("skipped", "job", n.Name, "because", why)
	return nil
}
