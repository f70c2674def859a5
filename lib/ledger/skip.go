package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/sql"
)

var (
	qSkips     = sql.Query("ledger_skips")
	qSkipLock  = sql.Query("skip_lock")
	qSkipGap   = sql.Query("skip_gap")
	qSkipMove  = sql.Query("skip_move")
	qSkipNote  = sql.Query("skip_note")
	qSkipShift = sql.Query("skip_shift")
)

// The kinds of skips.
const (
	SkipGap    = "gap"     // offsets that retention removed before they were read
	SkipNewLog = "new-log" // the log was made anew, or lost its tail: it is read from its start
)

// Skip is where a person let a partition go on although its log did not have all that was to be read.
type Skip struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Kind      string    `json:"kind"`
	First     int64     `json:"first_offset"` // gap: the offsets that were never read; new-log: where the old log's ones stand
	Next      int64     `json:"next_offset"`
	MovedBy   int64     `json:"moved_by,omitempty"` // new-log: what was taken off the old log's offsets
	Note      string    `json:"note"`
	At        time.Time `json:"skipped_at"`
}

// String is the skip in a line.
func (s Skip) String() string {
	at := s.At.UTC().Format(time.RFC3339)
	if s.Kind == SkipGap {
		return fmt.Sprintf("%s/%d: offsets %d to %d were gone before they were read, and skipped on %s: no message of them is in the tables",
			s.Topic, s.Partition, s.First, s.Next-1, at)
	}
	return fmt.Sprintf("%s/%d: a new log is read since %s; what the old one became stands at offsets %d to %d, %d less than they were",
		s.Topic, s.Partition, at, s.First, s.Next-1, s.MovedBy)
}

// Skips returns the skips of a stream job.
func Skips(ctx context.Context, db DB, job string) ([]Skip, error) {
	rows, err := db.Query(ctx, qSkips, job)
	if err != nil {
		return nil, fmt.Errorf("read skips of %s: %w", job, err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Skip, err error) {
		err = row.Scan(&s.Topic, &s.Partition, &s.Kind, &s.First, &s.Next, &s.MovedBy, &s.Note, &s.At)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read skips of %s: %w", job, err)
	}
	return out, nil
}

// OwnedError says that a worker holds the partition: then it is not stopped, and nothing may be skipped.
type OwnedError struct {
	Topic     string
	Partition int
	Owner     string
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("%s/%d is being read by %s; a partition that is not stopped needs no skip", e.Topic, e.Partition, e.Owner)
}

// NewSkip asks for a partition to go on.
type NewSkip struct {
	Job, Topic string
	Partition  int
	Kind       string
	Expect     int64  // where the partition stands, as the person was told
	Start      int64  // where its log starts: it goes on there
	ClusterID  string // of the log that is there
	TopicID    string
	Note       string   // why, for those who ask later
	States     []string // kinds of trouble that this ends
}

// Skip lets a partition go on that cannot by itself, and records it for good, in one transaction. No worker may hold the
// partition, and none that once did can write afterwards. The ledger adds up as before: a gap is an entry without messages,
// and what an old log became moves to offsets below the new log's, with its dead letters, held rows and late rows, which
// are tried again and shown from there.
func (n NewSkip) Skip(ctx context.Context, db interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}) (s Skip, err error) {
	s = Skip{Topic: n.Topic, Partition: n.Partition, Kind: n.Kind, Note: n.Note}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var first, next, epoch int64
		var owner string
		var live bool
		err := tx.QueryRow(ctx, qSkipLock, n.Job, n.Topic, n.Partition).Scan(&first, &next, &epoch, &owner, &live)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("the ledger has no partition %s/%d of %s", n.Topic, n.Partition, n.Job)
		case err != nil:
			return err
		case live:
			return &OwnedError{n.Topic, n.Partition, owner}
		case next != n.Expect:
			return fmt.Errorf("%s/%d stands at offset %d now, not at %d: look again", n.Topic, n.Partition, next, n.Expect)
		}
		switch n.Kind {
		case SkipGap:
			s.First, s.Next = next, n.Start
			if _, err := tx.Exec(ctx, qSkipGap, n.Job, n.Topic, n.Partition, epoch, next, n.Start); err != nil {
				return err
			}
		case SkipNewLog:
			s.First, s.Next, s.MovedBy = first-(next-n.Start), n.Start, next-n.Start
			if err := n.shift(ctx, tx, s.MovedBy); err != nil {
				return err
			}
		default:
			return fmt.Errorf("there is no skip of kind %q", n.Kind)
		}
		if _, err := tx.Exec(ctx, qSkipMove, n.Job, n.Topic, n.Partition, n.Start, s.MovedBy, n.ClusterID, n.TopicID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, qProblemOver, n.Job, n.Topic, n.Partition, n.States); err != nil {
			return err
		}
		return tx.QueryRow(ctx, qSkipNote, n.Job, n.Topic, n.Partition, n.Kind, s.First, s.Next, s.MovedBy, n.Note).Scan(&s.At)
	})
	if err != nil {
		return s, fmt.Errorf("skip %s/%d: %w", n.Topic, n.Partition, err)
	}
	return s, nil
}

// far is where offsets are moved to on their way, so that none meets another that has not moved yet: keys are compared
// row by row.
const far = int64(1) << 61

// shift takes by off every offset that the ledger has of the partition.
func (n NewSkip) shift(ctx context.Context, tx pgx.Tx, by int64) error {
	for _, d := range []int64{far, by - far} {
		if _, err := tx.Exec(ctx, qSkipShift, n.Job, n.Topic, n.Partition, d); err != nil {
			return err
		}
	}
	return nil
}
