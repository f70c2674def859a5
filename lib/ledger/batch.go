package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Header is one header of a message.
type Header struct {
	Key   string
	Value []byte
}

// Letter is a message kept as it came: one that can never become a row, or one that has to wait.
type Letter struct {
	Offset     int64
	Key, Value []byte // nil is null, as in Kafka
	Headers    []Header
	Reason     string // dead: what is wrong; held: what is missing, as in dim_products.product_id=LAPTOP-999

	EventTime int64    // held only; microseconds
	Watermark int64    // at the message's own place in the log; microseconds, NoTime = none yet
	LogTime   int64    // the message's own time in the log; microseconds, NoTime = it has none
	Needs     []string // held: what is missing, one by one
}

// Late is a row that came after its window had ended. Times are microseconds. Key is what the raw table knows it by.
type Late struct {
	Offset, EventTime, Watermark int64

	Key      []string
	Included bool // in the windows that had ended, too
}

// Future is a row from so far in the future, by its message's time in the log, that it moved no watermark. Times are
// microseconds. Key is what the raw table knows it by.
type Future struct {
	Offset, EventTime, LogTime int64

	Key []string
}

// Conflict is a message with a key the raw table has, but other values. How is said of the first one of a batch.
type Conflict struct {
	Offset int64
	How    string // transaction_id 7: amount 12.50, the table has 10.00
}

// NoTime is a time that is not known: the watermark before any event.
const NoTime = -1 << 63

// Batch says what the messages of one partition with offsets in [First, Next) became. Each message is exactly one of
// inserted, duplicate, dead and held: Messages is their sum.
type Batch struct {
	First, Next int64
	LogEnd      int64 // as seen when the batch was read

	Inserted   int64 // rows new in the raw table
	Duplicates int64
	Dead       []Letter
	Held       []Letter
	Late       []Late     // of the inserted
	Future     []Future   // of the inserted
	Conflicts  []Conflict // of the duplicates

	MinTime, MaxTime int64 // event time over the messages that have one; NoTime when none has

	MaxEvent int64 // greatest event time before Next that moved the watermark
	HasMax   bool

	ClusterID, TopicID string // of the log that was read
}

// Messages returns how many messages the batch holds.
func (b *Batch) Messages() int64 {
	return b.Inserted + b.Duplicates + int64(len(b.Dead)+len(b.Held))
}

// QueueGuard queues the check that the lease is still held and the partition stands at offset first, and locks its row
// until the transaction ends. It must be the first statement of a batch's transaction, but for QueueRollups. The call's result is
// ErrFenced when the check fails; Outcome tells why.
func (l Lease) QueueGuard(q *pgx.Batch, first int64) {
	q.Queue(qGuard, l.Job, l.Topic, l.Partition, l.Epoch, first).Exec(fencedUnlessOne)
}

// Queue queues what the ledger records of a batch and the move of the partition to b.Next. The caller queues the
// commit after it.
func (l Lease) Queue(q *pgx.Batch, b *Batch) {
	at := []any{l.Job, l.Topic, l.Partition}
	l.queueDead(q, b.Dead)
	l.queueHeld(q, b.Held)
	l.queueLate(q, b.Late)
	l.queueFuture(q, b.Future)
	q.Queue(qBatch, append(at, l.Epoch, b.First, b.Next, b.Messages(), b.Inserted, len(b.Late), b.Duplicates,
		len(b.Dead), len(b.Held), len(b.Future), len(b.Conflicts), timestamp(b.MinTime, b.MinTime != NoTime), timestamp(b.MaxTime, b.MaxTime != NoTime))...)
	q.Queue(qAdvance, append(at, l.Epoch, b.First, b.Next, timestamp(b.MaxEvent, b.HasMax), b.Inserted, b.LogEnd,
		micros(l.TTL), b.ClusterID, b.TopicID)...).Exec(fencedUnlessOne)
}

func (l Lease) queueDead(q *pgx.Batch, dead []Letter) {
	if len(dead) > 0 {
		c := columns(dead)
		q.Queue(qDead, l.Job, l.Topic, l.Partition, c.offsets, c.keys, c.values, c.headers, c.reasons, c.marks, c.logTimes)
	}
}

func (l Lease) queueHeld(q *pgx.Batch, held []Letter) {
	if len(held) > 0 {
		c := columns(held)
		q.Queue(qHold, l.Job, l.Topic, l.Partition, c.offsets, c.keys, c.values, c.headers, c.reasons, c.times, c.marks, c.needs, c.logTimes)
	}
}

