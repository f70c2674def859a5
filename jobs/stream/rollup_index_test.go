package stream

import (
	"testing"
	"time"
)

// An index whose summaries were cut short is mended; a sound one is left alone.
func TestRollupMendsItsIndex(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	r.once()
	s, err := newSinks(r.with.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := r.db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	exec := func(sql string) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	}
	must := func(sql string) {
		t.Helper()
		if err := exec(sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	vain := func() int64 {
		t.Helper()
		n, err := s.readInVain(t.Context(), conn.Conn())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	must("alter table transactions set (autovacuum_enabled = off)")
	must("set session_replication_role = replica")
	must("insert into transactions select i, 'P1', 'S0', 'C', 1, timestamp '2025-01-01' + i * interval '1 second' from generate_series(1, 80000) i")
	must("set session_replication_role = origin")
	must("select brin_summarize_new_values('transactions_ts')")
	if n := vain(); n > 64 {
		t.Fatalf("a sound index reads %d blocks in vain", n)
	}
	if mended, err := s.mendTimeIndex(t.Context(), conn.Conn()); err != nil || mended {
		t.Errorf("a sound index: mended %t, %v", mended, err)
	}
	mends := func(what string) {
		t.Helper()
		blocks := vain()
		if mended, err := s.mendTimeIndex(t.Context(), conn.Conn()); err != nil || mended != (blocks > indexVain) {
			t.Errorf("%s, %d blocks are read in vain: mended %t, %v", what, blocks, mended, err)
		}
		if n := vain(); blocks > indexVain && n > 64 {
			t.Errorf("%s, and mended: %d blocks are read in vain", what, n)
		}
	}
	const forget = "select brin_desummarize_range('transactions_ts', b) from generate_series(0, pg_relation_size('transactions') / 8192 - 1, 32) b"
	must(forget)
	if n := vain(); n <= indexVain {
		t.Fatalf("without summaries %d blocks are read in vain", n)
	}
	mends("without summaries")

	// A placeholder makes Postgres 15 read all that comes after it; another version may know better.
	for cut, deadline := false, time.Now().Add(patience); !cut; {
		if time.Now().After(deadline) {
			t.Fatal("no summary could be cut short")
		}
		must(forget)
		must("set statement_timeout = 1")
		cut = exec("select brin_summarize_new_values('transactions_ts')") != nil // it takes several times as long
		must("set statement_timeout = 0")
	}
	must("select brin_summarize_new_values('transactions_ts')") // as a vacuum would: what was cut short stays so
	t.Logf("cut short, and after a vacuum's work: %d blocks are read in vain", vain())
	mends("cut short")
}
