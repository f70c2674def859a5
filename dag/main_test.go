package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/golden"
)

// dag runs the command in this process and gives its exit code and what it printed.
func dag(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(context.Background(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestDagfileMistakes(t *testing.T) {
	files, err := filepath.Glob("../testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			code, stdout, stderr := dag(t, "run", "-f", file, "--state", filepath.Join(t.TempDir(), "state"))
			if code != 2 || stdout != "" {
				t.Errorf("exit code %d, output %q", code, stdout)
			}
			golden.Check(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(stderr))
		})
	}
}

func TestPlanOfTheRetailPipeline(t *testing.T) {
	code, stdout, stderr := dag(t, "plan", "--now", "2026-01-05T12:00:00+03:00", "-f", "../dagfile.yaml")
	if code != 0 || stderr != "" {
		t.Fatal(code, stderr)
	}
	golden.Check(t, "testdata/plan.golden", []byte(stdout))
}

func TestWrongUse(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	cases := map[string]struct {
		args []string
		code int
		text string
	}{
		"unknown_verb":     {[]string{"rnu"}, 2, `dag: "rnu" is not a command (did you mean "run"?)`},
		"unknown_flag":     {[]string{"run", "--onec"}, 2, "flag provided but not defined: -onec"},
		"no_dagfile":       {[]string{"plan", "-f", "none.yaml"}, 2, "none.yaml: no such file"},
		"unknown_job":      {[]string{"run", "ml.segmentatoin", "-f", "../dagfile.yaml"}, 4, `no job is called "ml.segmentatoin" (did you mean "ml.segmentation"?)`},
		"bad_as_of":        {[]string{"run", "ml.segmentation", "--as-of", "yesterday", "-f", "../dagfile.yaml"}, 2, `--as-of "yesterday" is not a time`},
		"as_of_everything": {[]string{"run", "--as-of", "2026-01-01", "-f", "../dagfile.yaml"}, 2, "go with job names or --once"},
		"no_query":         {[]string{"sql", "-f", "../dagfile.yaml"}, 2, "give a query"},
		"empty_selector":   {[]string{"run", "", "-f", "../dagfile.yaml"}, 2, "a selector is empty"},
		"unknown_param":    {[]string{"run", "seed.dims", "--param", "sedes=1", "-f", "../dagfile.yaml"}, 2, "--param sedes: no chosen job takes a parameter of this name"},
		"unknown_outcome":  {[]string{"history", "--outcome", "faild", "-f", "../dagfile.yaml"}, 2, `--outcome "faild" is no state of a run (did you mean "failed"?)`},
		"no_limit":         {[]string{"history", "--limit", "0", "-f", "../dagfile.yaml"}, 2, "--limit must be 1 or more"},
		"unknown_format":   {[]string{"sql", "select 1", "-o", "xml", "-f", "../dagfile.yaml"}, 2, "-o xml is not known; table, csv or json"},
		"nothing_runs":     {[]string{"env", "-f", "../dagfile.yaml"}, 1, "nothing runs here"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := append(c.args, "--state", state)
			if c.args[0] == "rnu" {
				args = c.args
			}
			code, _, stderr := dag(t, args...)
			if code != c.code || !strings.Contains(stderr, c.text) {
				t.Errorf("exit code %d (want %d), message %q (want %q)", code, c.code, stderr, c.text)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(state, "postgres.log")); err == nil {
		t.Error("a wrong call started a server")
	}
}
