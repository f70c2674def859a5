//go:build unix

package embedded

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// stopped returns a state folder with a database whose server has stopped.
func stopped(t *testing.T) (string, *Postgres) {
	t.Helper()
	state, err := os.MkdirTemp("", "tillflow-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(state); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(state, 0o755); err != nil {
		t.Fatal(err)
	}
	pg := restart(t, state)
	if err := pg.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return state, pg
}

func restart(t *testing.T, state string) *Postgres {
	t.Helper()
	pg, err := StartPostgres(t.Context(), PostgresConfig{State: state})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.WithoutCancel(t.Context())) })
	return pg
}

// A server that nobody told of its parent's death would hold the folder for ever.
func TestStartStopsAnOrphan(t *testing.T) {
	t.Parallel()
	state, pg := stopped(t)
	b, err := findBinaries(t.Context(), "", 0, pg.place.acct)
	if err != nil {
		t.Fatal(err)
	}
	orphan := exec.Command(b.postgres(), serverArguments(pg.place.data(), pg.socket, pg.port)...)
	orphan.Dir = pg.place.data()
	orphan.Env = serverEnv()
	orphan.SysProcAttr = attributes(pg.place.acct, 0)
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	up := func() bool { return pg.ask(t.Context()) == nil }
	if err := poll(t.Context(), time.Minute, up); err != nil {
		t.Fatal(err)
	}
	again := restart(t, state)
	select {
	case <-ended:
	default:
		t.Error("the orphan is still there")
	}
	if err := again.ask(t.Context()); err != nil {
		t.Error(err)
	}
}

// Process ids come again: the one in a pid file left by a crash may be any program's by now. Postgres takes it for a
// server when it runs as the same user, and refuses to start.
func TestStartIgnoresAPidFileOfAnotherProgram(t *testing.T) {
	t.Parallel()
	state, pg := stopped(t)
	other := exec.Command("sleep", "600")
	other.Dir = "/"
	other.SysProcAttr = attributes(pg.place.acct, syscall.SIGKILL)
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Process.Kill(); err != nil {
			t.Errorf("the other program was ended: %v", err)
		}
		_ = other.Wait()
	})
	file := filepath.Join(pg.place.data(), "postmaster.pid")
	text := strconv.Itoa(other.Process.Pid) + "\n" + pg.place.data() + "\n1700000000\n5433\n\n127.0.0.1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pg.place.acct.own(file); err != nil {
		t.Fatal(err)
	}
	restart(t, state)
}

// A first start that is killed during initdb leaves a half-made folder.
func TestStartAfterAHalfMadeDatabase(t *testing.T) {
	t.Parallel()
	state, pg := stopped(t)
	half := pg.place.data() + ".new-1"
	if err := os.Rename(pg.place.data(), half); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(half, "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	if err := restart(t, state).ask(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the half-made folder is left: %v", err)
	}
}

// On Linux the kernel stands in for the guard, elsewhere only the guard does; it is the same code, so it is tested
// everywhere. The guarded process is a plain one: the guard knows nothing of Postgres.
func TestGuardActsWhenItsLineIsCut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say           string
		ends, deletes bool
	}{
		"we_died":             {"", true, true},
		"server_was_gone":     {"gone\n", false, true},
		"dismissed":           {"dismissed\n", false, false},
		"gone_then_dismissed": {"gone\ndismissed\n", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keep := exec.Command("sleep", "600")
			if err := keep.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() { defer close(ended); _ = keep.Wait() }()
			dir := filepath.Join(t.TempDir(), "made for 'this' process")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			g, err := startGuard(keep.Process.Pid, syscall.SIGQUIT, []string{dir})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.line.WriteString(c.say); err != nil {
				t.Fatal(err)
			}
			if err := g.line.Close(); err != nil { // as the kernel does when we die
				t.Fatal(err)
			}
			if err := g.cmd.Wait(); err != nil {
				t.Errorf("the guard: %v", err)
			}
			select {
			case <-ended:
				if !c.ends {
					t.Error("the process was ended")
				}
			default:
				if c.ends {
					t.Error("the process goes on")
				}
				_ = keep.Process.Kill()
				<-ended
			}
			if _, err := os.Stat(dir); os.IsNotExist(err) != c.deletes {
				t.Errorf("the folder: %v, want it deleted: %v", err, c.deletes)
			}
		})
	}
}
