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
	"strings"
	"text/tabwriter"
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
		{"run", "[SELECTOR ...] [--once] [--as-of TIME] [-o text|json]", "run everything until Ctrl-C; with names, run those jobs once", cmdRun},
		{"up", "", "start only the services, until Ctrl-C", cmdUp},
		{"sql", "QUERY [-o table|csv|json]", "run a query on the pipeline's database", cmdSQL},
		{"env", "[--secrets]", `print DATABASE_URL, KAFKA_BROKERS and PGPASSFILE: eval "$(dag env)"`, cmdEnv},
		{"plan", "[SELECTOR ...] [--now TIME] [-o table|json]", "show what would run, in which order, why and over which events", cmdPlan},
		{"ls", "[SELECTOR ...] [-o table|json|names]", "list the jobs", cmdLs},
		{"graph", "[SELECTOR ...] [-o ascii|mermaid|dot|json]", "draw the jobs and what they wait for", cmdGraph},
		{"validate", "", "check the dagfile", cmdValidate},
		{"schema", "[KEY]", "print the JSON schema of a dagfile, or of one key: jobs.when, load.csv.tables", cmdSchema},
		{"verify", "[STREAM ...] [-o table|json]", "prove that streams lost and doubled nothing", cmdVerify},
		{"test", "[SELECTOR ...] [-o table|json]", "run the data checks and show what they find; exit code 3 when one fails", cmdTest},
		{"deadletters", "ls|show|replay|drop", "messages that could not become rows: list, try again, throw away", cmdDeadLetters},
		{"skip", "STREAM --to-start|--new-log [--partition N]", "let a stopped partition go on with less than its log; recorded", cmdSkip},
		{"status", "[SELECTOR ...] [-o table|json]", "show what each job is doing, and what is wrong with the streams and what to do", cmdStatus},
		{"why", "JOB [-o text|json]", "tell why a job runs or not: its gate as a tree of true and false, and when it next may open", cmdWhy},
		{"history", "[JOB] [-o table|json]", "list runs: --outcome STATE, --since 2h, --limit 20", cmdHistory},
		{"show", "RUN|JOB [-o text|json]", "tell all about a run: why, when, attempts, rows, error, log", cmdShow},
		{"logs", "JOB [-f] [--run RUN]", "print what a run wrote; -f follows it", cmdLogs},
		{"pause", "[SELECTOR ...] [--reason TEXT]", "start no more runs of jobs; alone, list the pauses", cmdPause},
		{"resume", "SELECTOR ...", "end pauses", cmdResume},
		{"stop", "[--now]", "stop the running pipeline: finish the work in hand, or not", cmdStop},
		{"retry", "RUN|JOB [--downstream]", "make a run again, with its parameters and its as-of", cmdRetry},
		{"backfill", "JOB --from T --to T [--step 1d]", "run a job over past intervals; again goes on: --reprocess, --parallel", cmdBackfill},
		{"init", "[DIR]", "write the retail pipeline into a folder, as a start for one's own", cmdInit},
		{"bench", "stream|runner [-o text|json]", "measure the stream beside a bare COPY of the same rows, or what the engine costs a job", cmdBench},
		{"completion", "bash|zsh|fish", `complete verbs, flags and jobs in a shell: eval "$(dag completion bash)"`, cmdCompletion},
		{"help", "", "show this", cmdHelp},
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
		if err := c.parse(args[1:]); err != nil {
			return report(stderr, cmd.name, err)
		}
		return report(stderr, cmd.name, cmd.run(ctx, c))
	}
	names := make([]string, len(commands))
	for i, cmd := range commands {
		names[i] = cmd.name
	}
	return report(stderr, "", usagef("%q is not a command%s; `dag help` lists them", args[0], hint(args[0], names)))
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

func cmdHelp(_ context.Context, c *call) error {
	fmt.Fprint(c.stdout, "dag runs the pipeline that dagfile.yaml declares.\n\n")
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, cmd := range commands {
		fmt.Fprintf(w, "  dag %s\t%s\n", strings.TrimSpace(cmd.name+" "+cmd.args), cmd.about)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprint(c.stdout, `
A SELECTOR is a job name or a pattern (ml.*), kind:stream, kind:batch, uses:KIND, tag:TAG or state:failed.
+JOB adds what is upstream, JOB+ what is downstream, 2+JOB and JOB+2 no further than two edges, @JOB what is
downstream and all that needs. Words apart mean either (a b), a comma means both (ml.*,tag:x);
--exclude SELECTOR leaves jobs out.

Flags of every command:
  -f FILE        the dagfile (dagfile.yaml)
  --state DIR    where the embedded services keep their data (TILLFLOW_STATE; .tillflow/ beside the dagfile)
  --out DIR      where reports are written (TILLFLOW_OUT; reports/out/ beside the dagfile)

Environment:
  KAFKA_BROKERS  embedded, embedded:PORT (0 is any free one) or host:port,...
  DATABASE_URL   embedded, embedded:PORT or postgres://...
  DAG_LISTEN     where reports are served (127.0.0.1:8501)
  TILLFLOW_POSTGRES_BIN  folder of the Postgres server programs, when they are not found by themselves
  NO_COLOR       no colour on a terminal

Exit codes: 0 done, 1 a job failed, 2 wrong dagfile or flags, 3 a check of the data failed,
4 nothing selected, 5 a job timed out, 130 interrupted.
`)
	return nil
}
