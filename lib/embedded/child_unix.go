//go:build unix && !linux

package embedded

import "syscall"

// kernelGuards says that the kernel tells a child when we die.
const kernelGuards = false

func attributes(acct account, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: acct.credential()}
}
