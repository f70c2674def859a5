package run

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Backfill is a job's work over past intervals. It is named by what is done, not by when it was asked for: the same job
// in the same steps with the same parameters is the same backfill, so that asking again goes on with it.
type Backfill struct {
	ID     string            `json:"id"`
	Job    string            `json:"job"`
	Step   string            `json:"step"` // as the person wrote it, such as 1d
	Params map[string]string `json:"params,omitempty"`
}

// NewBackfill names a backfill.
func NewBackfill(job, step string, params map[string]string) Backfill {
	b := Backfill{Job: job, Step: step, Params: params}
	text, _ := json.Marshal(b) // strings and a map of them, in the order of its keys
	sum := sha256.Sum256(text)
	b.ID = job + "-" + step + "-" + hex.EncodeToString(sum[:3])
	return b
}

// Interval is one part of a backfill, [From, To).
type Interval struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	State State     `json:"state"` // Missing, Running, or how its last run ended
	Run   ID        `json:"run,omitempty"`
}

// Missing is the state of an interval that no run has done.
const Missing State = "missing"

// Steps cuts [from, to) into intervals of a step; the last one ends at to. Whole days are days of the zone of from, so
// that a day stays a day where clocks are changed.
func Steps(from, to time.Time, step time.Duration) []Interval {
	const day = 24 * time.Hour
	var out []Interval
	for i := 0; ; i++ {
		at := func(i int) time.Time {
			if step%day == 0 {
				return from.AddDate(0, 0, i*int(step/day))
			}
			return from.Add(time.Duration(i) * step)
		}
		start, end := at(i), at(i+1)
		if !start.Before(to) {
			return out
		}
		if end.After(to) {
			end = to
		}
		out = append(out, Interval{From: start, To: end, State: Missing})
	}
}

// Reprocess says which intervals of a backfill are to be run.
type Reprocess string

// The intervals that no run has done; those and the ones whose run failed; all.
const (
	ReprocessMissing Reprocess = "missing"
	ReprocessFailed  Reprocess = "failed"
	ReprocessAll     Reprocess = "all"
)

// Wants tells whether an interval in a state is to be run. One whose run is in hand elsewhere is not.
func (p Reprocess) Wants(s State) bool {
	switch {
	case s == Running:
		return false
	case p == ReprocessAll:
		return true
	case s.Bad():
		return p == ReprocessFailed
	}
	return !s.OK()
}
