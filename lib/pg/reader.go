package pg

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/sql"
)

// readerRole can log in nowhere and may only select. It is shared by all databases of a server, as roles are.
const readerRole = "tillflow_reader"

// Reader runs queries of people who may write any query: in a read-only transaction, as ReadOnly does, and as a role that
// may only select. So a query reads no file of the server, stops no session of another and sees no password, even where the
// pipeline itself is the owner of the database or its superuser.
//
// The role is made at the first use. A user who may not make roles runs queries as itself; Warning says so then.
type Reader struct {
	db *pgxpool.Pool

	mu      sync.Mutex
	ready   bool
	warning string
}

// NewReader makes nothing yet.
func NewReader(db *pgxpool.Pool) *Reader { return &Reader{db: db} }

// ReadOnly calls fn in such a transaction; see the function ReadOnly.
func (r *Reader) ReadOnly(ctx context.Context, timeout time.Duration, fn func(tx pgx.Tx) error) error {
	limited, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	return ReadOnly(ctx, r.db, timeout, func(tx pgx.Tx) error {
		if limited {
			if _, err := tx.Exec(ctx, "set local role "+readerRole); err != nil {
				return fmt.Errorf("become %s: %w", readerRole, err)
			}
		}
		return fn(tx)
	})
}

// Again looks at the privileges anew before the next transaction. It is for a caller that met a table the role may not
// read: one that another user has made in the meantime.
func (r *Reader) Again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = false
}

// Warning says why queries run with all rights of the database user; empty when they do not.
func (r *Reader) Warning() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.warning
}

// prepare makes the role; false when it cannot be had.
func (r *Reader) prepare(ctx context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready {
		return r.warning == "", nil
	}
	err := r.makeRole(ctx)
	if err == nil {
		err = ReadOnly(ctx, r.db, 0, func(tx pgx.Tx) error { // is it ours to use?
			_, err := tx.Exec(ctx, "set local role "+readerRole)
			return err
		})
	}
	var answer *pgconn.PgError
	switch {
	case err == nil:
		r.ready, r.warning = true, ""
	case errors.As(err, &answer) && answer.Code == "42501": // insufficient_privilege
		r.ready, r.warning = true, fmt.Sprintf("queries run with all rights of the database user, in read-only transactions: %s; "+
			"have an administrator run: create role %s nologin; grant %s to the user", answer.Message, readerRole, readerRole)
	default:
		return false, fmt.Errorf("make the role %s: %w", readerRole, err)
	}
	return r.warning == "", nil
}

// makeRole runs the query. Other databases of the server may do so at the same time: what they changed in between is
// looked at anew.
func (r *Reader) makeRole(ctx context.Context) (err error) {
	for range 10 {
		_, err = r.db.Exec(ctx, sql.Query("reader_role"))
		var answer *pgconn.PgError
		if !errors.As(err, &answer) || answer.Code != "XX000" && answer.Code != "23505" { // tuple concurrently updated
			return err
		}
	}
	return err
}