func (l Lease) queueLate(q *pgx.Batch, late []Late) {
	if len(late) == 0 {
		return
	}
	offsets, times, marks, keys := make([]int64, len(late)), make([]time.Time, len(late)), make([]time.Time, len(late)), make([]string, len(late))
	included := make([]bool, len(late))
	for i, r := range late {
		offsets[i], times[i], marks[i] = r.Offset, time.UnixMicro(r.EventTime).UTC(), time.UnixMicro(r.Watermark).UTC()
		keys[i], included[i] = listJSON(r.Key), r.Included
	}
	q.Queue(qLate, l.Job, l.Topic, l.Partition, offsets, times, marks, keys, included)
}

func (l Lease) queueFuture(q *pgx.Batch, future []Future) {
	if len(future) == 0 {
		return
	}
	var offsets []int64
	var times, logTimes []time.Time
	var keys []string
	for _, r := range future {
		offsets, keys = append(offsets, r.Offset), append(keys, listJSON(r.Key))
		times, logTimes = append(times, time.UnixMicro(r.EventTime).UTC()), append(logTimes, time.UnixMicro(r.LogTime).UTC())
	}
	q.Queue(qFuture, l.Job, l.Topic, l.Partition, offsets, times, logTimes, keys)
}

func fencedUnlessOne(tag pgconn.CommandTag) error {
	if tag.RowsAffected() != 1 {
		return ErrFenced
	}
	return nil
}

// Fold joins the entries of this partition that are older than an hour to one an hour. It is safe at any time and
// worth calling every few minutes.
func (l Lease) Fold(ctx context.Context, db DB) error {
	if _, err := db.Exec(ctx, qFold, l.Job, l.Topic, l.Partition); err != nil {
		return fmt.Errorf("fold ledger of %s/%d: %w", l.Topic, l.Partition, err)
	}
	return nil
}

// Outcome is what became of a batch whose commit was not confirmed.
type Outcome struct {
	Committed                                      bool
	Inserted, Late, Duplicates, Dead, Held, Future int64 // when committed
}

// Outcome reads whether the batch [first, next) of this lease is in. It returns ErrFenced when the lease is lost, with the
// new owner's name. After a broken connection an old session may still be at work: not committed then means redo, and
// the redo's guard waits for that session and finds out.
func (l Lease) Outcome(ctx context.Context, db DB, first, next int64) (Outcome, error) {
	var (
		epoch, at                                      int64
		owner                                          string
		end                                            *int64
		inserted, late, duplicates, dead, held, future *int64
	)
	err := db.QueryRow(ctx, qOutcome, l.Job, l.Topic, l.Partition, first).
		Scan(&epoch, &owner, &at, &end, &inserted, &late, &duplicates, &dead, &held, &future)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("read outcome of %s/%d at %d: %w", l.Topic, l.Partition, first, err)
	case epoch != l.Epoch:
		return Outcome{}, fmt.Errorf("%s/%d at offset %d: %w: %q with epoch %d, ours is %q with %d",
			l.Topic, l.Partition, at, ErrFenced, owner, epoch, l.Name, l.Epoch)
	case at == first:
		return Outcome{}, nil
	case at == next && end != nil && *end == next:
		return Outcome{true, *inserted, *late, *duplicates, *dead, *held, *future}, nil
	}
	return Outcome{}, fmt.Errorf("%s/%d stands at offset %d under our own epoch %d, neither at %d nor at %d: "+
		"somebody changed dag.stream_offsets by hand; restart the stream", l.Topic, l.Partition, at, epoch, first, next)
}

// letterColumns are letters turned on their side for unnest.
type letterColumns struct {
	offsets          []int64
	keys, values     [][]byte
	headers, reasons []string
	needs            []string
	times, marks     []*time.Time
	logTimes         []*time.Time
}

func columns(letters []Letter) (c letterColumns) {
	for _, l := range letters {
		c.offsets = append(c.offsets, l.Offset)
		c.keys = append(c.keys, l.Key)
		c.values = append(c.values, l.Value)
		c.headers = append(c.headers, headersJSON(l.Headers))
		c.reasons = append(c.reasons, text(l.Reason))
		c.needs = append(c.needs, listJSON(l.Needs))
		c.times = append(c.times, instant(l.EventTime))
		c.marks = append(c.marks, instant(l.Watermark))
		c.logTimes = append(c.logTimes, instant(l.LogTime))
	}
	return c
}

func instant(us int64) *time.Time {
	if us == NoTime {
		return nil
	}
	t := time.UnixMicro(us).UTC()
	return &t
}

func microseconds(t *time.Time) int64 {
	if t == nil {
		return NoTime
	}
	return t.UnixMicro()
}
