package run

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// State is where a run or an attempt stands; it is stored as this text.
type State string

// A batch run is queued, running, and then one of the ended states. A stream's run is running until it is stopped.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Skipped   State = "skipped"   // an upstream job had failed
	Canceled  State = "canceled"  // stopped, or its process ended
	TimedOut  State = "timed-out" // longer than the job's timeout
)

// Ended tells whether nothing more will happen.
func (s State) Ended() bool { return s != Queued && s != Running }

// Health is what a stream is doing now.
type Health string

// A stream starts, catches up with its log, and is live; it lags when it falls behind again, stalls when it makes no
// progress although messages wait, and backs off between restarts after a failure.
const (
	Waiting    Health = "waiting" // for the jobs it needs
	Starting   Health = "starting"
	CatchingUp Health = "catching-up"
	Live       Health = "live"
	Lagging    Health = "lagging"
	Stalled    Health = "stalled"
	BackingOff Health = "backing-off"
	Draining   Health = "draining"
	Stopped    Health = "stopped"
)

// Run is one execution of a job, as history keeps it.
type Run struct {
	ID       ID               `json:"id"`
	Job      string           `json:"job"`
	State    State            `json:"state"`
	Trigger  string           `json:"trigger"`        // what began it, in words
	AsOf     time.Time        `json:"as_of,omitzero"` // a batch job read events before this time
	Ledger   map[string]int64 `json:"ledger"`         // rows of each stream when the run began
	Instance string           `json:"instance"`       // the process that runs it
	Started  time.Time        `json:"started,omitzero"`
	Ended    time.Time        `json:"ended,omitzero"` // zero while it runs
	Error    string           `json:"error"`
	Result
}

// Attempt is one try of a job within a run, counted from 1.
type Attempt struct {
	Number         int
	State          State
	Started, Ended time.Time
	Error          string
}

// NewID makes an ID from the time and some randomness; IDs sort by time to the millisecond.
func NewID(now time.Time) ID {
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails: it ends the process instead
	return ID(now.UTC().Format("20060102T150405.000") + "-" + hex.EncodeToString(r[:]))
}
