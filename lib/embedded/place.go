//go:build unix

package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A place is the database's folder, searchable by nobody but the server's account (and root): it holds the data and the
// socket on which everybody is trusted.
//
// It is STATE/postgres where that works. As root the server runs as another user, who may be unable to enter the state
// folder, since home folders are often closed; so every parent is checked, and when one is closed the place is made
// below /var/lib/tillflow or else the folder for temporary files, with a name from a hash of the state folder's path
// and a random end. STATE/postgres.location then remembers it for the next start. The random end keeps a state folder
// that was deleted and made anew from finding the old one's data.
type place struct {
	dir  string
	acct account
	lock *folderLock
}

func (p place) data() string      { return filepath.Join(p.dir, "data") }
func (p place) release()          { p.lock.release() }
func pointerFile(s string) string { return filepath.Join(s, "postgres.location") }

// findPlace returns the place of a state folder, locked for this process, and makes it when there is none yet. state
// is an absolute path without symbolic links.
func findPlace(state string, acct account) (place, error) {
	dir, err := knownPlace(state)
	if err != nil {
		return place{}, err
	}
	if dir == "" {
		if dir, err = newPlace(state, acct); err != nil {
			return place{}, err
		}
	}
	p := place{dir: dir, acct: acct}
	if _, err := os.Stat(p.data()); err == nil {
		if p.acct, err = ownerAccount(p.data(), acct); err != nil {
			return place{}, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return place{}, fmt.Errorf("look for the database: %w", err)
	}
	if err := p.acct.reach(dir); err != nil {
		return place{}, fmt.Errorf("the database in %s cannot be used: %w", dir, err)
	}
	p.lock, err = lockFolder(dir, "Postgres")
	return p, err
}

// knownPlace returns the folder an earlier start made, or "".
func knownPlace(state string) (string, error) {
	text, err := os.ReadFile(pointerFile(state))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Join(state, "postgres")
		if _, err := os.Lstat(filepath.Join(dir, "data")); err != nil && errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		return dir, nil
	case err != nil:
		return "", err
	}
	dir := strings.TrimSpace(string(text))
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("%s says that the database is in %s, which cannot be read (%w): "+
			"bring it back, or delete the whole state folder to start anew", pointerFile(state), dir, err)
	}
	return dir, nil
}

func newPlace(state string, acct account) (string, error) {
	dir := filepath.Join(state, "postgres")
	inState := func() error {
		if err := acct.reach(state); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		return closeTo(dir, acct)
	}
	err := inState()
	if err == nil || !acct.switches {
		return dir, err
	}
	reasons := []error{err}
	sum := sha256.Sum256([]byte(state))
	for _, base := range []string{"/var/lib/tillflow", os.TempDir()} {
		dir, err := elsewhere(base, hex.EncodeToString(sum[:6]), acct)
		if err != nil {
			reasons = append(reasons, err)
			continue
		}
		if err := replaceFile(pointerFile(state), []byte(dir+"\n"), 0o644); err != nil {
			return "", err
		}
		return dir, nil
	}
	return "", fmt.Errorf("find a folder for the database that user %s can reach: %w", acct.name, errors.Join(reasons...))
}

func elsewhere(base, name string, acct account) (string, error) {
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	if err := acct.reach(base); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, "tillflow-"+name+"-")
	if err != nil {
		return "", err
	}
	if err := closeTo(dir, acct); err != nil {
		_ = os.Remove(dir)
		return "", err
	}
	return dir, nil
}

// closeTo gives a folder to the account and closes it to everybody else.
func closeTo(dir string, acct account) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	return acct.own(dir)
}

// socketFolder returns the 0700 folder for the server's socket: socket/ in the place. The path of a socket may have
// about 100 bytes, and Postgres reads a comma and a quote as marks between several, so for a place deeper than that or
// with such a name socket is a symbolic link to a short temporary folder, kept for the next start.
func (p place) socketFolder() (string, error) {
	const longest = 103 - len("/.s.PGSQL.65535") // the limit of macOS; Linux has 107
	dir := filepath.Join(p.dir, "socket")
	if len(dir) <= longest && !strings.ContainsAny(dir, `,"`) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", err
		}
		return dir, closeTo(dir, p.acct)
	}
	if target, err := os.Readlink(dir); err == nil {
		if got, err := ownerAccount(target, p.acct); err == nil && got.uid == p.acct.uid {
			return target, closeTo(target, p.acct)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	base := os.TempDir()
	if len(base) > longest-20 {
		base = "/tmp"
	}
	target, err := os.MkdirTemp(base, "tillflow-")
	if err != nil {
		return "", err
	}
	if err := os.Symlink(target, dir); err != nil {
		return "", err
	}
	return target, closeTo(target, p.acct)
}

// ancestors lists a clean absolute path's folders from the root down, itself last.
func ancestors(path string) []string {
	dirs := []string{path}
	for dir := path; dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when the rename worked
	if err = f.Chmod(mode); err == nil {
		_, err = f.Write(text)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
