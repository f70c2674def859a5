//go:build unix

package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// InUseError says that a live process runs the server of a state folder already.
type InUseError struct {
	Service string // "Postgres" or "Kafka"
	Folder  string
	PID     int // of the other process; 0 when it has not written it yet
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("start %s: %s is in use by %s: stop it, or choose another state folder", e.Service, e.Folder, who)
}

// folderLock is a folder taken for this process.
type folderLock struct{ file *os.File }

// lockFolder takes the folder for this process until it is released. The lock is the kernel's (flock), so it ends
// with the process however that ends, and whoever gets it knows that any server still running here is an orphan.
func lockFolder(dir, service string) (*folderLock, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		text, _ := os.ReadFile(path)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, &InUseError{Service: service, Folder: dir, PID: pid}
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &folderLock{f}, nil
}

// release gives the folder back. Closing the file would not do: a child that is being forked at this moment has a copy
// of it until it becomes another program, and would hold the lock for as long. It may be called on nil.
func (l *folderLock) release() {
	if l != nil {
		_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
		_ = l.file.Close() // nothing was written to it that matters
	}
}
