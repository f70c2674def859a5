package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/sql"
)

// ErrFenced says that another worker owns the partition now. What was begun must be rolled back; there is no way on.
var ErrFenced = errors.New("fenced: another worker owns the partition")

// DB is a connection, a pool or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// The statements, each in its file under sql/queries.
var (
	qEnsure     = sql.Query("ledger_ensure")
	qMember     = sql.Query("ledger_member")
	qRenew      = sql.Query("ledger_renew")
	qMembers    = sql.Query("ledger_members")
	qLapsed     = sql.Query("ledger_lapsed")
	qPartitions = sql.Query("ledger_partitions")
	qClaim      = sql.Query("ledger_claim")
	qEvict      = sql.Query("ledger_evict")
	qRelease    = sql.Query("ledger_release")
	qLeave      = sql.Query("ledger_leave")
	qGuard      = sql.Query("ledger_guard")
	qAdvance    = sql.Query("ledger_advance")
	qBatch      = sql.Query("ledger_batch")
	qOutcome    = sql.Query("ledger_outcome")
	qDead       = sql.Query("ledger_dead")
	qHold       = sql.Query("ledger_hold")
	qLate       = sql.Query("ledger_late")
	qFuture     = sql.Query("ledger_future")
	qRegister   = sql.Query("ledger_register")
	qWatermark  = sql.Query("ledger_watermark")
	qRows       = sql.Query("ledger_rows")
	qFold       = sql.Query("ledger_fold")

	qNeeds       = sql.Query("ledger_needs")
	qWaitingHeld = sql.Query("ledger_waiting_held")
	qWaitingDead = sql.Query("ledger_waiting_dead")
	qSettleHeld  = sql.Query("ledger_settle_held")
	qSettleDead  = sql.Query("ledger_settle_dead")
	qStillHeld   = sql.Query("ledger_still_held")
	qStillDead   = sql.Query("ledger_still_dead")
	qCorrect     = sql.Query("ledger_correct")
	qAddRows     = sql.Query("ledger_add_rows")

	qAccount = sql.Query("ledger_account")
	qAudit   = sql.Query("ledger_audit")
	qSparse  = sql.Query("ledger_sparse")

	qDeadList = sql.Query("deadletters_list")
	qDeadMark = sql.Query("deadletters_mark")
	qDeadLeft = sql.Query("deadletters_left")
	qDeadLock = sql.Query("deadletters_lock")
	qDeadDrop = sql.Query("deadletters_drop")
)

// Ensure makes a row for each partition of a topic that has none yet. A new row begins at the partition's log start:
// starts maps partition to offset. Existing rows stay as they are.
func Ensure(ctx context.Context, db DB, job, topic string, starts map[int]int64) error {
	parts, offsets := make([]int32, 0, len(starts)), make([]int64, 0, len(starts))
	for p, start := range starts {
		parts, offsets = append(parts, int32(p)), append(offsets, start)
	}
	if _, err := db.Exec(ctx, qEnsure, job, topic, parts, offsets); err != nil {
		return fmt.Errorf("register partitions of %s: %w", topic, err)
	}
	return nil
}

// micros is a duration as the statements take it.
func micros(d time.Duration) int64 { return d.Microseconds() }

// timestamp is event time in microseconds as a parameter: nil is null.
func timestamp(us int64, ok bool) any {
	if !ok {
		return nil
	}
	return time.UnixMicro(us).UTC()
}
