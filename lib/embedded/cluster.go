//go:build unix

package embedded

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// dataMajor returns the major version that made the data of a place, 0 when there is no data yet.
func dataMajor(p place) (int, error) {
	path := filepath.Join(p.data(), "PG_VERSION")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read %s: %q is not a version", path, text)
	}
	return major, nil
}

// initData makes an empty database cluster: UTF-8, user postgres with the password over TCP, trust on the socket.
// initdb writes PG_VERSION early, so it works in a folder of another name, and only a finished one becomes the data. The
// name is new each time: initdb's own children outlive it for a moment when a start is killed, and still write into theirs.
func initData(ctx context.Context, p place, b binaries, password string) error {
	pattern := p.data() + ".new-"
	fresh, err := os.MkdirTemp(p.dir, filepath.Base(pattern))
	if err != nil {
		return err
	}
	if err := p.acct.own(fresh); err != nil {
		return err
	}
	// A file and not an argument, for everybody on the machine can read arguments.
	pwfile := fresh + ".password"
	if err := replaceFile(pwfile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(pwfile)
	if err := p.acct.own(pwfile); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.initdb(), "-D", fresh, "-U", "postgres", "-E", "UTF8", "--locale="+locale(),
		"--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile="+pwfile, "--no-sync", "--no-instructions")
	cmd.Dir = fresh // ours may be closed to the account
	cmd.Env = serverEnv()
	cmd.SysProcAttr = attributes(p.acct, 0)
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("make a database in %s with %s: %w\n%s", p.data(), b.initdb(), err, bytes.TrimSpace(out))
	}
	if err := includeSettings(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, p.data()); err != nil {
		return err
	}
	left, err := filepath.Glob(pattern + "*") // of starts that were killed half-way
	for _, dir := range left {
		_ = os.RemoveAll(dir) // what a dying initdb still writes goes at the next chance: it only takes room
	}
	return err
}

// passFilePath is a file in the form libpq's PGPASSFILE has.
func passFilePath(state string) string { return filepath.Join(state, "postgres.password") }

// readPassword returns the password in the file, "" when there is none: then a new one is set.
func readPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	parts := strings.Split(line, ":")
	if len(parts) != 5 {
		return "", nil
	}
	return parts[4], nil
}

// writePassword writes the lines host:port:database:user:password for each name of this machine that clients use.
func writePassword(path string, port int, password string) error {
	var b strings.Builder
	for _, host := range []string{"localhost", "127.0.0.1"} {
		fmt.Fprintf(&b, "%s:%d:*:postgres:%s\n", host, port, password)
	}
	return replaceFile(path, []byte(b.String()), 0o600)
}

// newPassword returns 144 random bits in letters that need no escape in a pgpass file, a URL or SQL.
func newPassword() string {
	var raw [18]byte
	_, _ = rand.Read(raw[:]) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(raw[:])
}
