package publish_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/pgtest"
	"tillflow/lib/publish"
)

func TestExclusiveOneAtATime(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	var inside, most atomic.Int32
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			err := publish.Exclusive(t.Context(), db, "anomalies", func(conn *pgx.Conn) error {
				most.Store(max(most.Load(), inside.Add(1)))
				defer inside.Add(-1)
				_, err := conn.Exec(t.Context(), "select pg_sleep(0.01)")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("%d runs held the lock at once", most.Load())
	}
}

func TestExclusiveByTable(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	err := publish.Exclusive(t.Context(), db, "a", func(*pgx.Conn) error {
		return publish.Exclusive(t.Context(), db, "b", func(*pgx.Conn) error { return nil })
	})
	if err != nil {
		t.Error(err)
	}
}

// Whatever a run does to its connection, the next one gets the lock.
func TestExclusiveGivesTheLockBack(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	boom := errors.New("boom")
	ctx, cancel := context.WithCancel(t.Context())
	for name, run := range map[string]func(conn *pgx.Conn) error{
		"error": func(*pgx.Conn) error { return boom },
		"canceled": func(conn *pgx.Conn) error {
			cancel()
			_, err := conn.Exec(ctx, "select 1")
			return errors.Join(boom, err)
		},
		"broken_connection": func(conn *pgx.Conn) error { return errors.Join(boom, conn.Close(context.WithoutCancel(ctx))) },
		"sql_error": func(conn *pgx.Conn) error {
			_, err := conn.Exec(context.WithoutCancel(ctx), "select 1/0")
			return errors.Join(boom, err)
		},
	} {
		with := ctx
		if name != "canceled" {
			with = t.Context()
		}
		if err := publish.Exclusive(with, db, "t", run); !errors.Is(err, boom) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		limited, stop := context.WithTimeout(t.Context(), 10*time.Second)
		if err := publish.Exclusive(limited, db, "t", func(*pgx.Conn) error { return nil }); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		stop()
	}
}

func TestExclusiveWaitEndsWithContext(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	err := publish.Exclusive(t.Context(), db, "t", func(*pgx.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		return publish.Exclusive(ctx, db, "t", func(*pgx.Conn) error {
			t.Error("two hold the lock")
			return nil
		})
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting ended with %v", err)
	}
}

func TestReplaceIsAllOrNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	rows := func(ids ...string) pgx.CopyFromSource {
		return pgx.CopyFromSlice(len(ids), func(i int) ([]any, error) { return []any{ids[i], "c", "city", "region", 1}, nil })
	}
	columns := []string{"store_id", "store_name", "city", "region", "size_sqft"}
	replace := func(ids ...string) (written int64, err error) {
		err = publish.Exclusive(t.Context(), db, "dim_stores", func(conn *pgx.Conn) (err error) {
			written, err = publish.Replace(t.Context(), conn, "dim_stores", columns, rows(ids...))
			return err
		})
		return written, err
	}
	stand := func() (ids []string) {
		t.Helper()
		if err := db.QueryRow(t.Context(), "select coalesce(array_agg(store_id order by store_id), '{}') from dim_stores").Scan(&ids); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if n, err := replace("a", "b", "c"); err != nil || n != 3 || len(stand()) != 3 {
		t.Fatalf("first: %d, %v, %v", n, err, stand())
	}
	if _, err := replace("x", "x"); err == nil { // a duplicate key
		t.Error("a duplicate key: no error")
	}
	if got := stand(); len(got) != 3 || got[0] != "a" {
		t.Errorf("after an error the table holds %v", got)
	}
	if n, err := replace("d"); err != nil || n != 1 || len(stand()) != 1 {
		t.Errorf("second: %d, %v, %v", n, err, stand())
	}
	if n, err := replace(); err != nil || n != 0 || len(stand()) != 0 {
		t.Errorf("by nothing: %d, %v, %v", n, err, stand())
	}
}

func TestLikeMakesATable(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	for range 2 { // the second finds it there
		err := publish.Exclusive(t.Context(), db, "segments_b", func(conn *pgx.Conn) error {
			return publish.Like(t.Context(), conn, "segments_b", "customer_segments")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var columns, keys int
	if err := db.QueryRow(t.Context(), `select (select count(*) from information_schema.columns where table_name = 'segments_b'),
		(select count(*) from pg_constraint where conrelid = 'segments_b'::regclass and contype = 'p')`).Scan(&columns, &keys); err != nil {
		t.Fatal(err)
	}
	if columns != 11 || keys != 1 {
		t.Errorf("%d columns, %d primary keys", columns, keys)
	}
}
