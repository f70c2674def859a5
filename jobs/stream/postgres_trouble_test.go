package stream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// A lock that somebody holds for long, or a limit on statements, costs time and nothing else: the batch gives up what it
// holds, says why, and comes again.
func TestLocksAndTimeouts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, session, lock, told string }{
		{"lock_timeout_on_the_raw_table", "set lock_timeout = '500ms'", "lock table transactions in share mode", "SQLSTATE 55P03"},
		{"lock_timeout_on_dimension_rows", "set lock_timeout = '500ms'", "select from dim_products for update", "SQLSTATE 55P03"},
		{"lock_timeout_on_the_ledger", "set lock_timeout = '500ms'", "lock table dag.stream_batches in exclusive mode", "SQLSTATE 55P03"},
		{"statement_timeout", "set statement_timeout = '2s'", "lock table product_metrics_minute in exclusive mode", "SQLSTATE 57014"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 2, sales)
			p := r.producer(7, 2)
			log := &book{}
			s := r.start("a", r.through(afterConnect(c.session)), log.keep, func(w *With, _ *Deps) { w.Batch = 200 })
			p.produce(500)
			r.caughtUp()
			rows := r.rows()
			free := r.lock(c.lock)
			p.produce(2_000)
			r.until("told", func() bool { return log.count(c.told) > 0 })
			if n := r.rows(); n != rows {
				t.Errorf("%d rows were stored in spite of the lock", n-rows)
			}
			free()
			p.exact()
			s.stop()
			if n := log.count("trying again"); n > 20 {
				t.Errorf("the trouble is told %d times", n)
			}
		})
	}
}

// A session may wait for a lock as long as it takes within its time limit, without a word.
func TestShortLocksAreWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	p := r.producer(8, 1)
	log := &book{}
	s := r.start("a", log.keep)
	free := r.lock("lock table transactions in share mode")
	p.produce(1_000)
	r.until("waiting", func() bool { return r.blocked() == 1 })
	free()
	p.exact()
	s.stop()
	if n := log.count("trying again"); n > 0 {
		t.Errorf("a short lock is told %d times", n)
	}
}

// A server without room refuses each batch. The stream comes again, less and less often, and goes on when there is room. The
// trigger says what the server says; the recipe `just trouble` fills a real disk.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	p := r.producer(9, 2)
	log := &book{}
	s := r.start("a", log.keep, func(w *With, _ *Deps) { w.Batch = 200 })
	p.produce(500)
	r.caughtUp()
	rows := r.rows()
	r.exec("create sequence tries") // is not rolled back
	r.exec(`create function full_disk() returns trigger language plpgsql as $$ begin
		perform nextval('tries');
		raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full', hint = 'Check free disk space.';
		end $$`)
	r.exec("create trigger full_disk before insert on transactions execute function full_disk()")
	r.exec("alter table transactions enable always trigger full_disk")
	begun := time.Now()
	p.produce(4_000)
	tries := func() int64 { return r.number("select case when is_called then last_value else 0 end from tries") }
	r.until("tried again and again", func() bool { return tries() >= 10 })
	// Five tries of each of two writers have pauses of at least 25 + 50 + 100 + 200 ms between them.
	if took := time.Since(begun); took < 375*time.Millisecond {
		t.Errorf("%d tries within %v", tries(), took)
	}
	if n := r.rows(); n != rows {
		t.Errorf("%d rows were stored without room", n-rows)
	}
	r.exec("drop trigger full_disk on transactions")
	p.exact()
	s.stop()
	if n := log.count("SQLSTATE 53100"); n < 1 || n > 8 {
		t.Errorf("the full disk is told %d times, once for each partition and statement is right", n)
	}
}

// A COMMIT whose answer is lost has happened: the ledger knows, and the batch is not written again.
func TestAnswerOfCommitIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	p := r.producer(10, 2)
	p.produce(6_000)
	var commits, cuts atomic.Int64
	deaf := r.through(func(cfg *pgxpool.Config) {
		dial := cfg.ConnConfig.DialFunc
		cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return &deafConn{Conn: conn, commits: &commits, cuts: &cuts}, err
		}
	})
	log := &book{}
	s := r.start("a", deaf, log.keep, func(w *With, _ *Deps) { w.Batch = 50 })
	p.exact()
	s.stop()
	t.Logf("%d of %d answers to COMMIT were lost", cuts.Load(), commits.Load())
	if cuts.Load() < 5 {
		t.Errorf("only %d answers were lost; the test proves too little", cuts.Load())
	}
}

// deafConn is a writer's connection that breaks when the answer to every third COMMIT arrives.
type deafConn struct {
	net.Conn
	writer        atomic.Bool // it reads and writes at the same time
	commits, cuts *atomic.Int64
}

func (c *deafConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(writerName)) {
		c.writer.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *deafConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.writer.Load() && bytes.Contains(b[:n], []byte("COMMIT\x00")) && c.commits.Add(1)%3 == 0 {
		c.cuts.Add(1)
		_ = c.Conn.Close()
		return 0, fmt.Errorf("the answer to COMMIT is lost: %w", io.ErrUnexpectedEOF)
	}
	return n, err
}
