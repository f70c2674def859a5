package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"tillflow/sql"
)

var (
	qProblemSeen  = sql.Query("problem_seen")
	qProblemState = sql.Query("problem_state")
	qProblemOver  = sql.Query("problem_over")
	qProblemSweep = sql.Query("problem_sweep")
	qProblemList  = sql.Query("problem_list")
)

// The kinds of problems that messages have. Their subjects: of dead letters the reason with * for the values, as
// DeadFilter.Reason takes it; of held rows the dimension, as in dim_products.product_id; of unknown fields the name; of
// conflicts the raw table.
const (
	KindDead     = "dead-letter"
	KindHeld     = "held"
	KindUnknown  = "unknown-field"
	KindConflict = "conflict"
)

// OtherSubjects is the subject that a problem is counted under when a partition has a hundred of its kind.
const OtherSubjects = "(others)"

// Seen is messages of one batch that have the same wrong with them.
type Seen struct {
	Kind, Subject string
	Count         int64
	Example       string // of the first
	Offset        int64  // of the first
	Advice        string // what to do about it
}

// Problem is one thing that is, or was until lately, wrong with a stream.
type Problem struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"` // -1: the whole stream
	Kind      string    `json:"kind"`
	Subject   string    `json:"subject,omitempty"`
	Count     int64     `json:"count"` // messages, or tries
	Example   string    `json:"example"`
	Offset    *int64    `json:"offset,omitempty"` // of the example, where it is a message
	Advice    string    `json:"advice"`
	First     time.Time `json:"first_seen"`
	Last      time.Time `json:"last_seen"`
	Cleared   time.Time `json:"cleared_at,omitzero"` // zero: it still is
}

// Open says whether the problem still is.
func (p Problem) Open() bool { return p.Cleared.IsZero() }

// QueueSeen queues the counting of what is wrong with a batch's messages, for the batch's own transaction: it is counted
// when the batch is in, and only then. Without anything to count it queues nothing.
func (l Lease) QueueSeen(q *pgx.Batch, seen []Seen) {
	if len(seen) == 0 {
		return
	}
	n := len(seen)
	kinds, subjects, counts := make([]string, n), make([]string, n), make([]int64, n)
	examples, offsets, advice := make([]string, n), make([]int64, n), make([]string, n)
	for i, s := range seen {
		kinds[i], subjects[i], counts[i] = s.Kind, short(s.Subject), s.Count
		examples[i], offsets[i], advice[i] = short(s.Example), s.Offset, text(s.Advice)
	}
	q.Queue(qProblemSeen, l.Job, l.Topic, l.Partition, kinds, subjects, counts, examples, offsets, advice)
}

// State is trouble of a stream or a partition that lasts, or has lasted, for a while.
type State struct {
	Partition int // -1: the whole stream
	Kind      string
	Count     int64 // tries that failed
	Example   string
	Offset    *int64
	Advice    string
	Since     time.Duration  // how long ago it began
	Last      time.Duration  // how long ago it was last seen
	Over      *time.Duration // how long ago it ended; nil: it lasts
}

// QueueState queues the noting of a state of the member's stream.
func (m Member) QueueState(q *pgx.Batch, s State) {
	var over *int64
	if s.Over != nil {
		us := micros(*s.Over)
		over = &us
	}
	q.Queue(qProblemState, m.Job, m.Topic, s.Partition, s.Kind, s.Count, short(s.Example), s.Offset, text(s.Advice),
		micros(s.Since), micros(s.Last), over)
}

// QueueOver queues that a partition is in none of the states any more, whoever has noted them.
func (m Member) QueueOver(q *pgx.Batch, partition int, kinds []string) {
	q.Queue(qProblemOver, m.Job, m.Topic, partition, kinds)
}

// Sweep ends what is over though nobody has said so: dead letters and held rows that are gone, unknown fields that are
// declared now, and states of the kinds in passing whose process has ended. It is worth a call every few moments.
func (m Member) Sweep(ctx context.Context, db DB, passing, declared []string) error {
	if _, err := db.Exec(ctx, qProblemSweep, m.Job, passing, declared); err != nil {
		return fmt.Errorf("sweep problems of %s: %w", m.Job, err)
	}
	return nil
}

// Problems returns what is wrong with a stream job, and after that what was during the last while.
func Problems(ctx context.Context, db DB, job string, lately time.Duration) ([]Problem, error) {
	rows, err := db.Query(ctx, qProblemList, job, micros(lately))
	if err != nil {
		return nil, fmt.Errorf("read problems of %s: %w", job, err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Problem, err error) {
		var cleared *time.Time
		err = row.Scan(&p.Topic, &p.Partition, &p.Kind, &p.Subject, &p.Count, &p.Example, &p.Offset, &p.Advice, &p.First, &p.Last, &cleared)
		if cleared != nil {
			p.Cleared = *cleared
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read problems of %s: %w", job, err)
	}
	return out, nil
}

// shown is how many characters of a text from outside are kept.
const shown = 240

// short makes one line of a text from outside, cut when it is long, that is safe to print on a terminal.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return utf8.RuneError
		}
		return r
	}, text(s))
	if utf8.RuneCountInString(s) > shown {
		s = string([]rune(s)[:shown-3]) + "..."
	}
	return s
}
