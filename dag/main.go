// Command dag runs a pipeline that a dagfile declares: streams from Kafka into Postgres, batch jobs on what they wrote,
// and reports that refresh themselves. `dag help` lists what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
)

// The exit codes that `dag help` promises.
const (
	exitDone        = 0
	exitFailed      = 1   // a job or a service failed
	exitUsage       = 2   // the dagfile or the flags are wrong
	exitCheck       = 3   // a check of the data failed
	exitNothing     = 4   // nothing was selected
	exitTimedOut    = 5   // a job took longer than its timeout
	exitInterrupted = 130 // stopped by Ctrl-C before it was done
)

// command is one verb.
type command struct {
	name, args, about string
	run               func(ctx context.Context, c *call) error
}

// commands is filled in init, since help lists them all.
var commands []command

func init() {
	commands = []command{
		{"run", "[SELECTOR ...] [--once] [--as-of TIME] [-o text|json]", "everything until Ctrl-C; with names, those jobs once", cmdRun},
		{"up", "", "start only the services, until Ctrl-C", cmdUp},
		{"sql", "QUERY [-o table|csv|json]", "run a query on the pipeline's database", cmdSQL},
		{"env", "[--secrets]", `print the services' addresses: eval "$(dag env)"`, cmdEnv},
		{"plan", "[SELECTOR ...] [--now TIME] [-o table|json]", "show what would run, when, why, and over which events", cmdPlan},
		{"ls", "[SELECTOR ...] [-o table|json|names]", "list the jobs", cmdLs},
		{"graph", "[SELECTOR ...] [-o ascii|mermaid|dot|json]", "draw the jobs and what they wait for", cmdGraph},
		{"validate", "", "check the dagfile", cmdValidate},
		{"report", "new|validate|watch|render|export [FILE|JOB] [CELL] [-o FILE]", "begin, check, watch, render or export a report file", cmdReport},
		{"schema", "[KEY]", "print the JSON schema of a dagfile, or of one key", cmdSchema},
		{"verify", "[STREAM ...] [-o table|json]", "prove that streams lost and doubled nothing", cmdVerify},
		{"test", "[SELECTOR ...] [-o table|json]", "run the data checks and show what they find", cmdTest},
		{"deadletters", "ls|show|replay|drop [-o table|csv|json]", "messages that could not become rows", cmdDeadLetters},
		{"skip", "STREAM --to-start|--new-log [--partition N]", "let a stopped partition go on; recorded", cmdSkip},
		{"status", "[SELECTOR ...] [-o table|json]", "what each job is doing, what is wrong, what to do", cmdStatus},
		{"why", "JOB [-o text|json]", "why a job runs or not, and when it next may", cmdWhy},
		{"history", "[JOB] [-o table|json]", "list runs, the newest first", cmdHistory},
		{"show", "RUN|JOB [-o text|json]", "all about a run: why, when, attempts, rows, error, log", cmdShow},
		{"logs", "JOB [-f] [--run RUN]", "what a run wrote; -f follows it", cmdLogs},
		{"pause", "[SELECTOR ...] [--reason TEXT]", "start no more runs of jobs; alone, list the pauses", cmdPause},
		{"resume", "SELECTOR ...", "end pauses", cmdResume},
		{"stop", "[--now]", "stop the running pipeline: finish the work in hand", cmdStop},
		{"retry", "RUN|JOB [--downstream]", "make a run again, with its as-of and its parameters", cmdRetry},
		{"backfill", "JOB --from T --to T [--step 1d]", "run a job over past intervals; again goes on", cmdBackfill},
		{"init", "[DIR] [--retail]", "write a small project of your own that runs", cmdInit},
		{"bench", "stream|runner|analytics|report [-o text|json]", "measure the stream, the engine, analyses or a report", cmdBench},
		{"completion", "bash|zsh|fish", "complete verbs, flags and jobs in a shell", cmdCompletion},
		{"help", "[VERB]", "show this, or all about one verb", cmdHelp},
	}
}

func main() {
	if os.Getenv("GOGC") == "" {
		// What lives long is a few large buffers, so collecting twice as often costs next to nothing and halves the rest.
		debug.SetGCPercent(50)
	}
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// execute is the whole command, so that tests can call it in-process. It returns the exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 || slices.Contains([]string{"-h", "--help", "-help"}, args[0]) {
		args = []string{"help"}
	}
	for _, cmd := range commands {
		if cmd.name != args[0] {
			continue
		}
		c := &call{command: cmd, stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.LookupEnv}
		c.hideSecrets("")
		err := c.parse(args[1:])
		if err == nil {
			err = cmd.run(ctx, c)
		}
		return report(c.hidden.Writer(stderr), cmd.name, err)
	}
	return report(stderr, "", unknownVerb(args[0]))
}

// exitError is an error that decides the exit code. Its text may be empty when everything has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// errSaid is an error whose text has been printed already.
var errSaid = errors.New("")

// report prints an error and gives its exit code.
func report(stderr io.Writer, verb string, err error) int {
	if err == nil {
		return exitDone
	}
	if text := err.Error(); text != "" {
		prefix := "dag"
		if verb != "" {
			prefix += " " + verb
		}
		fmt.Fprintf(stderr, "%s: %s\n", prefix, text)
	}
	var ee *exitError
	if errors.As(err, &ee) {
		return ee.code
	}
	return exitFailed
}
