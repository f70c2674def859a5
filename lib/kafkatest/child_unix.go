//go:build unix && !linux

package kafkatest

import "syscall"

// attributes give the broker a process group of its own, so that Ctrl-C reaches the test first. The guard alone ends it
// when the test binary is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
