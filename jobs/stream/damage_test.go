package stream

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// liar is a network that changes what a broker answers when the answer has a mark in it.
type liar struct {
	mark   []byte
	change func(answer []byte)
	left   atomic.Int64 // answers that are still to be changed
}

// listen is for kfake.ListenFn.
func (l *liar) listen(network, address string) (net.Listener, error) {
	in, err := net.Listen(network, address)
	return &liarListener{in, l}, err
}

type liarListener struct {
	net.Listener
	liar *liar
}

func (l *liarListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &liarConn{c, l.liar}, err
}

type liarConn struct {
	net.Conn
	liar *liar
}

func (c *liarConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, c.liar.mark) && c.liar.left.Add(-1) >= 0 {
		b = bytes.Clone(b)
		c.liar.change(b)
	}
	return c.Conn.Write(b)
}

// newLiarRig is a rig on a broker that lies about messages with a mark in them, from when left is set.
func newLiarRig(t *testing.T, mark string, change func(answer []byte)) (*rig, *liar) {
	t.Helper()
	l := &liar{mark: []byte(mark), change: change}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(l.listen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return newBrokerRig(t, c.ListenAddrs(), 2), l
}

// Answers that were damaged on their way are asked for again, and one that stays damaged stops its partition with the place
// in the error, while the other partition goes on. Nothing of it was shown, and nothing is lost once it is whole again.
func TestDamagedAnswers(t *testing.T) {
	t.Parallel()
	const mark = "C-MARKED"
	flip := func(b []byte) { b[bytes.Index(b, []byte(mark))] ^= 4 }
	giant := func(b []byte) { binary.BigEndian.PutUint32(b, 1<<30) }
	for _, c := range []struct {
		name   string
		change func(answer []byte)
		times  int64
		want   string // in the error; "" when it passes
	}{
		{"checksum_wrong_twice", flip, 2, ""},
		{"checksum_wrong_for_ever", flip, 1 << 40, "/0: record batch at offset 2: checksum "},
		{"answer_of_a_gigabyte", giant, 1 << 40, "/0: response of 1073741824 bytes; 4 to 268435456 are supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, l := newLiarRig(t, mark, c.change)
			log := &book{}
			work := r.start("a", log.keep)
			r.send(0, makeSale(1, 0), makeSale(2, 0))
			r.caughtUp()
			l.left.Store(c.times)
			r.send(0, strings.Replace(makeSale(3, 0), `"C3"`, `"`+mark+`"`, 1))
			if c.want != "" {
				r.until("stopped", func() bool { return log.count("partition stopped; the others go on") > 0 })
				if log.count(c.want) == 0 {
					t.Errorf("it does not say %q but:\n%s", c.want, log)
				}
			}
			r.send(1, makeSale(4, 0))
			r.until("stored", func() bool { return r.number("select count(*) from transactions where transaction_id = 4") == 1 })
			if c.want != "" {
				if n := r.rows(); n != 3 {
					t.Errorf("%d rows, want 3", n)
				}
			}
			work.stop()
			l.left.Store(0)
			r.once()
			r.verify()
			if n := r.number("select count(*) from transactions where transaction_id between 1 and 4"); n != 4 || r.rows() != 4 {
				t.Errorf("%d of the 4 sales are stored", n)
			}
		})
	}
}
