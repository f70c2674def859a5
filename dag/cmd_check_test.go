package main

import (
	"strings"
	"testing"

	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// A pipeline of a shop's own files: loaded, summed, a command told, and judged.
func TestChecksOfAPipeline(t *testing.T) {
	common := []string{"-f", "../testdata/checks/dagfile.yaml", "--state", pgtest.StateDir(t)}
	run := func(args ...string) (int, string, string) { return dag(t, append(args, common...)...) }
	if code, _, stderr := run("run", "+say.done", "quality.sound"); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, stderr)
	}
	code, stdout, stderr := run("sql", "select * from baskets order by basket", "-o", "csv")
	if code != 0 || stdout != "basket,total,dear\n1,3.75,t\n2,4.00,t\n" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout, stderr = run("test"); code != 3 || !strings.Contains(stderr, "dag test: 4 checks of 2 jobs: 1 failed, 1 warned") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	golden.Check(t, "../testdata/checks/expected/test.txt", []byte(stdout))
	if code, stdout, stderr = run("test", "quality.sound", "-o", "json"); code != 0 || !strings.Contains(stdout, `"state": "warned"`) {
		t.Errorf("a warning: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr = run("test", "load.groceries"); code != 2 || !strings.Contains(stderr, "load.groceries is a load.csv; `dag test` runs jobs that use check") {
		t.Errorf("no check: exit code %d\n%s", code, stderr)
	}
	if code, _, stderr = run("test", "load.*"); code != 4 {
		t.Errorf("nothing to test: exit code %d\n%s", code, stderr)
	}
	if code, _, stderr = run("run", "quality.wrong"); code != 3 {
		t.Errorf("run of a check that fails: exit code %d\n%s", code, stderr)
	}
}
