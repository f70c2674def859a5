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

	ClusterID, TopicID string // of the log that was read so far; empty before the first batch

	MaxEvent time.Time // greatest event time stored; zero before the first event
	Updated  time.Time // when a batch last moved the partition, by the database's clock
}

// Lag returns how many offsets are in the log but not stored yet.
func (p Partition) Lag() int64 { return max(0, p.LogEnd-p.Next) }

func scanPartition(row pgx.CollectableRow) (Partition, error) {
	var p Partition
	var max *time.Time
	err := row.Scan(&p.Topic, &p.Partition, &p.Next, &p.LogEnd, &p.Rows, &p.Epoch, &p.Owner, &p.Live, &max, &p.Updated, &p.Replay, &p.ClusterID, &p.TopicID)
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
