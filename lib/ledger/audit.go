package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Account is what the messages of one partition became. First to Next is the range of the log it speaks for; each
// message in it is exactly one of inserted, duplicate, dead, held and dropped.
type Account struct {
	Topic      string `json:"topic"`
	Partition  int    `json:"partition"`
	First      int64  `json:"first_offset"`
	Next       int64  `json:"next_offset"`
	Rows       int64  `json:"rows"` // as gates count them; equals Inserted
	Messages   int64  `json:"messages"`
	Inserted   int64  `json:"inserted"`
	Late       int64  `json:"late"`
	Duplicates int64  `json:"duplicates"`
	Dead       int64  `json:"dead"`
	Held       int64  `json:"held"`
	Dropped    int64  `json:"dropped"`
	Future     int64  `json:"future"`    // of the inserted, as Late is
	Conflicts  int64  `json:"conflicts"` // of the duplicates: with other values than the row that came first
}

// Difference is one thing that does not add up, and the first batch where it shows, if that is known.
type Difference struct {
	Topic     string
	Partition int // -1: not one of one partition
	What      string

	First, Next int64 // the offsets of the batch; both 0 when no batch is to blame
	CommittedAt time.Time
}

// String is the difference in a line: where, what.
func (d Difference) String() string {
	where := ""
	if d.Partition >= 0 {
		where = fmt.Sprintf("%s/%d: ", d.Topic, d.Partition)
	}
	if !d.CommittedAt.IsZero() {
		where += fmt.Sprintf("batch of offsets %d to %d, committed %s: ", d.First, d.Next-1, d.CommittedAt.UTC().Format(time.RFC3339))
	}
	return where + d.What
}

// Audit returns the accounts of a stream and what in its ledger does not add up: entries that leave a gap or overlap,
// are not the sum of their parts, or differ from the dead letters, held rows, late rows and rows from the future that are
// there. db should be a transaction with one snapshot, so that it can run beside the stream.
func Audit(ctx context.Context, db DB, job string) ([]Account, []Difference, error) {
	rows, err := db.Query(ctx, qAccount, job)
	if err != nil {
		return nil, nil, fmt.Errorf("read the ledger of %s: %w", job, err)
	}
	accounts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Account, err error) {
		err = row.Scan(&a.Topic, &a.Partition, &a.First, &a.Next, &a.Rows, &a.Messages, &a.Inserted, &a.Late, &a.Duplicates, &a.Dead, &a.Held, &a.Dropped, &a.Future, &a.Conflicts)
		return a, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the ledger of %s: %w", job, err)
	}
	if rows, err = db.Query(ctx, qAudit, job); err != nil {
		return nil, nil, fmt.Errorf("audit the ledger of %s: %w", job, err)
	}
	differences, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Difference, err error) {
		var first, next *int64
		var at *time.Time
		if err = row.Scan(&d.Topic, &d.Partition, &first, &next, &at, &d.What); err == nil && at != nil {
			d.First, d.Next, d.CommittedAt = *first, *next, *at
		}
		return d, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("audit the ledger of %s: %w", job, err)
	}
	return accounts, differences, nil
}

// Sparse returns the entries of a topic that have fewer messages than offsets, as differences whose What is empty, and
// how many messages each says it has.
func Sparse(ctx context.Context, db DB, job, topic string) ([]Difference, []int64, error) {
	rows, err := db.Query(ctx, qSparse, job, topic)
	if err != nil {
		return nil, nil, fmt.Errorf("read sparse entries of %s: %w", job, err)
	}
	var messages []int64
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Difference, error) {
		d, n := Difference{Topic: topic}, int64(0)
		err := row.Scan(&d.Partition, &d.First, &d.Next, &n, &d.CommittedAt)
		messages = append(messages, n)
		return d, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read sparse entries of %s: %w", job, err)
	}
	return entries, messages, nil
}
