package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Source is where messages wait for a second try.
type Source int

// The two tables.
const (
	FromHeld Source = iota
	FromDead
)

// Settled is what a second try made of messages that were all held, or all dead letters, before: what a batch says of
// new ones, and each by its offset.
type Settled struct {
	From Source

	Inserted   map[int64]int64 // offset to event time, microseconds: rows new in the raw table
	Duplicates map[int64]int64 // likewise
	Late       []Late          // of the inserted
	Future     []Future        // of the inserted
	Conflicts  []Conflict      // of the duplicates
	Dead       []Letter        // those that are dead now; the reason may be another
	Held       []Letter        // those that are held now, for something else perhaps
}

// Needs returns what the held rows of the partition wait for, each combination once. One that is empty is not known:
// such a row is worth a try.
func (l Lease) Needs(ctx context.Context, db DB) ([][]string, error) {
	rows, err := db.Query(ctx, qNeeds, l.Job, l.Topic, l.Partition)
	if err != nil {
		return nil, fmt.Errorf("read what held rows of %s/%d wait for: %w", l.Topic, l.Partition, err)
	}
	needs, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		return nil, fmt.Errorf("read what held rows of %s/%d wait for: %w", l.Topic, l.Partition, err)
	}
	return needs, nil
}

// QueueWaiting queues the reading of the next messages after an offset that are to be tried again, in the order of the
// log: held rows all of whose needs are in ready, or dead letters marked for replay. It gives at most limit of them and stops after size
// bytes, but gives one at least. The caller has queued the guard before it, so that nobody else moves them.
func (l Lease) QueueWaiting(q *pgx.Batch, from Source, ready []string, after int64, limit, size int, to *[]Letter) {
	args := []any{l.Job, l.Topic, l.Partition}
	query := qWaitingDead
	if from == FromHeld {
		query = qWaitingHeld
		args = append(args, ready)
	}
	q.Queue(query, append(args, limit, size, after)...).Query(func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, scanLetter)
		return err
	})
}

func scanLetter(row pgx.CollectableRow) (Letter, error) {
	l := Letter{EventTime: NoTime}
	var headers []byte
	var mark, logged *time.Time
	err := row.Scan(&l.Offset, &l.Key, &l.Value, &headers, &l.Reason, &mark, &logged)
	if err != nil {
		return l, err
	}
	l.Watermark, l.LogTime = microseconds(mark), microseconds(logged)
	l.Headers, err = parseHeaders(headers)
	return l, err
}

// QueueSettle queues what the ledger records of a second try: the messages leave the table they were in unless they stay
// what they were, and the entries of their batches say from now on what they are. The caller has queued the guard
// first in the transaction, and queues the commit after this.
func (l Lease) QueueSettle(q *pgx.Batch, s *Settled) {
	var gone []int64
	var c corrections
	for _, m := range []struct {
		of map[int64]int64
		to [fates]int64
	}{{s.Inserted, [fates]int64{inserted: 1}}, {s.Duplicates, [fates]int64{duplicates: 1}}} {
		for offset, at := range m.of {
			gone = append(gone, offset)
			c.add(offset, s.from(m.to), at)
		}
	}
	for _, r := range s.Late {
		c.add(r.Offset, [fates]int64{late: 1}, NoTime)
	}
	for _, r := range s.Future {
		c.add(r.Offset, [fates]int64{future: 1}, NoTime)
	}
	for _, r := range s.Conflicts {
		c.add(r.Offset, [fates]int64{conflicts: 1}, NoTime)
	}
	stayDead, stayHeld := s.Dead, s.Held
	if s.From == FromHeld {
		stayDead = nil
		for _, d := range s.Dead {
			gone = append(gone, d.Offset)
			c.add(d.Offset, s.from([fates]int64{dead: 1}), NoTime)
		}
		l.queueDead(q, s.Dead)
	} else {
		stayHeld = nil
		for _, h := range s.Held {
			gone = append(gone, h.Offset)
			c.add(h.Offset, s.from([fates]int64{held: 1}), h.EventTime)
		}
		l.queueHeld(q, s.Held)
	}
	at := []any{l.Job, l.Topic, l.Partition}
	if len(stayDead) > 0 {
		k := columns(stayDead)
		q.Queue(qStillDead, append(at, k.offsets, k.reasons)...)
	}
	if len(stayHeld) > 0 {
		k := columns(stayHeld)
		q.Queue(qStillHeld, append(at, k.offsets, k.reasons, k.needs)...)
	}
	if len(gone) > 0 {
		leave := qSettleDead
		if s.From == FromHeld {
			leave = qSettleHeld
		}
		q.Queue(leave, append(at, gone)...)
	}
	l.queueLate(q, s.Late)
	l.queueFuture(q, s.Future)
	c.queue(q, at)
	if len(s.Inserted) > 0 {
		q.Queue(qAddRows, append(at, len(s.Inserted))...)
	}
}

// from takes the message off the count it was in before.
func (s *Settled) from(to [fates]int64) [fates]int64 {
	if s.From == FromHeld {
		to[held]--
	} else {
		to[dead]--
	}
	return to
}

// The counts of an entry that a second try can change, in the order of the statement.
const (
	inserted = iota
	late
	duplicates
	dead
	held
	dropped
	future
	conflicts
	fates
)

// corrections are what moved messages add to the entries of their batches.
type corrections struct {
	offsets []int64
	counts  [fates][]int64
	times   []*time.Time
}

func (c *corrections) add(offset int64, counts [fates]int64, at int64) {
	c.offsets = append(c.offsets, offset)
	for i, n := range counts {
		c.counts[i] = append(c.counts[i], n)
	}
	c.times = append(c.times, instant(at))
}

func (c *corrections) queue(q *pgx.Batch, at []any) {
	if len(c.offsets) == 0 {
		return
	}
	args := append(at, c.offsets)
	for _, n := range c.counts {
		args = append(args, n)
	}
	q.Queue(qCorrect, append(args, c.times)...)
}
