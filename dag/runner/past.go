package runner

import (
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
)

// past is what is known of one job when it is decided what to do: its history, and what this process saw of it.
type past struct {
	health   run.Health // streams
	caughtUp bool       // streams: has been live since this process began
	fresh    bool       // streams: has committed of late, or has nothing to commit

	inHand *run.Run // batch: queued or running now; nil when nothing is
	next   *Request // batch: what follows the run in hand (overlap: queue, replace)
	resume *run.Run // batch: was interrupted, and is to be gone on with

	began     time.Time           // when this process last began a run; zero when it has not
	ended     int                 // runs that ended in this process
	outcomes  map[run.State]int64 // of those
	last      run.Run             // the last run that ended, this process's or an earlier one's
	succeeded time.Time           // when the last run that was OK ended
	tick      time.Time           // the opening that the last run was for
	skipTo    time.Time           // openings up to here fell into a run (overlap: skip)
	fails     int                 // in a row
	cursors   map[string]int64
	marks     map[string]time.Time
	handled   map[string]run.ID // rule one-failed: the failed run of each needed job that the last run was for
	pause     *run.Pause
}

// moment is all that a decision is made from: facts and histories at one time. Nobody reads a clock beside it.
type moment struct {
	now, since time.Time
	streams    map[string]gate.Stream
	jobs       map[string]*past
}

// begin notes that a run has begun.
func (p *past) begin(rec *run.Run, tick time.Time) {
	p.inHand, p.began = rec, rec.Started
	if !tick.IsZero() {
		p.tick = tick
	}
}

// end notes that a run has ended.
func (p *past) end(rec run.Run, skip bool) {
	p.inHand, p.last = nil, rec
	p.ended++
	p.countOutcome(rec.State)
	if rec.State.Bad() {
		p.fails++
	} else {
		p.fails = 0
	}
	if rec.State.OK() {
		p.succeeded = rec.Ended
		p.moveTo(rec)
	}
	if skip && rec.State != run.Canceled {
		p.skipTo = rec.Ended
	}
}

// moveTo moves the cursors as the store does: never back.
func (p *past) moveTo(rec run.Run) {
	if p.cursors == nil {
		p.cursors = map[string]int64{}
	}
	for stream, n := range rec.Ledger {
		p.cursors[stream] = max(p.cursors[stream], n)
	}
	if p.marks == nil {
		p.marks = map[string]time.Time{}
	}
	for stream, t := range rec.Marks {
		if t.After(p.marks[stream]) {
			p.marks[stream] = t
		}
	}
}

// count is a job as a gate sees it.
func (p *past) count() gate.Job {
	return gate.Job{OK: p.last.State.OK(), Ended: p.last.Ended, Succeeded: p.succeeded}
}
