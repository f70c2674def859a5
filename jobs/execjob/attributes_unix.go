//go:build unix && !linux

package execjob

import "syscall"

// attributes puts the command into a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
