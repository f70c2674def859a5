// Package run names what every part of the engine agrees on: a run, its state, what a job is given and what it
// gives back. It does no I/O and imports nothing of ours, so that jobs can fit the runner without knowing it.
package run

import (
	"errors"
	"io"
	"time"
)

// ErrStop is the cause of a clean stop: reading ends, work in hand is finished, and the job returns
// context.Cause(ctx), which the runner knows is not a failure.
var ErrStop = errors.New("stop")

// ErrCheck is what a job returns when the data it looked at is not as declared; the command then ends with exit code 3.
var ErrCheck = errors.New("a check of the data failed")

// ID names a run; IDs sort by time.
type ID string

// Input is what the runner hands a job for one attempt.
type Input struct {
	ID       ID
	Job      string         // the job's name in the dagfile
	AsOf     time.Time      // a batch job reads events with ts < AsOf
	Once     bool           // a stream ends by itself: at the log ends seen at its start
	Drain    time.Duration  // how long work in hand may take after ctx ended
	Progress func(Progress) // tells how far the job is; never nil, safe for concurrent use, cheap
	Output   io.Writer      // what a job writes here is the run's log; never nil, safe for concurrent use

	Params   map[string]string // given by the person or the backfill that began the run
	From, To time.Time         // the interval [From, To) of a backfill; zero otherwise
}

// Progress is how far an attempt is.
type Progress struct {
	Rows      int64     // rows or events done by this attempt
	Lag       int64     // messages in the log that are not stored yet; -1 when not known
	Watermark time.Time // event time is complete up to here; zero when not known
	Note      string    // a few words for people, such as "history 12 of 30 days"
}

// Result is what a finished attempt did.
type Result struct {
	RowsRead    int64  `json:"rows_read"`
	RowsWritten int64  `json:"rows_written"`
	Note        string `json:"note"`              // a few words for people
	Warning     string `json:"warning,omitempty"` // why a run that succeeded wants to be looked at; "" when it does not
}
