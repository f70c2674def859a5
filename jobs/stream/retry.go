package stream

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
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
}

// wait notes an error and pauses. It returns false when ctx has ended.
func (r *retry) wait(ctx context.Context, err error) bool {
	if text := err.Error(); text != r.told {
		r.told = text
		r.log.Warn("trouble that may pass; trying again", "doing", r.doing, "err", err)
	}
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
	}
	r.tries, r.told = 0, ""
}

// passes says whether an error of Postgres or Kafka may be gone at the next try. What is not known to be permanent
// passes: a stream that waits shows in its lag, one that ends on a hiccup needs a person.
func passes(err error) bool {
	var (
		outside *kafkasrc.OutOfRangeError
		corrupt *kafkasrc.CorruptError
		version *kafkasrc.VersionError
		another *kafkasrc.RecreatedError
		differs *differsError
	)
	switch {
	case errors.Is(err, ledger.ErrFenced), errors.As(err, &outside), errors.As(err, &corrupt), errors.As(err, &version), errors.As(err, &another),
		errors.As(err, &differs):
		return false
	}
	switch c := code(err); {
	case c == "":
		return true // no answer of a server: a connection that broke, a host that is away
	case c == "25006": // read-only: a standby that is being promoted
		return true
	case c == "08P01": // COPY data that does not fit the table
		return false
	case len(c) == 5:
		// 08 connection, 40 rolled back (deadlock), 53 out of disk or connections, 55 lock not had, 57 shutting down
		// or starting up, 58 and XX trouble of the server's own.
		return strings.Contains("08 40 53 55 57 58 XX", c[:2])
	}
	return false
}
