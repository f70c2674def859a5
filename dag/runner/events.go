package runner

import (
	"time"

	"tillflow/dag/run"
)

// EventSchema is the version of the form of Event. A field may come; one that goes or changes its meaning is a new version.
const EventSchema = 1

// Event is a change that a reader of `dag run -o json` is told of.
type Event struct {
	Schema  int       `json:"schema"`
	Time    time.Time `json:"time"`
	Event   string    `json:"event"` // see the constants
	Job     string    `json:"job,omitempty"`
	State   string    `json:"state,omitempty"`   // of the run or the stream, after the change
	Was     string    `json:"was,omitempty"`     // health: the state before it
	Run     run.ID    `json:"run,omitempty"`     //
	Attempt int       `json:"attempt,omitempty"` // attempt-ended: which
	Trigger string    `json:"trigger,omitempty"` // run-started: what began it
	Result  *run.Run  `json:"result,omitempty"`  // run-ended: the whole record
	Error   string    `json:"error,omitempty"`
	Why     string    `json:"why,omitempty"`        // health: the numbers in words; run-skipped: the reason
	In      float64   `json:"in_seconds,omitempty"` // the pause before the next try
	Stream  *Flow     `json:"stream,omitempty"`     // progress: how a stream flows
}

// Flow is how far a stream is and how fast.
type Flow struct {
	Rows      int64     `json:"rows"` // by this run
	PerSecond float64   `json:"rows_per_second"`
	Lag       int64     `json:"lag"` // messages; -1 when not known
	Watermark time.Time `json:"watermark,omitzero"`
	Restarts  int       `json:"restarts"`
}

// The kinds of events.
const (
	RunStarted   = "run-started"
	AttemptEnded = "attempt-ended"
	RunEnded     = "run-ended"
	RunSkipped   = "run-skipped"
	HealthNow    = "health"         // a stream's health has changed
	Restart      = "stream-restart" // a stream failed and will be started again
	Flowing      = "progress"       // of a running stream, each second
	Draining     = "draining"
	Paused       = "paused"
	Resumed      = "resumed"
)

// emit tells the reader. The caller must not hold mu.
func (r *Runner) emit(e Event) {
	e.Schema, e.Time = EventSchema, r.cfg.Now()
	r.cfg.Event(e)
}
