package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/ledger"
)

// openProblems are the states of trouble that are open, by partition and kind.
func (r *rig) openProblems() []string {
	r.t.Helper()
	ps, err := ledger.Problems(r.t.Context(), r.db, "stream.test", 0)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, p := range ps {
		if p.Kind != ledger.KindDead && p.Kind != ledger.KindHeld && p.Kind != ledger.KindUnknown {
			out = append(out, fmt.Sprintf("%d %s: %s", p.Partition, p.Kind, p.Advice))
		}
	}
	return out
}

// A partition that retention has passed waits for a person, while the other goes on. After the skip the running stream
// takes it up by itself, and the gap stays on record.
func TestSkipToStartBesideARunningStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, kept)
	r.send(0, makeSale(1, 0))
	r.send(1, makeSale(2, 0))
	r.once()
	r.send(0, makeSale(3, 0), makeSale(4, 0), makeSale(5, 0))
	newAdmin(t, r.brokers()).trim(r.with.Topic, 0, 3)
	skip := r.job("skip")
	work := r.start("a")
	r.until("stopped", func() bool { return len(r.openProblems()) == 1 })
	if got := r.openProblems()[0]; !strings.HasPrefix(got, "0 retention-passed: dag skip stream.test --partition 0 --to-start\n") {
		t.Errorf("the state is %q", got)
	}
	if n := r.number(`select "offset" from dag.stream_problems where kind = 'retention-passed'`); n != 1 {
		t.Errorf("the state is about offset %d, want 1", n)
	}
	one, zero := 1, 0
	if _, err := skip.SkipToStart(t.Context(), &one, "test"); !errors.Is(err, ErrNothingToSkip) {
		t.Errorf("skip of a partition that is well: %v", err)
	}
	if _, err := skip.SkipToNewLog(t.Context(), &zero, "test"); err == nil || !strings.Contains(err.Error(), "--to-start") {
		t.Errorf("the wrong skip: %v", err)
	}
	skips, err := skip.SkipToStart(t.Context(), &zero, "test")
	if err != nil || len(skips) != 1 || skips[0].First != 1 || skips[0].Next != 3 {
		t.Fatalf("skipped %v, %v", skips, err)
	}
	r.caughtUp()
	r.until("working", func() bool { return len(r.openProblems()) == 0 })
	work.stop()
	r.verify()
	if diff := cmp.Diff([]string{"(1)", "(2)", "(5)"}, r.texts("select transaction_id from transactions order by 1")); diff != "" {
		t.Errorf("sales (-want +got):\n%s", diff)
	}
	proof, err := r.job("verify").Verify(t.Context())
	if err != nil || len(proof.Skips) != 1 || !strings.Contains(proof.Skips[0].String(), "offsets 1 to 2 were gone before they were read") {
		t.Errorf("verify tells of %v, %v", proof.Skips, err)
	}
}

// A worker that was frozen over a skip cannot write afterwards, and a partition that a worker holds is not skipped.
func TestSkipFences(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.send(0, makeSale(1, 0), makeSale(2, 0), makeSale(3, 0))
	r.once()
	newAdmin(t, r.brokers()).trim(r.with.Topic, 0, 3)
	r.send(0, makeSale(4, 0))
	r.exec("update dag.stream_offsets set owner = 'somebody', lease_until = now() + interval '1 hour', next_offset = 1")
	r.exec("update dag.stream_batches set next_offset = 1, messages = 1, inserted = 1")
	var owned *ledger.OwnedError
	if _, err := r.job("skip").SkipToStart(t.Context(), nil, "test"); !errors.As(err, &owned) || owned.Owner != "somebody" {
		t.Errorf("skip under a worker: %v", err)
	}
	epoch := r.number("update dag.stream_offsets set lease_until = now() - interval '1 hour' returning epoch")
	if _, err := r.job("skip").SkipToStart(t.Context(), nil, "test"); err != nil {
		t.Fatal(err)
	}
	if n := r.number("select epoch from dag.stream_offsets"); n <= epoch {
		t.Errorf("the epoch is %d, it was %d", n, epoch)
	}
}

// A log that was made anew is read from its start. What the old one left keeps its place: held rows go in when their
// dimension comes, dead letters are replayed, late rows and totals add up, and another new log can follow.
func TestSkipToNewLogKeepsWhatTheOldOneLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	admin := newAdmin(t, r.brokers())
	held := func(i int) string { return strings.Replace(makeSale(i, 0), `"product_id":"P`, `"product_id":"NEW-`, 1) }
	dead := func(i int) string { return strings.Replace(makeSale(i, 0), `"amount":`, `"amount":"x`, 1) }
	r.send(0, makeSale(1, 0), held(2), "{", makeSale(3, 0), makeSale(1, 0))
	r.once()
	for round := range 2 {
		admin.delete(r.with.Topic)
		if err := r.client.EnsureTopic(t.Context(), r.with.Topic, 1); err != nil {
			t.Fatal(err)
		}
		n := 10 * (round + 1)
		r.send(0, makeSale(n, 0), makeSale(3, 0), dead(n+1), held(n+2))
		if err := r.fails(true); err == nil || !strings.Contains(err.Error(), "made a") {
			t.Fatalf("the new log was read: %v", err)
		}
		if got := r.openProblems(); len(got) != 1 || !strings.HasPrefix(got[0], "0 log-made-anew: dag skip stream.test --partition 0 --new-log\n") {
			t.Errorf("the state is %q", got)
		}
		skips, err := r.job("skip").SkipToNewLog(t.Context(), nil, "test")
		if err != nil || len(skips) != 1 || skips[0].Next != 0 {
			t.Fatalf("skipped %v, %v", skips, err)
		}
		if got := r.openProblems(); len(got) != 0 {
			t.Errorf("still open: %q", got)
		}
		r.once()
		r.verify()
	}
	if diff := cmp.Diff([]string{"(1)", "(3)", "(10)", "(20)"}, r.texts("select transaction_id from transactions order by 1")); diff != "" {
		t.Errorf("sales (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"(-9,5,-4,5)", "(-4,4,0,4)", "(0,4,4,)"}, r.texts(`
		select b.first_offset, b.messages, b.next_offset, s.moved_by from dag.stream_batches b
		left join dag.stream_skips s on s.next_offset = b.next_offset order by 1`)); diff != "" {
		t.Errorf("entries and by how much each skip has moved (-want +got):\n%s", diff)
	}
	r.exec("insert into dim_products select 'NEW-'||i, 'New', 'Electronics', 10 from generate_series(0, 3) i")
	r.once()
	r.verify()
	if n := r.number("select count(*) from dag.held_rows"); n != 0 {
		t.Errorf("%d rows are still held", n)
	}
	if n := r.number("select count(*) from transactions where product_id like 'NEW%'"); n != 3 {
		t.Errorf("%d rows went in with their dimension, want 3", n)
	}
	r.exec("update dag.dead_letters set value = $1 where value = '{'", makeSale(7, 0))
	got, err := r.job("replay").Replay(t.Context(), ledger.DeadFilter{Reason: "not JSON"})
	if err != nil || got.Stored != 1 {
		t.Errorf("replay of a letter of the first log: %+v, %v", got, err)
	}
	r.verify()
}
