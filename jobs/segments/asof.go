package segments

import (
	"fmt"
	"slices"
	"time"

	"tillflow/dag/run"
)

// newest is the as_of that the data decides.
const newest = "newest"

const day = 24 * time.Hour

// parseAsOf reads a time of the dagfile, UTC unless it says otherwise; zero for "" and newest.
func parseAsOf(text string) (time.Time, error) {
	if text == "" || text == newest {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("as_of %q is no time", text)
}

// before is the time before which purchases count: the run's, or that of the dagfile when it comes sooner. The interval
// of a backfill says it itself.
func (j *Job) before(in run.Input) time.Time {
	fixed, _ := parseAsOf(j.with.AsOf) // New has tried it
	if !in.From.IsZero() || fixed.IsZero() || in.AsOf.Before(fixed) {
		return in.AsOf.UTC()
	}
	return fixed
}

// asOf is the time the scores are as of.
func (j *Job) asOf(in run.Input, before time.Time, p purchases) time.Time {
	before = before.Truncate(time.Microsecond) // what Postgres keeps; purchases are whole microseconds before it or not
	if j.with.AsOf != newest || !in.From.IsZero() || p.customers.Len() == 0 {
		return before
	}
	return time.UnixMicro(slices.Max(p.customers.Last)).UTC().Truncate(day).Add(day)
}
