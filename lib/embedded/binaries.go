//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// oldestMajor is the oldest Postgres the pipeline's SQL runs on: 14 has 'Infinity' in numeric and multiranges.
const oldestMajor = 14

// installHint tells how to get a server; it ends every error about a missing one.
const installHint = "install one: `apt install postgresql` on Debian and Ubuntu, `dnf install postgresql-server` on Fedora, " +
	"`brew install postgresql@17` on macOS; or name its bin folder in TILLFLOW_POSTGRES_BIN"

// binaries is a folder that holds the programs postgres and initdb.
type binaries struct {
	dir   string
	major int // 15 for 15.18
}

func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }
func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }

// findBinaries returns the server to use. A configured folder is used or it is an error. Otherwise the first that
// works of: PATH, the versioned folders of Debian and of RHEL with the newest first, Homebrew, and at last one that
// is fetched. major is the version the data was made by, which no other can read; 0 when there is no data yet.
func findBinaries(ctx context.Context, configured string, major int, acct account) (binaries, error) {
	if configured != "" {
		b, err := tryBinaries(ctx, configured, major, acct)
		if err != nil {
			return b, fmt.Errorf("use the Postgres in %s (TILLFLOW_POSTGRES_BIN): %w", configured, err)
		}
		return b, nil
	}
	var reasons []error
	for _, dir := range installedFolders() {
		b, err := tryBinaries(ctx, dir, major, acct)
		if err == nil {
			return b, nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", dir, err))
	}
	dir, err := fetchBinaries(ctx, major)
	if err == nil {
		var b binaries
		if b, err = tryBinaries(ctx, dir, major, acct); err == nil {
			return b, nil
		}
	}
	want := "a Postgres server"
	if major != 0 {
		want = fmt.Sprintf("a Postgres server of version %d, which made the data", major)
	}
	return binaries{}, fmt.Errorf("find %s: none on this machine, and fetching one did not work: %w\n%s",
		want, errors.Join(append(reasons, err)...), installHint)
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// tryBinaries asks the server in a folder for its version, as the account that will run it, so that a folder the
// account cannot reach is found out here.
func tryBinaries(ctx context.Context, dir string, major int, acct account) (binaries, error) {
	b := binaries{dir: dir}
	for _, program := range []string{b.postgres(), b.initdb()} {
		if info, err := os.Stat(program); err != nil {
			return b, err
		} else if info.Mode()&0o111 == 0 {
			return b, fmt.Errorf("%s is not a program", program)
		}
	}
	cmd := exec.CommandContext(ctx, b.postgres(), "--version")
	cmd.Dir = "/"
	cmd.Env = serverEnv()
	cmd.SysProcAttr = attributes(acct, 0)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("run %s --version as %s: %w %s", b.postgres(), acct.name, err, out)
	}
	found := versionLine.FindSubmatch(out)
	if found == nil {
		return b, fmt.Errorf("%s --version says %q", b.postgres(), strings.TrimSpace(string(out)))
	}
	b.major, _ = strconv.Atoi(string(found[1])) // digits only, by the pattern
	if b.major < oldestMajor {
		return b, fmt.Errorf("version %d is too old: %d or newer is needed", b.major, oldestMajor)
	}
	if major != 0 && b.major != major {
		return b, fmt.Errorf("version %d cannot read the data, which version %d made", b.major, major)
	}
	return b, nil
}

// installedFolders lists where a server may be, in order of preference, without repetition.
func installedFolders() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real)) // where initdb is, too
		}
		dirs = append(dirs, filepath.Dir(path))
	}
	patterns := []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib64/pgsql/bin", "/usr/libexec/postgresql*"}
	if runtime.GOOS == "darwin" {
		patterns = []string{
			"/opt/homebrew/opt/postgresql@*/bin", "/opt/homebrew/opt/postgresql/bin",
			"/usr/local/opt/postgresql@*/bin", "/usr/local/opt/postgresql/bin",
			"/Applications/Postgres.app/Contents/Versions/*/bin",
		}
	}
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, newestFirst(found)...)
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		again := seen[dir]
		seen[dir] = true
		return again
	})
}

var number = regexp.MustCompile(`\d+`)

// newestFirst sorts folders that differ in a version number, 15 before 9.
func newestFirst(dirs []string) []string {
	version := func(dir string) int {
		n, _ := strconv.Atoi(number.FindString(dir)) // 0 without a number: last
		return n
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	return dirs
}

// serverEnv is the environment of every program we run: none of the PG variables, which would change what it does,
// and one locale, the same on every machine.
func serverEnv() []string {
	env := []string{"LC_ALL=" + locale(), "TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// locale compares text by its bytes and knows the letters of Unicode. Older systems other than Linux lack C.UTF-8.
func locale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "C"
}
