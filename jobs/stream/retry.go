package stream

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Pauses between tries double from the first to the last, each half of it at random, so that many workers do not come
// back at the same moment.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 3 * time.Second
)

// retry counts the tries of one thing that may fail for a while, and tells about them once for each new message.
type retry struct {
	log   *slog.Logger
	doing string
	tries int
	told  string

	states *troubles // where the state is noted
	place  string    // which of those who do the same, as in write/3
	side   side      // who is asked
}

// retrying begins to count the tries of something.
func (s *stream) retrying(log *slog.Logger, doing, place string, at side) retry {
	return retry{log: log, doing: doing, states: s.troubles, place: doing + "/" + place, side: at}
}

// wait notes an error and pauses. It returns false when ctx has ended.
func (r *retry) wait(ctx context.Context, err error) bool {
	if text := err.Error(); text != r.told {
		r.told = text
		r.log.Warn("trouble that may pass; trying again", "doing", r.doing, "err", err)
	}
	r.states.see(r.place, -1, kindOf(err, r.side), err.Error(), nil)
	pause := min(firstPause<<min(r.tries, 10), lastPause)
	r.tries++
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ok notes a success.
func (r *retry) ok() {
	if r.tries > 0 {
		r.log.Info("it works again", "doing", r.doing, "tries", r.tries)
		r.end()
	}
	r.tries, r.told = 0, ""
}

// end notes that nobody tries any more, whether it worked or not.
func (r *retry) end() { r.states.over(r.place) }
