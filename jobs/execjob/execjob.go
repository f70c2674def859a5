// Package execjob is the job kind `exec`: a command of the shop's own, in whatever language, as a node of the graph.
//
// The command runs in a process group of its own. When the run is canceled the whole group gets SIGTERM and, if any of
// it is still there after the drain time, SIGKILL; what a command leaves behind in its group when it ends is killed, too,
// for a job that is over must not go on. On Linux the command dies with dag, even by a kill -9.
//
// It finds the pipeline by DATABASE_URL and KAFKA_BROKERS, what it is by DAG_JOB, DAG_RUN_ID and DAG_AS_OF, the
// parameters of the run by DAG_PARAM_name, and the interval of a backfill by DAG_FROM and DAG_TO. What it
// prints is the run's log; the values of variables that look like secrets are shown as ***.
package execjob

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/secret"
	"tillflow/lib/strictyaml"
)

// Deps is what a command works with.
type Deps struct {
	DB      *pgxpool.Pool // its address is told to the command; nil tells none
	Brokers []string
	Log     *slog.Logger
	Dir     string   // folder of the dagfile
	Environ []string // NAME=VALUE; default: that of this process
}

// Job runs a command.
type Job struct {
	name string
	with With
	deps Deps
}

// New makes the job. The program is looked for when it runs.
func New(name string, w With, d Deps) (*Job, error) {
	for _, p := range w.Check(func(...string) strictyaml.Pos { return strictyaml.Pos{} }) {
		return nil, errors.New(p.Msg)
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Environ == nil {
		d.Environ = os.Environ()
	}
	return &Job{name: name, with: w, deps: d}, nil
}

// ExitError is a command that did not end well.
type ExitError struct {
	Program string
	Code    int    // -1 when a signal ended it
	State   string // "exit status 3", "signal: killed"
	Last    string // the last lines it printed, without secrets
}

// Error tells the code and the last lines.
func (e *ExitError) Error() string {
	s := e.Program + ": " + e.State
	if e.Last != "" {
		s += "; it said last:\n" + e.Last
	}
	return s
}

// defaultDrain is how long a canceled command has when the run does not say.
const defaultDrain = 10 * time.Second

// Run runs the command to its end. A code other than 0 is an *ExitError. When ctx ends the command is stopped and the
// cause of ctx is returned, however the command ended then.
func (j *Job) Run(ctx context.Context, in run.Input) (run.Result, error) {
	env := j.environ(in)
	hidden := secret.In(env)
	out := newOutput(in.Output, hidden)
	drain := in.Drain
	if drain <= 0 {
		drain = defaultDrain
	}
	cmd := exec.Command(j.with.Command[0], j.with.Command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	cmd.Dir = j.with.Dir
	if !filepath.IsAbs(cmd.Dir) {
		cmd.Dir = filepath.Join(j.deps.Dir, cmd.Dir)
	}
	cmd.SysProcAttr = attributes()
	// Past this, whoever still holds our end of the output has left the group; its output is not ours to wait for.
	cmd.WaitDelay = time.Second
	if ctx.Err() != nil {
		return run.Result{}, context.Cause(ctx)
	}
	// The kernel ends the command when the thread that started it ends, so this thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := time.Now()
	if st, err := os.Stat(cmd.Dir); err != nil {
		return run.Result{}, fmt.Errorf("working folder: %w", err)
	} else if !st.IsDir() {
		return run.Result{}, fmt.Errorf("working folder: %s is no folder", cmd.Dir)
	}
	if err := cmd.Start(); err != nil {
		return run.Result{}, fmt.Errorf("start %s: %w", j.with.Command[0], err)
	}
	err := wait(ctx, cmd, drain)
	last := out.end()
	switch {
	case ctx.Err() != nil:
		return run.Result{}, context.Cause(ctx)
	case err != nil:
		state := cmd.ProcessState
		if state == nil {
			return run.Result{}, fmt.Errorf("wait for %s: %w", j.with.Command[0], err)
		}
		return run.Result{}, &ExitError{Program: secret.Hide(hidden).Text(j.with.Command[0]), Code: state.ExitCode(), State: state.String(), Last: last}
	}
	note := "ended after " + time.Since(began).Round(time.Millisecond).String()
	if i := strings.LastIndexByte(last, '\n'); last != "" {
		note = last[i+1:]
	}
	return run.Result{Note: note}, nil
}

// wait waits for the command and, when ctx ends, stops its group. The group is gone when it returns.
func wait(ctx context.Context, cmd *exec.Cmd, drain time.Duration) error {
	group := -cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = syscall.Kill(group, syscall.SIGTERM)
		kill := time.NewTimer(drain)
		defer kill.Stop()
		select {
		case err = <-ended:
			empty(group, kill.C)
		case <-kill.C:
			_ = syscall.Kill(group, syscall.SIGKILL)
			err = <-ended
		}
	}
	_ = syscall.Kill(group, syscall.SIGKILL) // what the command left behind
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the command itself ended well
	}
	return err
}

// empty waits until nobody is left in the group, or until late.
func empty(group int, late <-chan time.Time) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(group, 0) == nil {
		select {
		case <-tick.C:
		case <-late:
			return
		}
	}
}

// environ is what the command finds: our own variables, the pipeline's, and the dagfile's, which win.
func (j *Job) environ(in run.Input) []string {
	env := append([]string(nil), j.deps.Environ...)
	if j.deps.DB != nil {
		env = append(env, "DATABASE_URL="+j.deps.DB.Config().ConnString())
	}
	if len(j.deps.Brokers) > 0 {
		env = append(env, "KAFKA_BROKERS="+strings.Join(j.deps.Brokers, ","))
	}
	env = append(env, "DAG_JOB="+in.Job, "DAG_RUN_ID="+string(in.ID), "DAG_AS_OF="+in.AsOf.UTC().Format(time.RFC3339Nano))
	if !in.From.IsZero() {
		env = append(env, "DAG_FROM="+in.From.UTC().Format(time.RFC3339Nano), "DAG_TO="+in.To.UTC().Format(time.RFC3339Nano))
	}
	for name, value := range in.Params {
		env = append(env, "DAG_PARAM_"+name+"="+value)
	}
	for name, value := range j.with.Env {
		env = append(env, name+"="+value)
	}
	return env
}
