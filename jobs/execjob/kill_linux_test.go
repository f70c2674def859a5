package execjob

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"tillflow/dag/run"
)

// childEnv makes this test binary run a command in place of the tests, so that the test can kill it. Its value is the
// folder.
const childEnv = "TILLFLOW_EXEC_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		j, err := New("train", With{Command: []string{"sh", "-c", "echo $$ > pids; exec sleep 600"}}, Deps{Dir: dir})
		if err == nil {
			_, err = j.Run(context.Background(), run.Input{Drain: time.Second, Progress: func(run.Progress) {}, Output: io.Discard})
		}
		if err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A command does not outlive the process that runs it, not even one that is killed without a chance to stop it: the next
// attempt would meet it.
func TestCommandDiesWithUs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	command := pids(t, filepath.Join(dir, "pids"), 1)[0]
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	gone(t, command)
}
