package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DeadLetter is a message that could not become a row.
type DeadLetter struct {
	Job, Topic string
	Partition  int
	Letter
	Replay     bool // to be tried again
	ReceivedAt time.Time
}

// DeadFilter says which dead letters are meant; what is not set means any.
type DeadFilter struct {
	Job, Topic string
	Reason     string // a part of it, in any case of letters; * stands for any text, and then it is the whole reason
	Since      time.Time
	Partition  *int
	Offset     *int64
}

// Any says whether the filter sets nothing, and so means all.
func (f DeadFilter) Any() bool { return f == DeadFilter{} }

func (f DeadFilter) args() []any {
	pattern := ""
	if f.Reason != "" {
		pattern = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%").Replace(f.Reason)
		if !strings.Contains(f.Reason, "*") {
			pattern = "%" + pattern + "%"
		}
	}
	var since *time.Time
	if !f.Since.IsZero() {
		since = &f.Since
	}
	return []any{f.Job, f.Topic, pattern, since, f.Partition, f.Offset}
}

// DeadLetters returns the dead letters that f means, no more than limit of the newest ones, in the order of the log.
func DeadLetters(ctx context.Context, db DB, f DeadFilter, limit int) ([]DeadLetter, error) {
	rows, err := db.Query(ctx, qDeadList, append(f.args(), limit)...)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (DeadLetter, error) {
		d := DeadLetter{Letter: Letter{EventTime: NoTime}}
		var headers []byte
		var mark, logged *time.Time
		err := row.Scan(&d.Job, &d.Topic, &d.Partition, &d.Offset, &d.Key, &d.Value, &headers, &d.Reason, &mark, &logged, &d.Replay, &d.ReceivedAt)
		if err != nil {
			return d, err
		}
		d.Watermark, d.LogTime = microseconds(mark), microseconds(logged)
		d.Headers, err = parseHeaders(headers)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return out, nil
}

// Marked are dead letters of one topic that were marked to be tried again.
type Marked struct {
	Job, Topic string
	partitions []int32
	offsets    []int64
}

// Len returns how many there are.
func (m Marked) Len() int { return len(m.offsets) }

// MarkReplay asks the owners of the partitions to try the dead letters again that f means. f.Job must be set. They do it
// within a second or so; a letter that is tried leaves the table or stays with the reason it has now.
func MarkReplay(ctx context.Context, db DB, f DeadFilter) ([]Marked, error) {
	rows, err := db.Query(ctx, qDeadMark, f.args()...)
	if err != nil {
		return nil, fmt.Errorf("mark dead letters: %w", err)
	}
	byTopic := map[string]int{}
	var out []Marked
	var job, topic string
	var partition int32
	var offset int64
	_, err = pgx.ForEachRow(rows, []any{&job, &partition, &offset, &topic}, func() error {
		i, ok := byTopic[topic]
		if !ok {
			i = len(out)
			byTopic[topic], out = i, append(out, Marked{Job: job, Topic: topic})
		}
		out[i].partitions, out[i].offsets = append(out[i].partitions, partition), append(out[i].offsets, offset)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("mark dead letters: %w", err)
	}
	return out, nil
}

// Left returns what has become of marked dead letters: how many are still to be tried, were tried and stay dead, and are
// held now. The others are rows or duplicates.
func (m Marked) Left(ctx context.Context, db DB) (pending, dead, held int64, err error) {
	if err := db.QueryRow(ctx, qDeadLeft, m.Job, m.Topic, m.partitions, m.offsets).Scan(&pending, &dead, &held); err != nil {
		return 0, 0, 0, fmt.Errorf("read what became of dead letters: %w", err)
	}
	return pending, dead, held, nil
}

// DropDead throws away the dead letters that f means, and counts them as dropped in the entries of their batches. It
// waits for the batches in hand and keeps others from being committed for a moment.
func DropDead(ctx context.Context, db *pgxpool.Pool, f DeadFilter) (n int64, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// First the partitions, as a batch does, then the entries: a fold, which takes no guard, must not lose the count.
		if _, err := tx.Exec(ctx, qDeadLock, f.Job); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "lock table dag.stream_batches in share row exclusive mode"); err != nil {
			return err
		}
		return tx.QueryRow(ctx, qDeadDrop, f.args()...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("drop dead letters: %w", err)
	}
	return n, nil
}
