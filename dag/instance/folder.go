// Package instance is the state folder of a pipeline (.tillflow/ beside the dagfile): who runs the pipeline, who runs its
// embedded services, and where those listen. Each of the two roles has one holder at a time; others find it here, and
// attach to its services.
package instance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Folder is a state folder.
type Folder struct{ Path string }

// Role is one of the things that only one process may do in a folder at a time.
type Role string

// The services are started and stopped by one process; the whole pipeline is run by one process, which may be another.
const (
	ServicesRole Role = "services"
	RunRole      Role = "run"
)

// Info is what the holder of a role tells the others. It holds no secret.
type Info struct {
	PID      int       `json:"pid"`
	Command  string    `json:"command"` // such as "dag run"
	Started  time.Time `json:"started"`
	Ready    bool      `json:"ready"`   // the services answer
	Address  string    `json:"address"` // of the reports, "" when nothing is served
	Key      string    `json:"key"`     // lets this user's commands in there; another one each time
	Brokers  []string  `json:"brokers"` // of the embedded Kafka
	URL      string    `json:"url"`     // of the embedded Postgres, for other programs; the password is in PassFile
	Socket   string    `json:"socket"`  // of the embedded Postgres, for this user's own processes
	PassFile string    `json:"passfile"`
}

// OwnedError says that another process has the role.
type OwnedError struct {
	Path string
	Info Info
}

func (e *OwnedError) Error() string {
	s := fmt.Sprintf("%s is in use by `%s`, pid %d", e.Path, e.Info.Command, e.Info.PID)
	if e.Info.Address != "" {
		s += ", at " + e.Info.Address
	}
	return s + "; stop it first, or give this one its own folder with --state and its own ports"
}

// Open makes the folder if needed, for this user only.
func Open(path string) (*Folder, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("state folder %s: %w", path, err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return nil, fmt.Errorf("make the state folder (--state or TILLFLOW_STATE choose another): %w", err)
	}
	// Git and friends should not pick up a database.
	ignore := filepath.Join(abs, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o644); err != nil {
			return nil, fmt.Errorf("write into the state folder: %w", err)
		}
	}
	return &Folder{abs}, nil
}

func (f *Folder) file(name string) string   { return filepath.Join(f.Path, name) }
func (f *Folder) lockFile(role Role) string { return f.file(string(role) + ".lock") }
func (f *Folder) infoFile(role Role) string { return f.file(string(role) + ".json") }

// ID names the pipeline on this folder, the same after every restart: a process that starts here is the only one, so
// it may take back at once what the one before it held.
func (f *Folder) ID() (string, error) {
	b, err := os.ReadFile(f.file("instance"))
	if err == nil {
		if id := strings.TrimSpace(string(b)); id != "" {
			return id, nil
		}
	}
	host, _ := os.Hostname()
	var r [6]byte
	_, _ = rand.Read(r[:]) // never fails: it ends the process instead
	id := host + "-" + hex.EncodeToString(r[:])
	if err := os.WriteFile(f.file("instance"), []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("name this instance: %w", err)
	}
	return id, nil
}

// Owner is a held role.
type Owner struct {
	Folder *Folder
	role   Role
	lock   *os.File
	info   Info
}

// Own takes a role for this process until Release or the process's end, however it ends. The error is *OwnedError
// when another process has it.
func (f *Folder) Own(role Role, command string) (*Owner, error) {
	lock, err := os.OpenFile(f.lockFile(role), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state folder: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = lock.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			info, _ := f.Read(role)
			return nil, &OwnedError{f.Path, info}
		}
		return nil, fmt.Errorf("lock the state folder %s: %w", f.Path, err)
	}
	o := &Owner{Folder: f, role: role, lock: lock, info: Info{PID: os.Getpid(), Command: command, Started: time.Now()}}
	if err := o.write(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return o, nil
}

// Tell changes what the others read.
func (o *Owner) Tell(change func(i *Info)) error {
	change(&o.info)
	return o.write()
}

func (o *Owner) write() error {
	b, err := json.MarshalIndent(o.info, "", "  ")
	if err != nil {
		return err
	}
	tmp := o.Folder.infoFile(o.role) + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("tell others about this process: %w", err)
	}
	return os.Rename(tmp, o.Folder.infoFile(o.role))
}

// Release gives the role up.
func (o *Owner) Release() {
	_ = os.Remove(o.Folder.infoFile(o.role))
	_ = o.lock.Close() // the lock goes with it
}

// Read gives what the holder of a role told, and whether there is one now.
func (f *Folder) Read(role Role) (Info, bool) {
	var i Info
	b, err := os.ReadFile(f.infoFile(role))
	if err != nil || json.Unmarshal(b, &i) != nil {
		return i, false
	}
	return i, f.owned(role)
}

// owned tells whether some process holds the lock; the kernel drops it when the holder ends.
func (f *Folder) owned(role Role) bool {
	lock, err := os.OpenFile(f.lockFile(role), os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer lock.Close()
	return errors.Is(unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// Use marks the services as in use by this process, which did not start them, until the returned function is called or
// the process ends.
func (f *Folder) Use() (release func(), err error) {
	lock, err := os.OpenFile(f.file("users.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("mark the services as in use: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_SH); err != nil {
		_ = lock.Close() // nothing was written
		return nil, fmt.Errorf("mark the services as in use: %w", err)
	}
	return func() { _ = lock.Close() }, nil // the mark goes with it
}

// AwaitUsers waits until no other process uses the services, or ctx ends: a short command that started them should
// not take them away from one that joined it. Whoever wants to join now waits until the returned function is called.
func (f *Folder) AwaitUsers(ctx context.Context) (release func()) {
	lock, err := os.OpenFile(f.file("users.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return func() {} // then nobody could mark a use either
	}
	for errors.Is(unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return func() { _ = lock.Close() } // the lock goes with it
}
