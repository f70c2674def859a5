package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ReadOnly calls fn in a transaction that sees one snapshot of the database (repeatable read) and can change nothing.
// A statement that takes longer than timeout is canceled; 0 sets no limit. The transaction is always rolled back, and
// nothing that belongs to it may be used after fn returns.
func ReadOnly(ctx context.Context, db *pgxpool.Pool, timeout time.Duration, fn func(tx pgx.Tx) error) (err error) {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin a read-only transaction: %w", err)
	}
	defer func() {
		// Rolled back even when ctx has ended; pgx closes the connection if that fails.
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if e := tx.Rollback(back); e != nil && !errors.Is(e, pgx.ErrTxClosed) && err == nil {
			err = fmt.Errorf("end a read-only transaction: %w", e)
		}
	}()
	// A query, so that the snapshot is taken now: after it Postgres refuses "set transaction read write".
	ms := strconv.FormatInt(timeout.Milliseconds(), 10)
	if _, err := tx.Exec(ctx, "select set_config('statement_timeout', $1, true)", ms); err != nil {
		return fmt.Errorf("begin a read-only transaction: %w", err)
	}
	if err := fn(tx); err != nil {
		return tooLong(ctx, timeout, err)
	}
	if tx.Conn().PgConn().TxStatus() == 'I' {
		return errors.New("a statement ended the read-only transaction: commit and rollback are not allowed in it")
	}
	return nil
}

// tooLong says so when the server canceled a statement for its time.
func tooLong(ctx context.Context, timeout time.Duration, err error) error {
	var answer *pgconn.PgError
	if ctx.Err() == nil && timeout > 0 && errors.As(err, &answer) && answer.Code == "57014" {
		return fmt.Errorf("the query took longer than %s: %w", timeout, err)
	}
	return err
}
