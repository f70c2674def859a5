//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a running server process.
type child struct {
	pid   int
	done  chan struct{} // closed when the process is gone
	err   error         // why it went; read after done
	guard *guard        // nil when the kernel stands in for it
}

// startChild starts a server that does not outlive this process. death is the signal it gets when we die in whatever
// way, and remove lists what is to be deleted after that.
//
// On Linux the kernel sends the signal (PR_SET_PDEATHSIG). It does so when the thread that forked ends, not the
// process; so the child is started from a goroutine bound to its thread, which stays until the child is gone. The
// child has a process group of its own, so that Ctrl-C in a terminal reaches this process only, which then stops the
// server after its clients.
func startChild(cmd *exec.Cmd, acct account, death syscall.Signal, remove []string) (*child, error) {
	cmd.SysProcAttr = attributes(acct, death)
	c := &child{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		defer close(c.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	c.pid = cmd.Process.Pid
	if !kernelGuards || len(remove) > 0 {
		g, err := startGuard(c.pid, death, remove)
		if err != nil {
			_ = syscall.Kill(c.pid, syscall.SIGKILL) // our own child, not yet waited for by anyone else
			<-c.done
			return nil, err
		}
		c.guard = g
	}
	return c, nil
}

// stop ends a postmaster: SIGINT asks for a fast stop, which drops the clients and writes a checkpoint; SIGQUIT for an
// immediate one, after which the next start recovers; SIGKILL for when even that is ignored. It returns an error when
// the fast stop did not do. The fast stop may take until ctx ends, but at most longest.
func (c *child) stop(ctx context.Context, longest time.Duration) error {
	defer func() {
		if c.guard != nil {
			c.guard.dismiss()
		}
	}()
	if c.ended(ctx, syscall.SIGINT, longest) {
		return nil
	}
	background := context.WithoutCancel(ctx)
	if c.ended(background, syscall.SIGQUIT, 5*time.Second) {
		return fmt.Errorf("stop Postgres: no answer to a fast stop; stopped at once, and the next start recovers")
	}
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	if !c.ended(background, syscall.SIGKILL, 5*time.Second) {
		return fmt.Errorf("stop Postgres: process %d does not end", c.pid)
	}
	return errors.New("stop Postgres: no answer to any request; killed, and the next start recovers")
}

func (c *child) ended(ctx context.Context, sig syscall.Signal, wait time.Duration) bool {
	select {
	case <-c.done: // a signal now could meet another process
		return true
	default:
	}
	_ = syscall.Kill(c.pid, sig)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

// guard is a shell that waits for this process to end and then does what is left to do: stop the server where the
// kernel does not, and delete what was made for this process only.
type guard struct {
	cmd  *exec.Cmd
	line *os.File // the shell reads from it; the kernel closes it when we die
}

// The loop ends after ten seconds in any case: where nobody collects dead processes, as in some containers, one that
// is gone still answers.
const guardScript = `
sig=$1; pid=$2; shift 2
while read -r word; do
	case $word in
	dismissed) exit 0 ;;
	gone) pid= ;;
	esac
done
if [ -n "$pid" ]; then
	kill -s "$sig" "$pid" 2>/dev/null
	i=0
	while kill -0 "$pid" 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
fi
[ $# -eq 0 ] || rm -rf -- "$@"
`

func startGuard(pid int, sig syscall.Signal, remove []string) (*guard, error) {
	name := map[syscall.Signal]string{syscall.SIGINT: "INT", syscall.SIGQUIT: "QUIT"}[sig]
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", guardScript, "guard", name, fmt.Sprint(pid)}, remove...)...)
	cmd.Stdin = r
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the guard of Postgres: %w", err)
	}
	return &guard{cmd, w}, nil
}

// gone tells the guard that the server has ended, so that it does not signal whoever gets the process id next.
func (g *guard) gone() { _, _ = g.line.WriteString("gone\n") }

// dismiss lets the guard go without doing anything.
func (g *guard) dismiss() {
	_, _ = g.line.WriteString("dismissed\n")
	_ = g.line.Close()
	_ = g.cmd.Wait()
}
