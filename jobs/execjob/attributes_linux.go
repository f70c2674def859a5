package execjob

import "syscall"

// attributes puts the command into a group of its own, and has the kernel end it when we die.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
