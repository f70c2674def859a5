package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/lib/golden"
)

// words are what may stand at the end of a line, blank-separated; the line ends where the cursor stands.
func words(t *testing.T, line string) string {
	t.Helper()
	args := append([]string{"completion", "words", "--"}, strings.Split(line, " ")...)
	code, stdout, stderr := dag(t, args...)
	if code != 0 || stderr != "" {
		t.Fatal(line, code, stderr)
	}
	return strings.Join(strings.Fields(stdout), " ")
}

func TestCompletionKnowsVerbsFlagsAndJobs(t *testing.T) {
	t.Chdir("..") // where the dagfile is
	for line, want := range map[string]string{
		"val":                   "validate",
		"pl":                    "plan",
		"run ml.a":              "ml.anomalies ml.associations",
		"run ml.anomalies seed": "seed.dims",
		"ls +":                  "+ml.anomalies +ml.associations +ml.segmentation +report.dashboard +report.models +report.pipeline +report.products +seed.dims +sim.pos +stream.refunds +stream.transactions",
		"ls 2+rep":              "2+report.dashboard 2+report.models 2+report.pipeline 2+report.products",
		"ls ml.*,@str":          "ml.*,@stream.refunds ml.*,@stream.transactions",
		"graph kin":             "kind:",
		"graph kind:s":          "kind:stream",
		"plan uses:stream":      "uses:stream.kafka",
		"graph -o m":            "mermaid",
		"ls --exclude ml.s":     "ml.segmentation",
		"graph --ex":            "--exclude",
		"run --onc":             "--once",
		"run --once rep":        "report.dashboard report.models report.pipeline report.products",
		"ls -f testdata/clickstream/dagfile.yaml str": "stream.clicks",
		"completion ":               "bash zsh fish",
		"schema jobs.wh":            "jobs.when jobs.when.after jobs.when.all jobs.when.any jobs.when.catch_up jobs.when.catch_up_max jobs.when.checks jobs.when.cron jobs.when.debounce jobs.when.every jobs.when.fresh_within jobs.when.lag_below jobs.when.min_gap jobs.when.not jobs.when.of jobs.when.rows jobs.when.watermark",
		"schema load.csv":           "load.csv load.csv.tables load.csv.tables.columns load.csv.tables.file load.csv.tables.key",
		"report ex":                 "export",
		"report render report.dash": "report.dashboard",
		"report watch reports/dash": "reports/dashboard.md",
		"report validate testdata/report_mistakes/un":                "testdata/report_mistakes/unused.md",
		"report export testdata/report_mistakes/unused.md sh":        "shown",
		"report render testdata/report_mistakes/unused.md --param p": "period=",
		"report new re": "",
		"run -f da":     "",
		"nothing ml":    "",
	} {
		if got := words(t, line); got != want {
			t.Errorf("dag %s completes to %q, want %q", line, got, want)
		}
	}
	t.Chdir(t.TempDir()) // without a dagfile there are no jobs, and no complaint in the middle of a line
	if got := words(t, "run ml"); got != "" {
		t.Errorf("jobs of no dagfile: %q", got)
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, stdout, stderr := dag(t, "completion", shell)
		if code != 0 {
			t.Fatal(stderr)
		}
		golden.Check(t, "testdata/completion."+shell+".golden", []byte(stdout))
	}
	for args, text := range map[string]string{"": "name your shell: bash, zsh or fish", "zhs": `"zhs" is no shell this knows (did you mean "zsh"?); bash, zsh or fish`} {
		code, _, stderr := dag(t, append([]string{"completion"}, strings.Fields(args)...)...)
		if code != 2 || !strings.Contains(stderr, text) {
			t.Errorf("exit code %d, %q", code, stderr)
		}
	}
}

// A real bash with the script in it completes what is typed, colons included.
func TestCompletionInBash(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "complete.bash")
	if err := os.WriteFile(script, []byte(scripts["bash"]+`
ask() { # the line as typed; words are parted as readline does
  COMP_LINE=$1 COMP_POINT=${#1}
  local parted=${1//:/ : }
  read -ra COMP_WORDS <<<"$parted"
  [[ $1 == *" " ]] && COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _dag
  echo "${COMPREPLY[*]}"
}
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
for line; do ask "$line"; done
`), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", script, path+" va", path+" run ml.s", path+" ls kind:st", path+" ls +uses:load", path+" ls kin")
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	if want := "validate\nml.segmentation\nstream\nload.csv\nkind:\n"; err != nil || string(out) != want {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
}

// The other two shells, where they are installed, complete what is typed at their own prompt.
func TestCompletionInOtherShells(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	scripts := map[string]string{
		// A terminal with a shell in it: a line ends in a tab, and what stands there then is printed instead of run.
		"zsh": `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT= RPROMPT= PROMPT_EOL_MARK= ; autoload -U compinit; compinit -D -u; eval "$(dag completion zsh)"
show() { print -r -- "<$BUFFER>"; BUFFER=; zle .accept-line }
zle -N show; bindkey "^X" show; print -r rea""dy'
zpty -r shell out $'*ready\r\n*' || exit 1
for line; do
  zpty -w -n shell "$line"$'\t\x18'
  zpty -r shell out '*<*>*' || exit 1
  print -r -- ${${out##*<}%%>*}
done
`,
		"fish": `source (dag completion fish | psub)
for line in $argv
  set words (string split " " $line)
  echo (string join -- " " $words[1..-2] (complete -C $line))
end
`,
	}
	lines := []string{"dag val", "dag run ml.s", "dag ls kind:st", "dag ls +uses:load", "dag run --onc", "dag ls kin"}
	want := "dag validate\ndag run ml.segmentation\ndag ls kind:stream\ndag ls +uses:load.csv\ndag run --once\ndag ls kind:\n"
	for shell, script := range scripts {
		program, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("no %s is installed: its script is compared with the one that was tried", shell)
			continue
		}
		file := filepath.Join(t.TempDir(), "complete."+shell)
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, append([]string{file}, lines...)...)
		cmd.Dir = ".."
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir(), "TERM=dumb")
		out, err := cmd.CombinedOutput()
		if got := strings.ReplaceAll(string(out), " \n", "\n"); err != nil || got != want || strings.Contains(string(out), "kind: ") {
			t.Errorf("%s: %v\n%s\nwant\n%s", shell, err, out, want)
		}
	}
}
