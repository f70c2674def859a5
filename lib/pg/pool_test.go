package pg_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

func TestOpenSetsUpSessions(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	const session = "select current_setting('application_name') || ' ' || current_setting('timezone')"
	if got := answer(t, db, session); got != "tillflow UTC" {
		t.Errorf("the session has %s", got)
	}
	var at time.Time
	if err := db.QueryRow(t.Context(), "select '2025-01-01 12:00+03'::timestamptz").Scan(&at); err != nil {
		t.Fatal(err)
	}
	if got := at.String(); got != "2025-01-01 09:00:00 +0000 UTC" {
		t.Errorf("timestamptz is read as %s", got)
	}
	db = open(t, pgtest.URL(t)+"&application_name=bench&pool_max_conns=2")
	if got := answer(t, db, session); got != "bench UTC" {
		t.Errorf("the session has %s, want the name in the address", got)
	}
}

func TestOpenOfNothing(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"not_an_address": "postgres://%zz", "nobody_there": "postgres://postgres:secret@127.0.0.1:1/retaildb",
	} {
		_, err := pg.Open(t.Context(), url)
		if err == nil {
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func TestReadOnlyRefusesWrites(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for name, statements := range map[string][]string{
		"insert":        {"insert into dag.gate_cursors values ('j', 's', 1)"},
		"table":         {"create table t (n int)"},
		"function":      {"select setval(pg_get_serial_sequence('dag.stream_batches', 'batch_id'), 9)"},
		"made_writable": {"set transaction read write", "insert into dag.gate_cursors values ('j', 's', 1)"},
		"ended":         {"commit"},
	} {
		err := pg.ReadOnly(t.Context(), db, time.Minute, func(tx pgx.Tx) error {
			for _, s := range statements {
				if _, err := tx.Exec(t.Context(), s); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			t.Errorf("%s: allowed", name)
		}
	}
	if got := answer(t, db, "select count(*) from dag.gate_cursors"); got != "0" {
		t.Errorf("%s rows were written", got)
	}
}

// A report reads many queries: they must see one state of the database.
func TestReadOnlySeesOneSnapshot(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	err := pg.ReadOnly(t.Context(), db, 0, func(tx pgx.Tx) error {
		if _, err := db.Exec(t.Context(), "insert into dag.gate_cursors values ('j', 's', 1)"); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRow(t.Context(), "select count(*) from dag.gate_cursors").Scan(&n); err != nil {
			return err
		}
		if n != 0 {
			return errors.New("it sees what was committed after its begin")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestReadOnlyEndsALongQuery(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	sleep := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "select pg_sleep(60)")
		return err
	}
	err := pg.ReadOnly(t.Context(), db, 50*time.Millisecond, sleep)
	var canceled *pgconn.PgError
	if !errors.As(err, &canceled) || !strings.Contains(err.Error(), "longer than 50ms") {
		t.Errorf("got %v", err)
	}
	// The limit ends with the transaction: the connection is like new.
	if got := answer(t, db, "select current_setting('statement_timeout')"); got != "0" {
		t.Errorf("statement_timeout is left at %s", got)
	}
}

func TestReadOnlyPassesErrorsOn(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	mine := errors.New("mine")
	if err := pg.ReadOnly(t.Context(), db, 0, func(pgx.Tx) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pg.ReadOnly(ctx, db, 0, func(pgx.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func ExampleReadOnly() {
	ctx := context.Background()
	db, err := pg.Open(ctx, pgtest.ForExample()) // in a program, DATABASE_URL
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	err = pg.ReadOnly(ctx, db, 5*time.Second, func(tx pgx.Tx) error {
		var product string
		if err := tx.QueryRow(ctx, "select upper('laptop') || '-001'").Scan(&product); err != nil {
			return err
		}
		fmt.Println(product)
		_, err := tx.Exec(ctx, "delete from dim_products")
		return err
	})
	fmt.Println(err)
	// Output:
	// LAPTOP-001
	// ERROR: cannot execute DELETE in a read-only transaction (SQLSTATE 25006)
}
