package run

import (
	"errors"
	"time"
)

// ErrFenced says that a run had been closed or taken over by another process, which took this one for dead: what it
// would record now is refused.
var ErrFenced = errors.New("another process has closed or taken over the run")

// ErrUnknown says that history has no such run.
var ErrUnknown = errors.New("history has no such run")

// Interrupted is the error of a run whose process ended without saying so.
const Interrupted = "interrupted: its process ended"

// Filter chooses runs of the history. Its zero value means all of them.
type Filter struct {
	Job      string    // "" is any
	State    State     // "" is any
	Since    time.Time // began at or after
	Backfill string    // only runs of this backfill; "" is any
	Own      bool      // no runs of backfills
	Limit    int       // the newest so many; 0 is all
}

// Line is a piece of a run's log.
type Line struct {
	Seq     int64     `json:"seq"` // grows within a run; a reader that follows asks for what comes after
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"`
	Text    string    `json:"text"`
}

// Pause is a job that a person has told to start no more runs.
type Pause struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// LogCap is how much of a run's log is kept, in bytes.
const LogCap = 1 << 20
