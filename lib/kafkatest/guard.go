//go:build unix

package kafkatest

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// guard is a shell that waits until the test binary lets go of it or dies, in whatever way; then it ends the broker, if
// there still is one, and deletes its folder.
type guard struct {
	cmd  *exec.Cmd
	line *os.File // the shell reads from it; the kernel closes it when we die
}

const guardScript = `
cat >/dev/null
[ ! -s "$1/pid" ] || kill -9 "$(cat "$1/pid")" 2>/dev/null
i=0
until rm -rf -- "$1" 2>/dev/null || [ $i -ge 50 ]; do sleep 0.1; i=$((i+1)); done
`

func startGuard(dir string) (*guard, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", guardScript, "guard", dir)
	cmd.Stdin, cmd.Dir = r, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the guard of the broker: %w", err)
	}
	return &guard{cmd, w}, nil
}

// dismiss lets the guard do its work now, and waits for it.
func (g *guard) dismiss() {
	_ = g.line.Close()
	_ = g.cmd.Wait()
}
