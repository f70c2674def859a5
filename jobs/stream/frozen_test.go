//go:build unix

package stream

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// writing counts the sessions of writers whose transaction is open, in a state ("active", "idle in transaction").
func (r *rig) writing(state string) int64 {
	r.t.Helper()
	return r.number(`select count(*) from pg_stat_activity where application_name like 'tillflow stream.test/%'
		and datname = current_database() and xact_start is not null and state = $1`, state)
}

// freezeInside stops a worker process in the middle of a transaction for certain: the batch waits for a dimension row that
// another session has locked. Then the row is free, the server has done what it was asked, and the transaction stays open,
// for the process does not read the answer.
func (r *rig) freezeInside(p *process, produce func()) {
	r.t.Helper()
	free := r.lock("select from dim_products for update")
	produce()
	r.until("waiting for the dimension rows", func() bool { return r.blocked() > 0 })
	p.signal(syscall.SIGSTOP)
	free()
}

// A process that is frozen while another takes over its partition, and then wakes up, writes nothing more: neither when it
// froze between two batches, nor when it froze in the middle of a transaction, which then stands in the other's way.
func TestFrozenProcessIsFenced(t *testing.T) {
	t.Parallel()
	for _, inside := range []bool{true, false} {
		t.Run(fmt.Sprintf("inside_a_transaction=%v", inside), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, kept)
			p := r.producer(2, 1)
			const ttl = time.Second
			// The names decide whose partition it is when both are alive: the frozen one's.
			frozen := r.process("a-frozen", ttl, 500)
			p.produce(1_000)
			r.caughtUp()
			if inside {
				r.freezeInside(frozen, func() { p.produce(1_000) })
				r.until("frozen inside", func() bool { return r.writing("idle in transaction") == 1 })
			} else {
				frozen.signal(syscall.SIGSTOP)
				p.produce(1_000)
			}
			begun := time.Now()
			other := r.start("b-other", func(w *With, d *Deps) { w.Batch, d.LeaseTTL = 500, ttl })
			r.until("taken over", func() bool { return r.owned("b-other") == 1 })
			t.Logf("taken over after %v", time.Since(begun).Round(time.Millisecond))
			p.exact()
			frozen.signal(syscall.SIGCONT)
			p.produce(1_000)
			r.until("fenced", func() bool { return frozen.said("partition was taken over") })
			p.exact()
			other.stop()
			p.produce(1_000)
			p.exact()
			frozen.kill()
		})
	}
}

// Where nobody may end the session of a frozen process, the server does: what it has locked is free a minute later, here
// a second.
func TestServerEndsTheTransactionOfAFrozenProcess(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	p := r.producer(3, 1)
	frozen := r.process("frozen", time.Second, 500, "set idle_in_transaction_session_timeout = '1s'")
	p.produce(1_000)
	r.caughtUp()
	rows := r.rows()
	r.freezeInside(frozen, func() { p.produce(1_000) })
	r.until("ended by the server", func() bool {
		return r.number("select count(*) from pg_stat_activity where application_name like 'tillflow stream.test/%' and datname = current_database()") == 0
	})
	r.exec("select from dag.stream_offsets for update nowait")
	if n := r.rows(); n != rows {
		t.Errorf("%d rows of a transaction that did not end", n-rows)
	}
	frozen.signal(syscall.SIGCONT)
	p.exact()
	frozen.kill()
}
