package kafkatest

import "syscall"

// attributes give the broker a process group of its own, so that Ctrl-C reaches the test first, and let the kernel kill
// it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
