package runner

import "time"

// The pauses between tries of streams and of jobs that say nothing else.
const (
	firstPause       = time.Second
	longestPause     = 5 * time.Minute
	longestStreamGap = time.Minute
)

// backoff is exponential from base to limit with full jitter, never under a tenth of the step: after many failures at
// once, not everyone should come back at the same moment. attempt counts from 1.
func (r *Runner) backoff(base, limit time.Duration, attempt int) time.Duration {
	if base <= 0 {
		base = firstPause
	}
	if limit <= 0 {
		limit = max(longestPause, base)
	}
	d := base << min(attempt-1, 20)
	if d <= 0 || d > limit {
		d = limit
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return d/10 + time.Duration(r.rng.Int64N(int64(d*9/10)+1))
}

// budget keeps the restarts of the last while and tells whether one more is within the limit. A limit below 0 is none.
func budget(restarts []time.Time, now time.Time, limit int, within time.Duration) (kept []time.Time, ok bool) {
	for _, t := range restarts {
		if now.Sub(t) < within {
			kept = append(kept, t)
		}
	}
	kept = append(kept, now)
	return kept, limit < 0 || len(kept) <= limit
}
