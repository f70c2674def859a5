package runner

import (
	"context"
	"errors"
	"sync"
	"time"

	"tillflow/dag/run"
)

// errHurry is the cause of work that ends because a person would not wait.
var errHurry = errors.New("stopped at once")

// drain ends what runs, in reverse order of the graph: a job is ended when all that is downstream of it has. Batch runs
// may finish until the drain's deadline and are canceled then; a stream commits what it holds. Nothing new begins. When
// Hurry is closed, everything is cut off.
func (r *Runner) drain(cut context.CancelCauseFunc) {
	r.mu.Lock()
	r.draining = true
	gone := map[string]chan struct{}{}
	for _, n := range r.nodes {
		gone[n.Name] = make(chan struct{})
	}
	r.mu.Unlock()
	r.emit(Event{Event: Draining})
	late, cancel := context.WithTimeout(context.Background(), r.cfg.Drain)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		select {
		case <-r.cfg.Hurry:
			cut(errHurry)
			cancel()
		case <-finished:
		}
	}()
	var all sync.WaitGroup
	for _, n := range r.nodes {
		all.Go(func() {
			defer close(gone[n.Name])
			for _, d := range n.Dependents {
				<-gone[d.Name]
			}
			r.finish(late, n)
		})
	}
	wait := make(chan struct{})
	go func() { all.Wait(); close(wait) }()
	select {
	case <-wait:
	case <-r.patience():
	}
	close(finished)
}

// finish ends what one job has in hand.
func (r *Runner) finish(late context.Context, n *node) {
	r.mu.Lock()
	idle := n.idle
	r.mu.Unlock()
	if idle == nil {
		return
	}
	if !n.Job.Kind.Stream {
		select {
		case <-idle:
			return
		case <-late.Done():
		}
	} else {
		r.mu.Lock()
		running := n.stop != nil
		r.mu.Unlock()
		if running {
			r.setHealth(n, run.Draining, "")
		}
	}
	r.mu.Lock()
	if n.stop != nil {
		n.stop(run.ErrStop)
	}
	r.mu.Unlock()
	<-idle
}

// wait waits for the ends of runs, but not for ever: a job that does not heed its context must not keep the process.
func (r *Runner) wait(runs *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { runs.Wait(); close(done) }()
	select {
	case <-done:
	case <-r.patience():
		r.cfg.Log.Error("jobs did not end when told to; their runs are closed at the next start")
	}
}

// patience ends when a stop has lasted so long that something must be wrong, or a second after a person hurries.
func (r *Runner) patience() <-chan struct{} {
	done := make(chan struct{})
	t := time.NewTimer(max(4*r.cfg.Drain, 10*time.Second))
	go func() {
		defer close(done)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.cfg.Hurry:
			time.Sleep(time.Second)
		}
	}()
	return done
}
