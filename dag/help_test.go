package main

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tillflow/lib/golden"
)

func TestHelp(t *testing.T) {
	_, stdout, _ := dag(t, "help")
	golden.Check(t, "testdata/help.golden", []byte(stdout))
	if n := strings.Count(stdout, "\n"); n > 55 {
		t.Errorf("%d lines are more than a screen", n)
	}
}

func TestHelpOfAVerb(t *testing.T) {
	_, stdout, _ := dag(t, "backfill", "-h")
	golden.Check(t, "testdata/help_backfill.golden", []byte(stdout))
	if _, same, _ := dag(t, "help", "backfill"); same != stdout {
		t.Errorf("dag help backfill:\n%s", same)
	}
	if code, _, stderr := dag(t, "help", "backfil"); code != 2 || !strings.Contains(stderr, `did you mean "backfill"`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// Every verb is found on the screen, tells of each flag what it does, and fits a terminal.
func TestHelpIsWhole(t *testing.T) {
	var listed []string
	for _, ch := range chapters {
		listed = append(listed, ch.verbs...)
	}
	for _, cmd := range commands {
		if n := len(slices.DeleteFunc(slices.Clone(listed), func(v string) bool { return v != cmd.name })); n != 1 {
			t.Errorf("%s is in %d chapters of help", cmd.name, n)
		}
		fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
		(&call{command: cmd, stdout: io.Discard}).declare(fs)
		fs.VisitAll(func(f *flag.Flag) {
			if f.Usage == "" && !everyVerb[f.Name] {
				t.Errorf("dag %s -h says nothing of --%s", cmd.name, f.Name)
			}
		})
		code, stdout, stderr := dag(t, cmd.name, "-h")
		if code != 0 || stderr != "" {
			t.Errorf("dag %s -h: exit code %d, %s", cmd.name, code, stderr)
		}
		for line := range strings.SplitSeq(stdout, "\n") {
			if utf8.RuneCountInString(line) > pageWidth {
				t.Errorf("dag %s -h: %q is wider than a terminal", cmd.name, line)
			}
		}
	}
}
