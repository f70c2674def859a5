package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/strictyaml"
	"tillflow/sql"
)

var (
	qRollupShared   = sql.Query("rollup_lock_shared")
	qRollupLock     = sql.Query("rollup_lock")
	qRollupUntils   = sql.Query("rollup_untils")
	qRollupDue      = sql.Query("rollup_due")
	qRollupMove     = sql.Query("rollup_move")
	qRollupFind     = sql.Query("rollup_find")
	qRollupKnown    = sql.Query("rollup_known")
	qRollupRegister = sql.Query("rollup_register")
	qRollupLeave    = sql.Query("rollup_leave")
)

// Rollup is a table of totals by key that a stream keeps: of exactly those rows of its raw table whose event time is before
// Until. The rows since are in the raw table only, where an index on event time finds them.
type Rollup struct {
	Table string   // as SQL writes it
	Job   string   // the stream
	Raw   string   // its raw table, as SQL writes it
	Key   []string // columns

	Until time.Time // UTC; zero: nothing is in it yet

	// Current is SQL for the totals of all rows before $1, from both tables; UntilMark stands in it for Until. It is empty when
	// the stream no longer keeps the rollup. Whole is the same from the raw table alone. Their columns are those of the key
	// and one for each total.
	Current, Whole string
}

// UntilMark is a word no column can be called.
const UntilMark = "tillflow_until"

// UnknownRollupError says that no stream keeps a table. It may be that the stream has not started yet.
type UnknownRollupError struct {
	Table string
	Known []string
}

func (e *UnknownRollupError) Error() string {
	text := fmt.Sprintf("no stream keeps a rollup %s yet", e.Table)
	if hint := strictyaml.Suggest(e.Table, e.Known); hint != "" {
		text += " (" + hint + ")"
	}
	return text
}

// FindRollup returns what is known of a rollup, or an *UnknownRollupError. Read in one snapshot with the tables, it fits them.
func FindRollup(ctx context.Context, db DB, table string) (Rollup, error) {
	rows, err := db.Query(ctx, qRollupFind, QuoteTable(table))
	if err != nil {
		return Rollup{}, fmt.Errorf("look for rollup %s: %w", table, err)
	}
	unknown := &UnknownRollupError{Table: table}
	var found *Rollup
	var r Rollup
	var until *time.Time
	var wanted bool
	_, err = pgx.ForEachRow(rows, []any{&r.Table, &r.Job, &r.Raw, &r.Key, &until, &r.Current, &r.Whole, &wanted}, func() error {
		unknown.Known = append(unknown.Known, r.Table)
		if wanted {
			one := r
			one.Key = slices.Clone(r.Key)
			if until != nil {
				one.Until = until.UTC()
			}
			found = &one
		}
		return nil
	})
	if err != nil {
		return Rollup{}, fmt.Errorf("look for rollup %s: %w", table, err)
	}
	if found == nil {
		return Rollup{}, unknown
	}
	return *found, nil
}

// Before is SQL for the totals of all rows before a time, which is its parameter $1. When the rollup cannot say that, since it
// holds later rows too or none at all, it reads the raw table, and why says so.
func (r Rollup) Before(asOf time.Time) (query, why string) {
	switch {
	case r.Current == "":
		return r.Whole, fmt.Sprintf("%s is no longer kept by %s", r.Table, r.Job)
	case r.Until.IsZero():
		return r.Whole, fmt.Sprintf("%s is not filled yet", r.Table)
	case asOf.Before(r.Until):
		return r.Whole, fmt.Sprintf("%s holds rows up to %s, and %s is before that", r.Table, Moment(r.Until), Moment(asOf))
	}
	return strings.ReplaceAll(r.Current, UntilMark, TimeLiteral(r.Until)), ""
}

// Moment is a time as people read it: UTC, without what is zero.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999") }

// TimeLiteral is a time without zone in SQL.
func TimeLiteral(t time.Time) string { return "timestamp '" + Moment(t) + "'" }

// QuoteTable is a table, or schema.table, as SQL writes it.
func QuoteTable(name string) string { return pgx.Identifier(strings.Split(name, ".")).Sanitize() }

// TakenError says that a table cannot be a rollup's.
type TakenError struct{ Text string }

func (e *TakenError) Error() string { return e.Text }

