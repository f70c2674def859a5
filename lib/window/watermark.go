package window

import (
	"math"
	"time"
)

// None is the watermark before any event: nothing is late yet.
const None = math.MinInt64

// Tracker follows the watermark of one partition, message by message.
//
// The watermark that judges a message is the greatest event time among the messages before it, less the delay. It
// never goes back. All times are microseconds since the Unix epoch. The zero value waits for nothing and trusts no
// clock to be ahead; use NewTracker.
type Tracker struct {
	delay, skew int64
	max         int64
	seen        bool
}

// NewTracker returns a tracker that waits delay for stragglers. Events more than skew ahead of the broker's time of
// their own message never move it.
func NewTracker(delay, skew time.Duration) *Tracker {
	return &Tracker{delay: delay.Microseconds(), skew: skew.Microseconds()}
}

// Restore continues where another tracker of the partition stopped: max and ok are what its Max returned.
func (t *Tracker) Restore(max int64, ok bool) {
	t.max, t.seen = max, ok
}

// Max returns the greatest event time that has moved the watermark; false before the first.
func (t *Tracker) Max() (int64, bool) { return t.max, t.seen }

// Watermark returns how far event time is complete: no event before it is waited for. None before the first event.
func (t *Tracker) Watermark() int64 {
	if !t.seen {
		return None
	}
	return t.max - t.delay
}

// Observe returns the watermark that judges a message of event time ts, and then lets the message move it. Call it
// for every message that has an event time, duplicates and held ones too: whether a row is new is known only to the
// database, and must not change what is late.
//
// brokerTime is the message's own time in the log, which is the same on every reading; below zero means the log has
// none, and then every event is trusted.
func (t *Tracker) Observe(ts, brokerTime int64) (watermark int64) {
	watermark = t.Watermark()
	if FarFuture(ts, brokerTime, t.skew) {
		return watermark
	}
	if !t.seen || ts > t.max {
		t.max, t.seen = ts, true
	}
	return watermark
}

// FarFuture says whether Observe let a message of event time ts move nothing, because it is ahead of the broker's
// time by more than the allowed skew.
func (t *Tracker) FarFuture(ts, brokerTime int64) bool {
	return FarFuture(ts, brokerTime, t.skew)
}

// FarFuture says whether an event of time ts is ahead of its message's own time in the log by more than skew. A message
// without a time, which is one below zero, is trusted.
func FarFuture(ts, brokerTime, skew int64) bool {
	return brokerTime >= 0 && ts-skew > brokerTime
}

// Late says whether an event of time ts comes too late for its window of the given size: the window ended at or
// before the watermark. The same test tells whether the window that holds ts is closed. Of windows that slide, given
// their slide, it tells whether the event is late for the earliest window that holds it.
func Late(ts, size, watermark int64) bool {
	return ts < watermark && Start(ts, size)+size <= watermark // the first alone is mostly enough, and cheaper
}

// Closed returns for how many of its windows an event of time ts comes too late: windows of the given size, one of
// which begins at each multiple of step. They are the earliest ones. 0 means that it is on time for all of them.
func Closed(ts, size, step, watermark int64) int32 {
	if !Late(ts, step, watermark) { // the earliest window that holds ts ends with its pane
		return 0
	}
	end := Start(ts, step) + step
	return int32(min((watermark-end)/step+1, size/step))
}
