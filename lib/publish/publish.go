// Package publish replaces what a table says by what a run has found out, so that readers always see either all of the
// old or all of the new, and two runs at once come one after the other.
//
// A run holds one connection: it takes the table's lock, reads its input in one snapshot, computes, and writes in one
// transaction. The lock is taken before the snapshot, so a run that had to wait reads what is there when it goes on, and
// the last run to write is the last to have read. It belongs to the session and not to a transaction, so that no
// transaction stays open while a run computes; it ends with the session, so a run that was killed leaves nothing locked.
package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/sql"
)

var (
	qLock   = sql.Query("publish_lock")
	qUnlock = sql.Query("publish_unlock")
)

// unlockTime bounds how long giving the lock back may take after a run; past it the connection is closed, which gives
// it back too.
const unlockTime = 5 * time.Second

// Exclusive calls fn with a connection that holds the lock of a table. Others who call it for the same table wait until
// fn is done, or until their ctx ends. fn must leave no transaction open.
func Exclusive(ctx context.Context, db *pgxpool.Pool, table string, fn func(conn *pgx.Conn) error) (err error) {
	pooled, err := db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer pooled.Release()
	conn := pooled.Conn()
	if _, err := conn.Exec(ctx, qLock, table); err != nil {
		return fmt.Errorf("wait for the lock of table %s: %w", table, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTime)
		defer cancel()
		if _, e := conn.Exec(ctx, qUnlock, table); e != nil {
			_ = conn.Close(ctx) // the session ends, and its lock with it
			if err == nil && !errors.Is(e, context.Canceled) {
				err = fmt.Errorf("give back the lock of table %s: %w", table, e)
			}
		}
	}()
	return fn(conn)
}

// Snapshot calls fn in a read-only transaction in which all queries see the same state of the database.
func Snapshot(ctx context.Context, conn *pgx.Conn, fn func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

// Replace deletes all rows of a table and writes the given ones, in one transaction. It returns how many were written.
func Replace(ctx context.Context, conn *pgx.Conn, table string, columns []string, rows pgx.CopyFromSource) (written int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "delete from "+Name(table).Sanitize()); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
		if written, err = tx.CopyFrom(ctx, Name(table), columns, rows); err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
		return nil
	})
	return written, err
}

// Name splits a table's name, with or without a schema before a dot, for use in SQL.
func Name(table string) pgx.Identifier { return strings.Split(table, ".") }

// Like makes sure that a table exists, creating it with the columns, keys and indexes of another when it does not, so
// that a shop can keep the results of two variants side by side by naming another table. Call it under the table's lock.
func Like(ctx context.Context, conn *pgx.Conn, table, model string) error {
	if table == model {
		return nil
	}
	_, err := conn.Exec(ctx, "create table if not exists "+Name(table).Sanitize()+" (like "+Name(model).Sanitize()+" including all)")
	if err != nil {
		return fmt.Errorf("create table %s like %s: %w", table, model, err)
	}
	return nil
}
