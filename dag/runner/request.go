package runner

import (
	"time"

	"tillflow/dag/run"
)

// Request says how a run is to be made: by a gate, by a person, as an interval of a backfill, or as a run of before.
type Request struct {
	Trigger  string            // what began it, in words
	AsOf     time.Time         // events before this time; the run's start when zero
	Params   map[string]string // handed to the job
	Ledger   map[string]int64  // position of the streams, of a run that is made again; read from the facts when nil
	From, To time.Time         // the interval [From, To) of a backfill
	Backfill string            // the backfill that the run is part of
	RetryOf  run.ID            // the run that is made again
	Once     bool              // streams end at the log ends they see at their start

	Marks   map[string]time.Time // the watermarks and ticks that a gate opened for; cursors when the run succeeds
	tick    time.Time            // the opening by time that the run is for
	missed  int                  // ticks that no run is made for
	handled map[string]run.ID    // rule one-failed: the failures that the run is for
	again   *run.Run             // an interrupted run to go on with
}

// record is the run that a request begins. A run that looks at the past has seen less than the streams hold now, so it
// has no position, and no cursor moves by it.
func (q Request) record(job, instance string, now time.Time, facts map[string]int64) run.Run {
	r := run.Run{
		ID: run.NewID(now), Job: job, State: run.Running, Trigger: q.Trigger, AsOf: q.AsOf, Params: q.Params, Ledger: q.Ledger,
		From: q.From, To: q.To, Backfill: q.Backfill, RetryOf: q.RetryOf, Marks: q.Marks, Instance: instance, Started: now,
	}
	if r.AsOf.IsZero() {
		r.AsOf = now
		if r.Ledger == nil {
			r.Ledger = facts
		}
	}
	return r
}
