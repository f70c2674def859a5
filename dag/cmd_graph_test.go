package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"tillflow/dag/runner"
	"tillflow/lib/golden"
)

// The pictures and lists of the retail pipeline, which people read in 80 columns.
func TestPicturesOfTheRetailPipeline(t *testing.T) {
	for name, args := range map[string][]string{
		"graph.golden":         {"graph"},
		"graph-mermaid.golden": {"graph", "-o", "mermaid"},
		"graph-dot.golden":     {"graph", "+ml.*", "-o", "dot"},
		"graph-json.golden":    {"graph", "@ml.anomalies", "-o", "json"},
		"ls.golden":            {"ls"},
		"ls-some.golden":       {"ls", "kind:batch,seed.dims+", "--exclude", "ml.anomalies seed.*"},
		"ls-json.golden":       {"ls", "report.*", "-o", "json"},
		"ls-names.golden":      {"ls", "uses:stream.*+1", "-o", "names"},
		"plan-some.golden":     {"plan", "+ml.segmentation", "--exclude", "seed.dims", "--now", "2026-01-05T12:00:00Z"},
	} {
		code, stdout, stderr := dag(t, append(args, "-f", "../dagfile.yaml")...)
		if code != 0 || stderr != "" {
			t.Fatal(args, code, stderr)
		}
		golden.Check(t, "testdata/"+name, []byte(stdout))
		if strings.Contains(name, "-") && !strings.Contains(name, "some") { // for programs
			continue
		}
		for line := range strings.SplitSeq(stdout, "\n") {
			if utf8.RuneCountInString(line) > pageWidth {
				t.Errorf("dag %v: wider than the page: %s", args, line)
			}
		}
	}
}

// What is known of jobs is cut down to the chosen ones; the states are those that were just asked for.
func TestStatusOfChosenJobs(t *testing.T) {
	c := &call{dagfile: "../dagfile.yaml", stderr: io.Discard, getenv: os.LookupEnv}
	p, err := c.plan()
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"":                         "seed.dims sim.pos ml.anomalies",
		"ml.* sim.pos":             "sim.pos ml.anomalies",
		"state:failed":             "ml.anomalies",
		"state:failed,kind:stream": `no job fits "state:failed,kind:stream"`,
	} {
		c.args = strings.Fields(args)
		all := []jobStatus{{Status: runner.Status{Job: "seed.dims", State: "succeeded"}}, {Status: runner.Status{Job: "sim.pos", State: "live"}}, {Status: runner.Status{Job: "ml.anomalies", State: "failed"}}}
		kept, err := c.only(p, all)
		var got []string
		for _, j := range kept {
			got = append(got, j.Job)
		}
		if err != nil {
			got = append(got, err.Error())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("status %s tells of %v, want %s", args, got, want)
		}
	}
}

func TestWrongChoices(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		text string
	}{
		{"ls tag:nightly", 4, `no job fits "tag:nightly"`},
		{"ls ml.* --exclude kind:batch", 4, "no job is left: all are excluded"},
		{"ls kinds:batch", 2, `"kinds:" is no way to select (did you mean "kind"?)`},
		{"graph ml.*,kind:stream", 4, `no job fits "ml.*,kind:stream"`},
		{"graph -o svg", 2, "-o svg is not known; ascii, mermaid, dot or json"},
		{"ls -o yaml", 2, "-o yaml is not known; table, json or names"},
		{"schema jobs.wehn", 2, `there is no key "jobs.wehn" (did you mean "when"?)`},
		{"schema jobs when", 2, `unexpected "when"`},
	} {
		code, _, stderr := dag(t, append(strings.Fields(c.args), "-f", "../dagfile.yaml")...)
		if code != c.code || !strings.Contains(stderr, c.text) {
			t.Errorf("dag %s: exit code %d (want %d), message %q (want %q)", c.args, code, c.code, stderr, c.text)
		}
	}
}

// The schema beside the dagfile, which editors read, is the one this program prints, and a validator that knows nothing
// of ours accepts every dagfile we have. Whoever changes what a dagfile may hold writes it anew with -update.
func TestSchema(t *testing.T) {
	code, stdout, stderr := dag(t, "schema")
	if code != 0 || stderr != "" {
		t.Fatal(code, stderr)
	}
	golden.Check(t, "../dagfile.schema.json", []byte(stdout))
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("dagfile.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("dagfile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../testdata/*/dagfile.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range append(files, "../dagfile.yaml") {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(editorView(t, src)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	src, err := os.ReadFile("../dagfile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(src), "\n"); first != "# yaml-language-server: $schema=dagfile.schema.json" {
		t.Errorf("the first line of the dagfile names no schema: %s", first)
	}
	for old, wrong := range map[string]string{"topic: transactions": "topci: transactions", "uses: load.csv": "uses: load.cvs", "every: 1m": "evry: 1m", "late: drop": "late: maybe"} {
		changed := strings.Replace(string(src), old, wrong, 1)
		if old == "late: drop" {
			changed = strings.Replace(string(src), "topic: transactions", "topic: transactions\n      "+wrong, 1)
		}
		if schema.Validate(editorView(t, []byte(changed))) == nil {
			t.Errorf("the schema accepts %q", wrong)
		}
	}
}

// Every key of a dagfile, those of each kind's `with` included, tells an editor what it is for: the tag doc says it.
func TestEveryKeyIsDescribed(t *testing.T) {
	_, stdout, _ := dag(t, "schema")
	var root any
	if err := json.Unmarshal([]byte(stdout), &root); err != nil {
		t.Fatal(err)
	}
	keys := 0
	var walk func(path string, v any)
	walk = func(path string, v any) {
		object, ok := v.(map[string]any)
		if list, isList := v.([]any); isList {
			for _, inner := range list {
				walk(path, inner)
			}
		}
		if !ok {
			return
		}
		for name, inner := range object {
			if props, ok := inner.(map[string]any); ok && name == "properties" && object["type"] == "object" {
				for key, p := range props {
					keys++
					if p, ok := p.(map[string]any); ok && p["description"] == nil {
						t.Errorf("%s.%s has no description", path, key)
					}
				}
			}
			walk(path+"/"+name, inner)
		}
	}
	walk("", root)
	if keys < 100 {
		t.Errorf("only %d keys were looked at", keys)
	}
}

// editorView reads YAML as an editor does: without variables, as plain JSON values.
func editorView(t *testing.T, src []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(src, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
