package runner

import (
	"fmt"
	"time"

	"tillflow/dag/run"
)

// sample is how far a stream was at one time.
type sample struct {
	at   time.Time
	done int64 // offsets dealt with, from the ledger; rows of this run for a stream that keeps none
	lag  int64 // messages not stored yet; -1 when not known
}

// window is the samples of a stretch of time, oldest first, no closer to each other than a sixtieth of it.
type window struct{ samples []sample }

// add takes a sample and forgets what is older than keep, but for one: it says where the stretch began. A sample close
// to the one before it takes its place, so that the newest is always there.
func (w *window) add(s sample, keep time.Duration) {
	if n := len(w.samples); n > 1 && s.at.Sub(w.samples[n-2].at) < keep/60 {
		w.samples[n-1] = s
	} else {
		w.samples = append(w.samples, s)
	}
	for len(w.samples) > 2 && s.at.Sub(w.samples[1].at) >= keep {
		w.samples = w.samples[1:]
	}
}

// Vitals are the numbers that a stream's health is judged by, over the last stretch of its time.
type Vitals struct {
	Span      float64 `json:"span_seconds"` // how long the stretch is
	Done      int64   `json:"done"`         // messages dealt with in it
	PerSecond float64 `json:"per_second"`
	Lag       int64   `json:"lag"`        // now; -1 when not known
	LagBefore int64   `json:"lag_before"` // when the stretch began
	Why       string  `json:"why"`        // the judgement in words
}

// limits are the bounds of the judgement.
type limits struct {
	lag           int64 // less is little
	settle, stall time.Duration
}

// judge names a stream's health by a window of its progress. It is pure.
//
//   - stalled: messages wait in every sample of the last `stall`, and none was dealt with. A single slow read is not
//     enough, and neither is a log that is empty most of the time.
//   - live: the lag was little for all of the last `settle`; a stream that was live is so again at once. At a start a
//     lag of 0 may only mean that the writer of the log starts too, hence the wait.
//   - lagging: it was live, and the lag was not little for all of the last `settle`; a burst is no change of state.
//   - catching-up: else.
func judge(w window, was run.Health, caughtUp bool, l limits, now time.Time) (run.Health, Vitals) {
	if len(w.samples) == 0 {
		return run.Starting, Vitals{Lag: -1, Why: "it has not told how far it is"}
	}
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	v := Vitals{Span: now.Sub(first.at).Seconds(), Done: last.done - first.done, Lag: last.lag, LagBefore: first.lag}
	if v.Span > 0 {
		v.PerSecond = float64(v.Done) / v.Span
	}
	calm, behind, still := lasted(w, now, func(s sample) bool { return s.lag < l.lag }),
		lasted(w, now, func(s sample) bool { return s.lag >= l.lag }),
		lasted(w, now, func(s sample) bool { return s.lag > 0 && s.done == last.done })
	switch {
	case still >= l.stall:
		v.Why = fmt.Sprintf("%d messages wait and none was dealt with for %s", last.lag, short(still))
		return run.Stalled, v
	case last.lag < l.lag && (caughtUp || calm >= l.settle):
		v.Why = fmt.Sprintf("lag %d, below %d", last.lag, l.lag)
		if last.lag < 0 {
			v.Why = "it runs, and reads no log"
		}
		return run.Live, v
	case caughtUp && behind < l.settle:
		v.Why = fmt.Sprintf("lag %d for a moment only", last.lag)
		if was == run.Live || was == run.Lagging || was == run.Stalled {
			return was, v
		}
		return run.Live, v
	case caughtUp:
		v.Why = fmt.Sprintf("lag %d, not below %d for %s%s", last.lag, l.lag, short(behind), remaining(v, l))
		return run.Lagging, v
	default:
		v.Why = fmt.Sprintf("lag %d, wanted below %d for %s%s", last.lag, l.lag, short(l.settle), remaining(v, l))
		return run.CatchingUp, v
	}
}

// lasted is for how long, up to now, every sample has had a property.
func lasted(w window, now time.Time, has func(sample) bool) time.Duration {
	since := now
	for i := len(w.samples) - 1; i >= 0 && has(w.samples[i]); i-- {
		since = w.samples[i].at
	}
	return now.Sub(since)
}

// remaining guesses when a stream that falls less and less behind has caught up.
func remaining(v Vitals, l limits) string {
	gained := float64(v.LagBefore-v.Lag) / v.Span
	if v.Span <= 0 || gained <= 0 || v.Lag <= l.lag {
		return ""
	}
	left := min(float64(v.Lag-l.lag)/gained, 1e7)
	return fmt.Sprintf(", there in about %s at this pace", short(time.Duration(left*float64(time.Second))))
}

// recent tells whether a stream has dealt with something in the last minute, or has nothing to deal with.
func recent(w window, now time.Time) bool {
	if len(w.samples) == 0 {
		return false
	}
	last := w.samples[len(w.samples)-1]
	if last.lag == 0 {
		return true
	}
	for _, s := range w.samples {
		if s.done < last.done && now.Sub(s.at) < time.Minute {
			return true
		}
	}
	return false
}
