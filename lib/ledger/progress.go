package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Partition is how far a stream is in one partition: committed facts only.
type Partition struct {
	Topic     string
	Partition int
	Next      int64 // offset after the last stored message
	LogEnd    int64 // as its owner last saw it
	Rows      int64 // inserted since the log began
	Epoch     int64
	Owner     string // empty: nobody
	Live      bool   // the owner's lease has not lapsed

	Replay bool // dead letters are to be tried again

	MaxEvent time.Time // greatest event time stored; zero before the first event
	Updated  time.Time // when a batch last moved the partition, by the database's clock
}

// Lag returns how many offsets are in the log but not stored yet.
func (p Partition) Lag() int64 { return max(0, p.LogEnd-p.Next) }

func scanPartition(row pgx.CollectableRow) (Partition, error) {
	var p Partition
	var max *time.Time
	err := row.Scan(&p.Topic, &p.Partition, &p.Next, &p.LogEnd, &p.Rows, &p.Epoch, &p.Owner, &p.Live, &max, &p.Updated, &p.Replay)
	if max != nil {
		p.MaxEvent = max.UTC()
	}
	return p, err
}

// Progress returns the partitions of a stream job, sorted by topic and partition; none when it never ran.
func Progress(ctx context.Context, db DB, job string) ([]Partition, error) {
	rows, err := db.Query(ctx, qPartitions, job)
	if err != nil {
		return nil, fmt.Errorf("read progress of %s: %w", job, err)
	}
	ps, err := pgx.CollectRows(rows, scanPartition)
	if err != nil {
		return nil, fmt.Errorf("read progress of %s: %w", job, err)
	}
	return ps, nil
}

// Rows returns how many rows a stream job has inserted since its logs began; 0 when it never ran.
func Rows(ctx context.Context, db DB, job string) (int64, error) {
	var n int64
	if err := db.QueryRow(ctx, qRows, job).Scan(&n); err != nil {
		return 0, fmt.Errorf("count rows of %s: %w", job, err)
	}
	return n, nil
}

// Watermark returns how far event time is complete for a whole stream job: see WatermarkOf. False before any event.
func Watermark(ctx context.Context, db DB, job string, idle, delay time.Duration) (time.Time, bool, error) {
	ps, err := Progress(ctx, db, job)
	if err != nil {
		return time.Time{}, false, err
	}
	t, ok := WatermarkOf(ps, idle, delay)
	return t, ok, nil
}

// WatermarkOf returns the least of the partitions' watermarks, that is of their greatest event times less the delay,
// over the active partitions. A partition is idle, and does not hold the others back, when all it has is stored and no
// batch moved it during the last idle time of the partition that moved last. So while all is quiet, or no
// worker runs, the watermark stands still.
func WatermarkOf(ps []Partition, idle, delay time.Duration) (time.Time, bool) {
	var newest time.Time
	for _, p := range ps {
		if p.Updated.After(newest) {
			newest = p.Updated
		}
	}
	var least time.Time
	found := false
	for _, p := range ps {
		active := p.Lag() > 0 || !p.Updated.Before(newest.Add(-idle))
		if !active {
			continue
		}
		if p.MaxEvent.IsZero() {
			if p.Lag() > 0 {
				return time.Time{}, false // it has messages whose times nobody knows yet
			}
			continue
		}
		if !found || p.MaxEvent.Before(least) {
			least, found = p.MaxEvent, true
		}
	}
	if !found {
		return time.Time{}, false
	}
	return least.Add(-delay), true
}
