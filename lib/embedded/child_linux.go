package embedded

import "syscall"

// kernelGuards says that the kernel tells a child when we die.
const kernelGuards = true

func attributes(acct account, death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: death, Credential: acct.credential()}
}