// RegisterRollup records what a rollup is, each time its stream starts; its table exists. made: it was made just now. A rollup
// that was declared otherwise before is emptied, to be filled anew from the raw table. It is a *TakenError when the table
// is somebody else's. The name that is returned is the one that all else knows the table by.
func RegisterRollup(ctx context.Context, tx pgx.Tx, r Rollup, made bool) (name string, err error) {
	var was Rollup
	var taken bool
	err = tx.QueryRow(ctx, qRollupKnown, r.Table, r.Job).Scan(&was.Raw, &was.Key, &was.Current, &was.Whole, &taken, &was.Job)
	known := err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look for rollup %s: %w", r.Table, err)
	}
	anew := made || !known || was.Current != r.Current || was.Whole != r.Whole || !slices.Equal(was.Key, r.Key)
	switch {
	case taken:
		return "", &TakenError{fmt.Sprintf("table %s is kept by %s: give one of the sinks another name", r.Table, was.Job)}
	case !known && !made:
		var rows bool
		if err := tx.QueryRow(ctx, "select exists (select from "+r.Table+")").Scan(&rows); err != nil {
			return "", fmt.Errorf("look into rollup %s: %w", r.Table, err)
		}
		if rows {
			return "", &TakenError{fmt.Sprintf("table %s has rows, and no stream keeps it: empty it (truncate %[1]s), or give the sink another name", r.Table)}
		}
	case known && anew:
		if _, err := tx.Exec(ctx, qRollupLock, was.Job); err != nil {
			return "", fmt.Errorf("wait for batches of %s: %w", was.Job, err)
		}
		// Not truncate, which would show an empty table to those who read a snapshot of before.
		if _, err := tx.Exec(ctx, "delete from "+r.Table); err != nil {
			return "", fmt.Errorf("empty rollup %s: %w", r.Table, err)
		}
	}
	if err := tx.QueryRow(ctx, qRollupRegister, r.Table, r.Job, r.Raw, r.Key, r.Current, r.Whole, anew).Scan(&name); err != nil {
		return "", fmt.Errorf("register rollup %s: %w", r.Table, err)
	}
	return name, nil
}

// LeaveRollups records, each time a stream starts, which rollups it keeps: tables, by the names that RegisterRollup returned. Of
// others that it kept before, late rows are no longer added; they are read no more, and begin anew when they are declared
// again.
func LeaveRollups(ctx context.Context, tx pgx.Tx, job string, tables []string) error {
	if _, err := tx.Exec(ctx, qRollupLeave, job, tables); err != nil {
		return fmt.Errorf("leave the rollups that %s no longer keeps: %w", job, err)
	}
	return nil
}

// QueueRollups queues, first in a batch's transaction, that no rollup of the stream may take up rows until it ends, and the
// reading of how far each has come: until, by table, without those that hold nothing yet. Times are microseconds. same is
// asked of each whether the caller would add late rows to it as it is declared now, by its Current; its error is the batch's.
func (l Lease) QueueRollups(q *pgx.Batch, until map[string]int64, same func(table, current string) error) {
	q.Queue(qRollupShared, l.Job)
	q.Queue(qRollupUntils, l.Job).Query(func(rows pgx.Rows) error {
		clear(until)
		var table, current string
		var at *time.Time
		_, err := pgx.ForEachRow(rows, []any{&table, &at, &current}, func() error {
			if at != nil {
				until[table] = at.UnixMicro()
			}
			return same(table, current)
		})
		return err
	})
}

// Rollups returns how far the rollups of a stream have come: by table, zero when nothing is in one.
func Rollups(ctx context.Context, db DB, job string) (map[string]time.Time, error) {
	rows, err := db.Query(ctx, qRollupUntils, job)
	if err != nil {
		return nil, fmt.Errorf("read the rollups of %s: %w", job, err)
	}
	out := map[string]time.Time{}
	var table, current string
	var at *time.Time
	_, err = pgx.ForEachRow(rows, []any{&table, &at, &current}, func() error {
		out[table] = time.Time{}
		if at != nil {
			out[table] = at.UTC()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the rollups of %s: %w", job, err)
	}
	return out, nil
}

// RollupsDue returns up to which event time the rollups of a stream may take up rows, zero when that is not known, and how
// many messages the log has that are not stored yet.
func RollupsDue(ctx context.Context, db DB, job string) (until time.Time, lag int64, err error) {
	var at *time.Time
	err = db.QueryRow(ctx, qRollupDue, job).Scan(&at, &lag)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return until, 0, fmt.Errorf("ask how far the rollups of %s may go: %w", job, err)
	}
	if at != nil {
		until = at.UTC()
	}
	return until, lag, nil
}

// RollUp has a rollup take up the rows of its raw table from one event time to another; a zero from is the beginning. take is
// the statement that adds them, to be given a condition that holds only while the rollup has come as far as from and is
// declared as the caller knows it, by its Current.
// Everything goes to the server at once, so that a process that freezes holds nobody up; lockTimeout bounds the wait for
// the batches that are being written. moved is false when another process was first, or has
// declared it otherwise.
func RollUp(ctx context.Context, conn *pgx.Conn, job, table, current string, from, to time.Time, lockTimeout time.Duration, take func(condition string) string) (moved bool, err error) {
	var was any
	if !from.IsZero() {
		was = from
	}
	still := "until is null"
	if was != nil {
		still = "until = " + TimeLiteral(from)
	}
	q := &pgx.Batch{}
	q.Queue("begin isolation level read committed") // the rows are read after the wait, not as of before it
	q.Queue(fmt.Sprintf("set local lock_timeout = %d", lockTimeout.Milliseconds()))
	q.Queue(qRollupLock, job)
	q.Queue(take(fmt.Sprintf("exists (select from dag.stream_rollups where table_name = %s and current = %s and %s)", literal(table), literal(current), still)))
	q.Queue(qRollupMove, table, was, to, current).Exec(func(tag pgconn.CommandTag) error {
		moved = tag.RowsAffected() == 1
		return nil
	})
	q.Queue("commit")
	if err := conn.SendBatch(ctx, q).Close(); err != nil {
		if !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
			_, _ = conn.Exec(context.WithoutCancel(ctx), "rollback")
		}
		return false, fmt.Errorf("rollup %s: %w", table, err)
	}
	return moved, nil
}

// literal is a text in SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
