package execjob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

func newJob(t *testing.T, dir, yaml string, env ...string) *Job {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("train", w, Deps{Dir: dir, Brokers: []string{"k:9092"}, Environ: append(env, "PATH="+os.Getenv("PATH"))})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func attempt(ctx context.Context, j *Job, drain time.Duration) (run.Result, string, error) {
	var out bytes.Buffer
	res, err := j.Run(ctx, run.Input{ID: "r1", Job: "train", AsOf: time.Unix(0, 0), Drain: drain, Progress: func(run.Progress) {}, Output: &out})
	return res, out.String(), err
}

func TestCommandGetsArgumentsEnvironmentAndFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, dir, `{ command: [sh, -c, 'echo "$1|$MODE|$DAG_JOB|$DAG_RUN_ID|$DAG_AS_OF|$KAFKA_BROKERS"; pwd >&2', sh, 'a b;$X'], env: { MODE: fast }, dir: sub }`, "MODE=slow")
	res, out, err := attempt(t.Context(), j, time.Second)
	want := "a b;$X|fast|train|r1|1970-01-01T00:00:00Z|k:9092\n"
	if err != nil || !strings.HasPrefix(out, want) || !strings.Contains(out, "/sub\n") || !strings.HasSuffix(res.Note, "/sub") {
		t.Errorf("%+v, %v\n%s", res, err, out)
	}
}

func TestRunIsTold(t *testing.T) {
	t.Parallel()
	j := newJob(t, t.TempDir(), `command: [sh, -c, 'echo "$DAG_PARAM_k|$DAG_FROM|$DAG_TO"']`)
	var out bytes.Buffer
	_, err := j.Run(t.Context(), run.Input{Progress: func(run.Progress) {}, Output: &out, Params: map[string]string{"k": "3 or 4"}, From: time.Unix(0, 0), To: time.Unix(60, 0)})
	if want := "3 or 4|1970-01-01T00:00:00Z|1970-01-01T00:01:00Z\n"; err != nil || out.String() != want {
		t.Errorf("%v, %q", err, out.String())
	}
}

func TestDatabaseIsTold(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	j, err := New("train", With{Command: []string{"sh", "-c", `test "$DATABASE_URL" = "` + db.Config().ConnString() + `"`}}, Deps{DB: db, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, out, err := attempt(t.Context(), j, time.Second); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestFailureHasCodeAndLastLines(t *testing.T) {
	t.Parallel()
	j := newJob(t, t.TempDir(), `command: [sh, -c, 'seq 100; echo no such column >&2; exit 3']`)
	_, out, err := attempt(t.Context(), j, time.Second)
	var ee *ExitError
	if !errors.As(err, &ee) || ee.Code != 3 || !strings.HasPrefix(out, "1\n2\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if text := err.Error(); !strings.HasPrefix(text, "sh: exit status 3; it said last:\n82\n") || !strings.HasSuffix(text, "\n100\nno such column") {
		t.Error(text)
	}
	for name, tt := range map[string]struct{ yaml, want string }{
		"no_program": {"command: [no-such-program]", `start no-such-program: exec: "no-such-program": executable file not found`},
		"no_folder":  {"{ command: [sh], dir: nowhere }", "nowhere: no such file or directory"},
		"signal":     {"command: [sh, -c, 'kill -9 $$']", "sh: signal: killed"},
		"silent":     {"command: ['false']", "false: exit status 1"},
	} {
		_, _, err := attempt(t.Context(), newJob(t, t.TempDir(), tt.yaml), time.Second)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// pids waits until a file holds n process ids.
func pids(t *testing.T, file string, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		if fields := strings.Fields(string(text)); len(fields) == n && strings.HasSuffix(string(text), "\n") {
			var out []int
			for _, f := range fields {
				pid, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, pid)
			}
			return out
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, %d process ids wanted", file, text, n)
		}
	}
}

// gone waits until a process is no more, or is only a line in the process table that nobody has read yet.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		dead := err == nil && strings.Contains(string(stat), ") Z ")
		if syscall.Kill(pid, 0) != nil || dead {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}

// Cancelling stops the command and those it started: kindly first, and for good after the drain time.
func TestCancelStopsTheWholeGroup(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script string
		drain  time.Duration
		said   string
	}{
		"kindly":          {`sleep 600 & trap 'echo tidied; kill $!; exit 0' TERM; echo $$ $! > pids; wait`, time.Minute, "tidied"},
		"for_good":        {`trap '' TERM; sleep 600 & echo $$ $! > pids; while :; do sleep 1; done`, 200 * time.Millisecond, ""},
		"child_only_deaf": {`(trap '' TERM; sleep 600) & echo $$ $! > pids; wait`, 200 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "run.sh"), []byte(tt.script), 0o600); err != nil {
				t.Fatal(err)
			}
			j := newJob(t, dir, "command: [sh, run.sh]")
			ctx, cancel := context.WithCancelCause(t.Context())
			type end struct {
				out string
				err error
			}
			ended := make(chan end, 1)
			go func() {
				_, out, err := attempt(ctx, j, tt.drain)
				ended <- end{out, err}
			}()
			running := pids(t, filepath.Join(dir, "pids"), 2)
			cancel(run.ErrStop)
			select {
			case e := <-ended:
				if !errors.Is(e.err, run.ErrStop) || !strings.Contains(e.out, tt.said) {
					t.Errorf("%v, %q", e.err, e.out)
				}
			case <-time.After(50 * time.Second):
				t.Fatal("it does not end")
			}
			for _, pid := range running {
				gone(t, pid)
			}
		})
	}
}

