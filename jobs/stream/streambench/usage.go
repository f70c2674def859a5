package streambench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"
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
	w.own, w.sql, w.broker, w.begun = ownCPU(), b.server.cpu(), b.broker.cpu(), time.Now()
	return w
}

func (w *watch) stop() spent {
	s := spent{wall: time.Since(w.begun), own: ownCPU() - w.own, server: w.bench.server.cpu() - w.sql, broker: w.bench.broker.cpu() - w.broker}
	close(w.quit)
	s.rss = <-w.rss
	return s
}

// ownCPU is the CPU time of this process so far.
func ownCPU() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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

// server is the process all others of Postgres come from; 0 where the system does not tell.
type server int

// findServer asks a session for its process, whose parent is the server.
func findServer(ctx context.Context, db *pgxpool.Pool) (server, error) {
	var pid int
	if err := db.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return 0, err
	}
	if f := processStat(pid); f != nil {
		parent, err := strconv.Atoi(string(f[1]))
		return server(parent), err
	}
	return 0, nil
}

// cpu is the CPU time of all processes of the server so far, those that have ended included.
func (s server) cpu() time.Duration {
	if s == 0 {
		return 0
	}
	ticks := cpuTicks(int(s), true)
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", s))
	if err != nil {
		return 0
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		for _, f := range bytes.Fields(text) {
			if pid, err := strconv.Atoi(string(f)); err == nil {
				ticks += cpuTicks(pid, false)
			}
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// ticksPerSecond is the unit of /proc/PID/stat, the same on every Linux.
const ticksPerSecond = 100

// cpuTicks is what a process has used; ended adds those of its children that have ended.
func cpuTicks(pid int, ended bool) (sum int64) {
	f := processStat(pid)
	if f == nil {
		return 0
	}
	last := 13 // utime, stime
	if ended {
		last = 15 // cutime, cstime
	}
	for _, v := range f[11:last] {
		n, _ := strconv.ParseInt(string(v), 10, 64)
		sum += n
	}
	return sum
}

// processStat are the fields of /proc/PID/stat after the name, which may hold anything: the state is the first, the
// parent the second. nil when there is no such process or file.
func processStat(pid int) [][]byte {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 15 {
		return nil
	}
	return f
}
