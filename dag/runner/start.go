package runner

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// round judges the jobs that something happened to and starts what is due. It gives the next moment at which time alone
// may change a judgement; zero when there is none.
func (r *Runner) round(stop, work context.Context, spawn func(func())) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.moment()
	var next time.Time
	for _, n := range r.nodes {
		if n.Job.Kind.Stream {
			continue
		}
		if n.dirty || !n.wakeAt.IsZero() && !n.wakeAt.After(m.now) {
			n.dirty = false
			n.verdict = decide(m, n.Node)
			n.wakeAt = n.verdict.why.Wake(m.now)
			r.apply(stop, work, n, spawn)
		}
		if !n.wakeAt.IsZero() && (next.IsZero() || n.wakeAt.Before(next)) {
			next = n.wakeAt
		}
	}
	return next
}

// moment collects what decisions are made from. The caller holds mu, and uses it no longer than that.
func (r *Runner) moment() moment {
	m := moment{now: r.cfg.Now(), since: r.since, streams: map[string]gate.Stream{}, jobs: r.pasts}
	for name, l := range r.ledger {
		s := gate.Stream{Rows: l.Rows, Lag: -1}
		if n := r.byName[name]; n != nil {
			if s.Lag, s.Watermark = n.progress.Lag, n.progress.Watermark; !n.reported {
				s.Lag = l.Lag // no attempt in hand knows better
			}
			s.Rate = n.rate.perSecond(m.now)
			s.Changed = n.rowsAt
		}
		m.streams[name] = s
	}
	return m
}

// apply carries out a verdict. The caller holds mu.
func (r *Runner) apply(stop, work context.Context, n *node, spawn func(func())) {
	v := n.verdict
	switch {
	case r.draining:
	case v.follow != nil:
		n.next = v.follow
		if v.cancel && n.stop != nil {
			n.stop(errReplaced)
		}
	case v.start != nil || v.resume != nil:
		q := Request{}
		if v.resume != nil {
			q = Request{Trigger: v.resume.Trigger, again: v.resume, tick: v.resume.Marks[gate.CronMark]}
		} else {
			q = *v.start
		}
		n.next, n.resume = nil, nil
		if q.handled != nil {
			n.handled = q.handled
		}
		n.inHand = &run.Run{Job: n.Name, State: run.Queued, Trigger: q.Trigger}
		n.idle = make(chan struct{})
		if q.missed > 0 {
			r.cfg.Log.Warn("missed ticks are left out", "job", n.Name, "ticks", q.missed, "because", "there are more than catch_up_max")
		}
		idle := n.idle
		spawn(func() {
			defer close(idle)
			r.fire(stop, work, n, q)
		})
	}
}

// fire makes one run of a batch job when there is a place for it.
func (r *Runner) fire(stop, work context.Context, n *node, q Request) {
	if q.again == nil && !r.stillDue(work, n) {
		return
	}
	rec, err := r.make(stop, work, n, q)
	r.ended(n, rec, err, stop.Err() != nil)(r.cfg.Log)
}

// stillDue asks the store whether another process, such as `dag run JOB`, has made a run meanwhile: then its rows are not
// counted again, and the run begins only if the gate is true all the same.
func (r *Runner) stillDue(ctx context.Context, n *node) bool {
	if len(gate.Streams(n.Job.When)) == 0 {
		return true
	}
	cursors, err := r.cfg.Store.Cursors(ctx, n.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	moved := false
	for stream, rows := range cursors {
		moved = moved || rows > n.cursors[stream]
	}
	if err != nil || !moved { // a store out of reach is met again when the run is recorded
		return true
	}
	queued := n.inHand
	n.inHand, n.cursors = nil, cursors
	if opening(r.moment(), n.Node).Due {
		n.inHand = queued
		return true
	}
	r.changed(n)
	return false
}

func (r *Runner) make(stop, work context.Context, n *node, q Request) (run.Run, error) {
	id := r.newID(n)
	if q.again != nil {
		id = q.again.ID
	}
	free, err := r.place(stop, n, id)
	if err != nil {
		return run.Run{Job: n.Name, State: run.Queued}, err
	}
	defer free()
	rec, err := r.prepare(work, n, q)
	if err != nil {
		return rec, err
	}
	rec.ID = id
	return r.execute(work, stop, n, rec, q)
}

// newID names the next run of a job in this process.
func (r *Runner) newID(n *node) run.ID {
	r.mu.Lock()
	n.made++
	made := n.made
	r.mu.Unlock()
	return run.IDOf(r.cfg.Now(), n.Name, r.cfg.Instance, strconv.Itoa(made))
}

// begin notes that a run or an attempt of a stream has begun.
func (r *Runner) begin(n *node, rec *run.Run, tick time.Time, stop context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copied := *rec
	n.past.begin(&copied, tick)
	n.stop, n.progress, n.reported, n.wasLive, n.rate, n.window = stop, run.Progress{Lag: -1}, false, false, rate{}, window{}
	r.changed(n)
}

// ended notes how a run came out and wakes whoever waits for it. It gives what there is to log.
func (r *Runner) ended(n *node, rec run.Run, err error, stopping bool) func(*slog.Logger) {
	r.mu.Lock()
	unrecorded := err != nil
	switch {
	case unrecorded && rec.State == run.Queued && stopping: // it never began
		n.inHand = nil
	case unrecorded:
		rec.State, rec.Error, rec.Ended = run.Failed, r.text(err), r.cfg.Now()
		if rec.Started.IsZero() {
			rec.Started = rec.Ended
		}
		n.past.end(rec, false)
	default:
		n.past.end(rec, n.Job.Overlap != "queue" && n.Job.Overlap != "replace")
	}
	n.stop = nil
	news := n.news(rec)
	r.changed(n)
	r.mu.Unlock()
	switch {
	case unrecorded && stopping:
	case unrecorded:
		r.cfg.Log.Error("run could not be recorded", "job", n.Name, "error", err)
	default:
		r.emit(Event{Event: RunEnded, Job: n.Name, Run: rec.ID, State: string(rec.State), Result: &rec, Error: rec.Error})
	}
	return news
}
