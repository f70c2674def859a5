package ledger_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
)

var newYear = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// sums is a rollup of a table with a time and a number.
var sums = ledger.Rollup{Table: `"sums"`, Job: job, Raw: "raw", Key: []string{"k"}, Current: "select k, n from sums where " + ledger.UntilMark + " < $1", Whole: "select k, count(*) from raw where at < $1 group by k"}

func take(condition string) string {
	return "insert into sums as t select k, count(*) from raw where " + condition + " group by k on conflict (k) do update set n = t.n + excluded.n"
}

func openSums(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db := pgtest.Open(t)
	for _, s := range []string{
		"create table raw (k text, at timestamp)", "insert into raw select 'a', timestamp '2025-01-01' - i * interval '1 hour' from generate_series(1, 5) i",
		"create table sums (k text primary key, n bigint)",
	} {
		if _, err := db.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func registerSums(t *testing.T, db *pgxpool.Pool, r ledger.Rollup, made bool) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		name, err := ledger.RegisterRollup(t.Context(), tx, r, made)
		if err == nil && name != "sums" {
			t.Errorf("the rollup is called %q", name)
		}
		return err
	})
}

func rowsOf(t *testing.T, db *pgxpool.Pool) (n int64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "select coalesce(sum(n), 0)::bigint from sums").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Two processes that are at the same stretch take it up once, and neither while a batch is written.
func TestRollUpOnce(t *testing.T) {
	t.Parallel()
	db := openSums(t)
	if err := registerSums(t, db, sums, true); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	up := func(from time.Time) (bool, error) {
		return ledger.RollUp(t.Context(), conn.Conn(), job, "sums", sums.Current, from, newYear, 50*time.Millisecond, take)
	}
	batch, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q, until := &pgx.Batch{}, map[string]int64{"old": 1}
	ensure(t, db, map[int]int64{0: 0})
	claim(t, db, member("m", time.Minute), 0).QueueRollups(q, until, func(string, string) error { return nil })
	if err := batch.SendBatch(t.Context(), q).Close(); err != nil || len(until) != 0 {
		t.Fatal(until, err)
	}
	var pe *pgconn.PgError
	if _, err := up(time.Time{}); !errors.As(err, &pe) || pe.Code != "55P03" {
		t.Errorf("while a batch is written: %v, want a lock that is not had in time", err)
	}
	if err := batch.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if moved, err := up(time.Time{}); err != nil || moved != want {
			t.Errorf("try %d: moved %t, %v", i, moved, err)
		}
	}
	if n := rowsOf(t, db); n != 5 {
		t.Errorf("%d rows were taken up, want 5", n)
	}
	moved, err := ledger.RollUp(t.Context(), conn.Conn(), job, "sums", sums.Current+" ", newYear, newYear.Add(time.Hour), time.Minute, take)
	if err != nil || moved {
		t.Errorf("by one that knows it as it was declared before: moved %t, %v", moved, err)
	}
	at, err := ledger.Rollups(t.Context(), db, job)
	if err != nil || !at["sums"].Equal(newYear) {
		t.Errorf("the rollup stands at %v, %v", at, err)
	}
}

// A rollup keeps what it has when its stream starts again, begins anew when it is declared otherwise, and belongs to one stream
// as long as that runs.
func TestRegisterRollup(t *testing.T) {
	t.Parallel()
	db := openSums(t)
	set := func(s string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	set("insert into sums values ('x', 1)")
	var taken *ledger.TakenError
	if err := registerSums(t, db, sums, false); !errors.As(err, &taken) || !strings.Contains(err.Error(), `table "sums" has rows, and no stream keeps it: empty it (truncate "sums")`) {
		t.Errorf("a table with rows: %v", err)
	}
	set("truncate sums")
	if err := registerSums(t, db, sums, false); err != nil {
		t.Fatal(err)
	}
	set("insert into sums values ('a', 5)")
	set("update dag.stream_rollups set until = '2025-01-01'")
	if err := registerSums(t, db, sums, false); err != nil || rowsOf(t, db) != 5 {
		t.Errorf("again: %d rows, %v", rowsOf(t, db), err)
	}
	set("insert into dag.stream_members values ('stream.sales', 'm', now() + interval '1 hour')")
	other := sums
	other.Job = "stream.b"
	if err := registerSums(t, db, other, false); !errors.As(err, &taken) || !strings.Contains(err.Error(), "is kept by "+job) {
		t.Errorf("of another stream: %v", err)
	}
	set("delete from dag.stream_members")
	if err := registerSums(t, db, other, false); err != nil || rowsOf(t, db) != 5 {
		t.Errorf("renamed stream: %d rows, %v", rowsOf(t, db), err)
	}
	other.Whole += " having true"
	if err := registerSums(t, db, other, false); err != nil || rowsOf(t, db) != 0 {
		t.Errorf("declared otherwise: %d rows, %v", rowsOf(t, db), err)
	}
	if at, err := ledger.Rollups(t.Context(), db, "stream.b"); err != nil || !at["sums"].IsZero() || len(at) != 1 {
		t.Errorf("declared otherwise: it stands at %v, %v", at, err)
	}
}

// What a rollup says of a time: from both tables from until on, and otherwise why not.
func TestRollupBefore(t *testing.T) {
	t.Parallel()
	db := openSums(t)
	if err := registerSums(t, db, sums, true); err != nil {
		t.Fatal(err)
	}
	var unknown *ledger.UnknownRollupError
	if _, err := ledger.FindRollup(t.Context(), db, "sum"); !errors.As(err, &unknown) || err.Error() != `no stream keeps a rollup sum yet (did you mean "sums"?)` {
		t.Errorf("a slip: %v", err)
	}
	r, err := ledger.FindRollup(t.Context(), db, "public.sums")
	if err != nil {
		t.Fatal(err)
	}
	if query, why := r.Before(newYear); query != r.Whole || why != "sums is not filled yet" {
		t.Errorf("empty: %q %q", query, why)
	}
	r.Until = newYear
	if query, why := r.Before(newYear); query != "select k, n from sums where timestamp '2025-01-01 00:00:00' < $1" || why != "" {
		t.Errorf("at until: %q %q", query, why)
	}
	if query, why := r.Before(newYear.Add(-time.Microsecond)); query != r.Whole || why != "sums holds rows up to 2025-01-01 00:00:00, and 2024-12-31 23:59:59.999999 is before that" {
		t.Errorf("before until: %q %q", query, why)
	}
}

// What a batch stored while a rollup waited for it is taken up, also in a database whose transactions see the state of their
// beginning unless told otherwise.
func TestRollUpSeesWhatItWaitedFor(t *testing.T) {
	t.Parallel()
	db := openSums(t)
	if err := registerSums(t, db, sums, true); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "set default_transaction_isolation = 'repeatable read'"); err != nil {
		t.Fatal(err)
	}
	batch, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q, until := &pgx.Batch{}, map[string]int64{}
	ensure(t, db, map[int]int64{0: 0})
	claim(t, db, member("m", time.Minute), 0).QueueRollups(q, until, func(string, string) error { return nil })
	q.Queue("insert into raw values ('a', timestamp '2024-12-31 12:34:56')")
	if err := batch.SendBatch(t.Context(), q).Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := ledger.RollUp(t.Context(), conn.Conn(), job, "sums", sums.Current, time.Time{}, newYear, time.Minute, take)
		done <- err
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var waits bool
		if err := batch.QueryRow(t.Context(), "select exists (select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database()))").Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the rollup does not wait for the batch")
		}
	}
	if err := batch.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, db); n != 6 {
		t.Errorf("%d rows were taken up, want 6", n)
	}
}
