package run

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// State is where a run or an attempt stands; it is stored as this text.
type State string

// A batch run is queued, running, and then one of the ended states. A stream's run is running until it is stopped.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Warned    State = "warned" // succeeded, with something to look at
	Failed    State = "failed"
	Skipped   State = "skipped"   // an upstream job had failed
	Canceled  State = "canceled"  // stopped, or its process ended
	TimedOut  State = "timed-out" // longer than the job's timeout
)

// Ended tells whether nothing more will happen.
func (s State) Ended() bool { return s != Queued && s != Running }

// OK tells whether a run did what it was for: jobs that need it may go on, and its cursors move.
func (s State) OK() bool { return s == Succeeded || s == Warned }

// Bad tells whether a run ended without doing what it was for, by its own fault.
func (s State) Bad() bool { return s == Failed || s == TimedOut }

// Health is what a stream is doing now.
type Health string

// A stream starts, catches up with its log, and is live; it lags when it falls behind again, stalls when it makes no
// progress although messages wait, and backs off between restarts after a failure. One that has used up its budget of
// restarts has crash-looped: it is tried again seldom.
const (
	Waiting     Health = "waiting" // for the jobs it needs
	Starting    Health = "starting"
	CatchingUp  Health = "catching-up"
	Live        Health = "live"
	Lagging     Health = "lagging"
	Stalled     Health = "stalled"
	BackingOff  Health = "backing-off"
	CrashLooped Health = "crash-looped"
	Draining    Health = "draining"
	Stopped     Health = "stopped"
)

// Run is one execution of a job, as history keeps it.
type Run struct {
	ID       ID                `json:"id"`
	Job      string            `json:"job"`
	State    State             `json:"state"`
	Trigger  string            `json:"trigger"`        // what began it, in words
	AsOf     time.Time         `json:"as_of,omitzero"` // a batch job read events before this time
	Ledger   map[string]int64  `json:"ledger"`         // rows of each stream when the run began
	Params   map[string]string `json:"params,omitempty"`
	Instance string            `json:"instance"`        // the process that runs it
	Fence    int64             `json:"fence,omitempty"` // rises each time a run changes hands; only the holder of the last one may end it
	Started  time.Time         `json:"started,omitzero"`
	Ended    time.Time         `json:"ended,omitzero"` // zero while it runs
	Error    string            `json:"error"`
	Result

	From     time.Time            `json:"from,omitzero"`      // the interval [From, To) of a backfill
	To       time.Time            `json:"to,omitzero"`        //
	Backfill string               `json:"backfill,omitempty"` // the backfill it belongs to: such a run is never the job's last and moves no cursor
	RetryOf  ID                   `json:"retry_of,omitempty"` // the run that is made again
	Marks    map[string]time.Time `json:"-"`                  // per stream, the watermark that the gate opened by; kept as a cursor
	Try      Attempt              `json:"-"`                  // the attempt that ended the run, recorded together with its end; Number 0 is none
}

// Attempt is one try of a job within a run, counted from 1.
type Attempt struct {
	Number  int       `json:"attempt"`
	State   State     `json:"state"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Error   string    `json:"error"`
}

// NewID makes an ID from the time and some randomness; IDs sort by time to the millisecond.
func NewID(now time.Time) ID {
	var r [4]byte
	_, _ = rand.Read(r[:]) // never fails: it ends the process instead
	return ID(now.UTC().Format("20060102T150405.000") + "-" + hex.EncodeToString(r[:]))
}

// IDOf makes the ID of a run that began at a time, from what makes the run unique: the same parts give the same ID, so
// that a history under a clock of one's own is the same each time.
func IDOf(now time.Time, parts ...string) ID {
	h := sha256.New()
	fmt.Fprintf(h, "%d %q", now.UnixNano(), parts)
	return ID(now.UTC().Format("20060102T150405.000") + "-" + hex.EncodeToString(h.Sum(nil)[:4]))
}
