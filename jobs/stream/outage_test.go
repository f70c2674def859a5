//go:build linux

package stream

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tillflow/lib/embedded"
	"tillflow/lib/kafkatest"
	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
	"tillflow/sql"
)

// outage is how long the servers stay away. `just trouble` makes it minutes.
var outage = flag.Duration("outage", 3*time.Second, "how long Postgres and the broker stay away")

// usage is what a process takes.
type usage struct {
	resident int64 // bytes of memory
	read     int64 // bytes it has read since its start, from sockets too
}

func (p *process) usage() usage {
	p.t.Helper()
	var u usage
	for file, fields := range map[string]map[string]*int64{"status": {"VmRSS:": &u.resident}, "io": {"rchar:": &u.read}} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
		if err != nil {
			p.t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			for name, to := range fields {
				if rest, ok := strings.CutPrefix(line, name); ok {
					if _, err := fmt.Sscan(rest, to); err != nil {
						p.t.Fatal(err)
					}
				}
			}
		}
	}
	u.resident *= 1024 // it is in kB
	return u
}

// count is how many lines with a text in it the process has logged.
func (p *process) count(text string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// wide is a sale with 2 kB of blanks, so that a backlog has many bytes and few rows.
func wide(n int) string {
	return makeSale(n, time.Duration(n)*time.Second) + strings.Repeat(" ", 2_000)
}

// Postgres is away for long while the log grows. The stream keeps what its buffers hold and reads no more, stays the owner,
// says once what is wrong, and goes on by itself.
func TestPostgresStaysAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	state, port := pgtest.StateDir(t), 0
	begin := func() *embedded.Postgres {
		s, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{State: state, Port: port, BinDir: os.Getenv("TILLFLOW_POSTGRES_BIN")})
		if err != nil {
			t.Fatal(err)
		}
		port = s.Port()
		return s
	}
	end := func(s *embedded.Postgres) {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	s := begin()
	db, err := pg.Open(t.Context(), s.SocketURL())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := pg.Migrate(t.Context(), db, sql.Migrations); err != nil {
		t.Fatal(err)
	}
	r.db = db
	r.dims(4, 3)
	n := 0
	send := func(messages int) {
		for part := range 2 {
			var values []string
			for range messages / 2 {
				values = append(values, wide(n))
				n++
			}
			r.send(part, values...)
		}
	}
	const batch = 200
	w := r.process("a", 2*time.Second, batch)
	send(2_000)
	r.caughtUp()
	epochs := r.texts("select partition, epoch from dag.stream_offsets order by 1")
	end(s)
	before := w.usage()
	begun := time.Now()
	const rounds = 5
	for range rounds { // 20 MB in all
		send(2_000)
		time.Sleep(*outage / rounds) // how long it lasts is what is tested
	}
	away := w.usage()
	t.Logf("%v without Postgres: %d MB of messages came, %d MB were read, memory went from %d to %d MB", time.Since(begun).Round(time.Second),
		rounds*2_000*2_150>>20, (away.read-before.read)>>20, before.resident>>20, away.resident>>20)
	// Two batches for each partition, and the fetch each has in hand.
	if read := away.read - before.read; read > 12<<20 {
		t.Errorf("%d MB were read while nothing could be written", read>>20)
	}
	if grown := away.resident - before.resident; grown > 64<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
	s = begin()
	r.until("answering", func() bool { return r.db.Ping(t.Context()) == nil })
	r.caughtUp()
	r.verify()
	if rows := r.rows(); rows != int64(n) {
		t.Errorf("%d rows, want %d", rows, n)
	}
	if now := r.texts("select partition, epoch from dag.stream_offsets order by 1"); strings.Join(now, " ") != strings.Join(epochs, " ") {
		t.Errorf("the partitions were claimed anew: %v, were %v", now, epochs)
	}
	w.tellsOnce(begun)
	w.kill()
	db.Close()
	end(s)
}

// tellsOnce checks that the trouble was told, and not at each try.
func (p *process) tellsOnce(begun time.Time) {
	p.t.Helper()
	// A few kinds of error, each by two partitions and the coordinator; some are told again every minute.
	limit := 50 + 6*int(time.Since(begun)/time.Minute)
	if told := p.count("level=WARN"); told == 0 || told > limit {
		p.t.Errorf("the trouble was told %d times, want 1 to %d", told, limit)
	}
}

// The broker is away for long. The stream keeps its partitions, says once what is wrong, and goes on by itself.
func TestBrokerStaysAway(t *testing.T) {
	t.Parallel()
	for _, site := range kafkatest.Sites() {
		t.Run(site.Name, func(t *testing.T) {
			t.Parallel()
			b := site.Own(t)
			r := newBrokerRig(t, b.Brokers(), 2)
			p := r.producer(11, 2)
			w := r.process("a", 2*time.Second, 500)
			p.produce(2_000)
			r.caughtUp()
			epochs := r.texts("select partition, epoch from dag.stream_offsets order by 1")
			before, begun := w.usage(), time.Now()
			b.Stop()
			time.Sleep(*outage) // how long it lasts is what is tested
			away := w.usage()
			t.Logf("%v without a broker: memory went from %d to %d MB", time.Since(begun).Round(time.Second), before.resident>>20, away.resident>>20)
			if grown := away.resident - before.resident; grown > 64<<20 {
				t.Errorf("memory grew by %d MB", grown>>20)
			}
			r.until("owned all the same", func() bool { return r.owned("a") == 2 })
			b.Restart()
			p.produce(2_000)
			p.exact()
			if now := r.texts("select partition, epoch from dag.stream_offsets order by 1"); strings.Join(now, " ") != strings.Join(epochs, " ") {
				t.Errorf("the partitions were claimed anew: %v, were %v", now, epochs)
			}
			w.tellsOnce(begun)
			w.kill()
		})
	}
}
