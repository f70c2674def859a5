package stream

import (
	"testing"
	"time"
)

// A message that comes alone is written at once, however long linger is.
func TestALoneMessageDoesNotLinger(t *testing.T) {
	r := newRig(t, 1, sales+"linger: 1m\n")
	s := r.start("a")
	begun := time.Now()
	r.send(0, makeSale(1, 0))
	r.caughtUp()
	if took := time.Since(begun); took > 50*time.Second {
		t.Errorf("it took %v, as if it had to wait for others", took)
	}
	s.stop()
	r.verify()
}

// Messages that keep coming share transactions: no more of them than one each linger.
func TestLingerBoundsTransactions(t *testing.T) {
	const linger = 150 * time.Millisecond
	r := newRig(t, 1, sales+"linger: 150ms\n")
	s := r.start("a")
	begun := time.Now()
	n := 0
	for ; time.Since(begun) < 6*linger; n++ {
		r.send(0, makeSale(n, 0))
	}
	r.caughtUp()
	most := int64(time.Since(begun)/linger) + 1
	s.stop()
	r.verify()
	if got := r.number("select count(*) from dag.stream_batches"); got > most {
		t.Errorf("%d messages took %d transactions, at most %d were allowed", n, got, most)
	}
	if got := r.number("select count(*) from transactions"); got != int64(n) {
		t.Errorf("%d rows of %d", got, n)
	}
}