// What a command starts and leaves behind ends with it, even when it holds the output open.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := newJob(t, dir, "command: [sh, -c, 'sleep 600 & echo $! > pids; echo done']")
	res, _, err := attempt(t.Context(), j, time.Second)
	if err != nil || res.Note != "done" {
		t.Errorf("%+v, %v", res, err)
	}
	gone(t, pids(t, filepath.Join(dir, "pids"), 1)[0])
}

func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	env := []string{"API_TOKEN=tok-12345", "DB=postgres://me:p%40ss%2Fw%C3%B6rd@h/db", "HOME=/home/shop", "PIN_SECRET=abc", "KEYBOARD=querty", "MY_PASSWORD=tok-12345-longer", "CERT_KEY=x\nline-two-of-it\n"}
	j := newJob(t, t.TempDir(), `{ command: [sh, -c, 'echo "$API_TOKEN $DB $HOME $MY_PASSWORD p@ss/wörd $KEYBOARD $EXTRA_SECRET" | tee /dev/stderr; printf "tok-"; sleep 0.05; printf "12345"; exit 1'], env: { EXTRA_SECRET: hush-hush } }`, env...)
	_, out, err := attempt(t.Context(), j, time.Second)
	if err == nil {
		t.Fatal("it did not fail")
	}
	const shown = "*** postgres://me:***@h/db /home/shop *** *** querty ***"
	if want := shown + "\n" + shown + "\n***\n"; out != want || !strings.HasSuffix(err.Error(), strings.TrimSuffix(want, "\n")) {
		t.Errorf("got %q\n%v", out, err)
	}
}

// However a text is cut on its way, and however long a line is, no secret of it comes through.
func TestSecretsAcrossPieces(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-mine"
	text := strings.Repeat("x", maxLine-7) + secret + strings.Repeat(secret+"y", 10_000) + "\n" + secret + "\nend"
	for _, piece := range []int{1, 7, 100, 4096, len(text)} {
		var got bytes.Buffer
		o := newOutput(&got, []string{secret})
		for rest := []byte(text); len(rest) > 0; rest = rest[min(piece, len(rest)):] {
			if _, err := o.Write(rest[:min(piece, len(rest))]); err != nil {
				t.Fatal(err)
			}
		}
		last := o.end()
		if want := strings.ReplaceAll(text, secret, "***") + "\n"; got.String() != want || strings.Contains(last, "s3c") || len(last) > lastBytes+3 {
			t.Errorf("pieces of %d: %d bytes, %d wanted", piece, got.Len(), len(want))
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"{}":                                  `"command" is missing`,
		"{ command: [] }":                     "dagfile.yaml:1:3: command names no program (such as [python3, train.py, --fast])",
		"{ command: python3 }":                `expected a list, got the text "python3"`,
		"{ command: ['python3 train.py'] }":   `dagfile.yaml:1:13: no shell reads "python3 train.py"`,
		"{ command: [a], env: { 'A=B': c } }": `"A=B" cannot be the name of a variable`,
		"{ command: [a], environ: {} }":       `unknown key "environ"`,
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
}
