//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphan ends a server that still runs on the place: its parent was killed a moment ago and it is stopping, or
// nobody told it. The caller holds the place's lock, so no live process of ours has a use for it. A postmaster.pid
// whose process is another program (process ids come again soon in a container) is removed, for Postgres would take
// that program for a server and refuse to start.
func stopOrphan(ctx context.Context, p place) error {
	path := filepath.Join(p.data(), "postmaster.pid")
	pid, err := postmasterPID(path)
	if err != nil || pid == 0 {
		return err
	}
	if !isPostmaster(ctx, pid, p.data()) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the pid file of a server that is gone: %w", err)
		}
		return nil
	}
	for _, step := range []struct {
		sig  syscall.Signal
		wait time.Duration
	}{{syscall.SIGINT, 20 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}} {
		if err := syscall.Kill(pid, step.sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the Postgres (process %d) that an earlier run left on %s: %w", pid, p.data(), err)
		}
		gone := func() bool { return !isPostmaster(ctx, pid, p.data()) }
		if err := poll(ctx, step.wait, gone); err == nil {
			return nil
		} else if ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("a Postgres of an earlier run (process %d) on %s does not stop: end it with kill -9 %d", pid, p.data(), pid)
}

// postmasterPID returns the process id in a postmaster.pid, 0 when there is no such file.
func postmasterPID(path string) (int, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid <= 1 {
		return 0, nil // half written by a server that died: Postgres itself copes with it
	}
	return pid, nil
}

// isPostmaster tells whether a process is a Postgres server on the data folder. A server works in its data folder,
// which Linux shows; elsewhere ps shows its arguments.
func isPostmaster(ctx context.Context, pid int, data string) bool {
	if _, err := os.Stat("/proc/self/cwd"); err == nil {
		cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)) // fails for a dead process nobody collected
		if err != nil || cwd != data {
			return false
		}
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return err == nil && strings.HasPrefix(filepath.Base(exe), "postgres")
	}
	out, err := exec.CommandContext(ctx, "ps", "-o", "stat=,command=", "-p", strconv.Itoa(pid)).Output()
	line := string(out)
	return err == nil && !strings.HasPrefix(line, "Z") && strings.Contains(line, "postgres") && strings.Contains(line, data)
}

var errTimeout = errors.New("timed out")

// poll waits until done says so, looking every few milliseconds: a dying process that is not our child tells nobody.
func poll(ctx context.Context, longest time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, longest, errTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}
