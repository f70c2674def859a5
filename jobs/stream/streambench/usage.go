package streambench

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"tillflow/lib/cputime"
)

// spent is what one way took.
type spent struct {
	wall        time.Duration
	own, server time.Duration // CPU time of this process and of Postgres
	broker      time.Duration // likewise
	rss         int64         // greatest resident memory of this process, bytes
}

func (s *spent) add(o spent) {
	s.wall += o.wall
	s.own += o.own
	s.server += o.server
	s.broker += o.broker
	s.rss = max(s.rss, o.rss)
}

// watch notes what is spent from now on until stop.
type watch struct {
	bench  *bench
	begun  time.Time
	own    time.Duration
	sql    time.Duration
	broker time.Duration
	quit   chan struct{}
	rss    chan int64
}

// rssEvery is how often memory is looked at: more than once while a batch is written.
const rssEvery = 50 * time.Millisecond

// watch gives free memory back first, so that what other ways have left behind does not count.
func (b *bench) watch() *watch {
	debug.FreeOSMemory()
	w := &watch{bench: b, quit: make(chan struct{}), rss: make(chan int64, 1)}
	go func() {
		most := residentBytes()
		tick := time.NewTicker(rssEvery)
		defer tick.Stop()
		for {
			select {
			case <-w.quit:
				w.rss <- max(most, residentBytes())
				return
			case <-tick.C:
				most = max(most, residentBytes())
			}
		}
	}()
	w.own, w.sql, w.broker, w.begun = cputime.Own(), cputime.Family(b.server), b.broker.cpu(), time.Now()
	return w
}

func (w *watch) stop() spent {
	s := spent{wall: time.Since(w.begun), own: cputime.Own() - w.own, server: cputime.Family(w.bench.server) - w.sql, broker: w.bench.broker.cpu() - w.broker}
	close(w.quit)
	s.rss = <-w.rss
	return s
}

// residentBytes is this process's memory now; where the system does not tell, the greatest it ever had.
func residentBytes() int64 {
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 {
			pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return pages * int64(os.Getpagesize())
		}
	}
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// serverOf asks a session for its process, whose parent is the server; 0 where the system does not tell.
func serverOf(ctx context.Context, db *pgxpool.Pool) (pid int, err error) {
	if err := db.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return 0, err
	}
	return cputime.Parent(pid), nil
}
