package ledger

import (
	"context"
	"fmt"
	"time"

	"tillflow/sql"
)

var qRate = sql.Query("ledger_rate")

// Health is how a stream is, by what it has committed: for people who ask, whatever process runs it.
type Health struct {
	Partitions []Partition
	Watermark  time.Time // zero before any event
	Rate       float64   // rows a second over the last minute
	Problems   []Problem // what is wrong, and after that what was lately
	Skips      []Skip    // where a person let it go on with less than the whole log
	Now        time.Time // by the database's clock, which all other times are by
}

// ReadHealth returns how a stream job is; one that never ran has no partitions. Problems that ended within the time
// lately are told too.
func ReadHealth(ctx context.Context, db DB, job string, lately time.Duration) (h Health, err error) {
	if h.Partitions, err = Progress(ctx, db, job); err != nil {
		return h, err
	}
	if h.Watermark, _, err = Watermark(ctx, db, job); err != nil {
		return h, err
	}
	if h.Problems, err = Problems(ctx, db, job, lately); err != nil {
		return h, err
	}
	if h.Skips, err = Skips(ctx, db, job); err != nil {
		return h, err
	}
	var rows int64
	if err := db.QueryRow(ctx, qRate, job).Scan(&rows, &h.Now); err != nil {
		return h, fmt.Errorf("read the rate of %s: %w", job, err)
	}
	h.Rate = float64(rows) / 60
	return h, nil
}
