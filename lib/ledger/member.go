package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Member is one worker of a stream: a process that shares the partitions of a topic with others.
type Member struct {
	Job, Topic string
	Name       string        // stable across restarts of the same instance, so that it takes its own leases back
	TTL        time.Duration // how long a lease lasts without being renewed
}

// Held is a lease a member wants to keep.
type Held struct {
	Partition int
	Epoch     int64
	LogEnd    int64 // the log's end as last seen, for those who ask how far the stream is
}

// View is what a member sees of its stream.
type View struct {
	Members    []string    // alive, sorted; the member itself among them
	Partitions []Partition // of all topics of the job, sorted
	Watermark  time.Time   // of the job; zero when it has none
}

// Beat says that the member is alive, renews the leases it holds and returns what it sees, in one round trip. A lease
// lost in the meantime is not renewed; the view shows its new owner.
func (m Member) Beat(ctx context.Context, db DB, held []Held) (View, error) {
	parts, epochs, ends := make([]int32, len(held)), make([]int64, len(held)), make([]int64, len(held))
	for i, h := range held {
		parts[i], epochs[i], ends[i] = int32(h.Partition), h.Epoch, h.LogEnd
	}
	var v View
	b := &pgx.Batch{}
	b.Queue(qMember, m.Job, m.Name, micros(m.TTL))
	b.Queue(qRenew, m.Job, m.Topic, m.Name, parts, epochs, ends, micros(m.TTL))
	b.Queue(qLapsed, m.Job)
	b.Queue(qMembers, m.Job).Query(func(rows pgx.Rows) (err error) {
		v.Members, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	b.Queue(qPartitions, m.Job).Query(func(rows pgx.Rows) (err error) {
		v.Partitions, err = pgx.CollectRows(rows, scanPartition)
		return err
	})
	b.Queue(qWatermark, m.Job).QueryRow(func(row pgx.Row) error {
		var at *time.Time
		if err := row.Scan(&at); err != nil || at == nil {
			return err
		}
		v.Watermark = at.UTC()
		return nil
	})
	if err := db.SendBatch(ctx, b).Close(); err != nil {
		return View{}, fmt.Errorf("renew leases of %s: %w", m.Job, err)
	}
	return v, nil
}

// Assign returns the partitions that the member called me is to work on: live members, sorted by name, share them
// round robin. Everyone who sees the same members comes to the same answer.
func Assign(members []string, partitions []int, me string) []int {
	var mine []int
	for i, p := range partitions {
		if len(members) > 0 && members[i%len(members)] == me {
			mine = append(mine, p)
		}
	}
	return mine
}

// Lease is a partition this member owns, and how far it was when claimed.
type Lease struct {
	Member
	Partition int
	Epoch     int64

	Next     int64 // the offset to read from
	MaxEvent int64 // greatest event time before Next, microseconds
	HasMax   bool  // false: no event yet

	ClusterID, TopicID string // of the log that was read so far; empty before the first batch
}

// Claim takes a partition if its lease is free, lapsed, or the member's own from before a restart. It returns false
// when another holds it, or when a transaction has it locked at this moment.
func (m Member) Claim(ctx context.Context, db DB, partition int) (Lease, bool, error) {
	l := Lease{Member: m, Partition: partition}
	var max *time.Time
	err := db.QueryRow(ctx, qClaim, m.Job, m.Topic, partition, m.Name, micros(m.TTL)).
		Scan(&l.Epoch, &l.Next, &max, &l.ClusterID, &l.TopicID)
	if errors.Is(err, pgx.ErrNoRows) {
		return l, false, nil
	}
	if err != nil {
		return l, false, fmt.Errorf("claim %s/%d: %w", m.Topic, partition, err)
	}
	if max != nil {
		l.MaxEvent, l.HasMax = max.UnixMicro(), true
	}
	return l, true, nil
}

// Evict ends the sessions that hold one of the partitions locked although their worker no longer shows that it is
// alive: a process frozen inside a transaction, or the member's own former process. It returns how many it ended.
// Claim can succeed a moment later.
func (m Member) Evict(ctx context.Context, db DB, partitions []int) (int, error) {
	ids := make([]int32, len(partitions))
	for i, p := range partitions {
		ids[i] = int32(p)
	}
	tag, err := db.Exec(ctx, qEvict, m.Job, m.Topic, ids, m.Name)
	if err != nil {
		return 0, fmt.Errorf("end sessions that block partitions of %s: %w", m.Topic, err)
	}
	return int(tag.RowsAffected()), nil
}

// Release gives a partition back, so that another member takes it without waiting for the lease to lapse. Releasing a
// lease that is lost does nothing.
func (l Lease) Release(ctx context.Context, db DB) error {
	if _, err := db.Exec(ctx, qRelease, l.Job, l.Topic, l.Partition, l.Name, l.Epoch); err != nil {
		return fmt.Errorf("release %s/%d: %w", l.Topic, l.Partition, err)
	}
	return nil
}

// Leave takes the member off the list of those who share the partitions.
func (m Member) Leave(ctx context.Context, db DB) error {
	if _, err := db.Exec(ctx, qLeave, m.Job, m.Name); err != nil {
		return fmt.Errorf("leave %s: %w", m.Job, err)
	}
	return nil
}
