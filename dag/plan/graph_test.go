package plan_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"tillflow/dag/plan"
	"tillflow/lib/golden"
)

func gates(t testing.TB) *plan.Plan {
	t.Helper()
	src, err := os.ReadFile("testdata/gates.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, problems := parse(t, string(src))
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

func TestGraphInEveryForm(t *testing.T) {
	p := gates(t)
	g := p.Graph(p.Nodes)
	for name, write := range map[string]func(io.Writer) error{
		"graph.txt":     func(w io.Writer) error { return g.WriteText(w, 80) },
		"graph.mermaid": g.WriteMermaid,
		"graph.dot":     g.WriteDot,
		"graph.json":    g.WriteJSON,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "testdata/"+name, b.Bytes())
		for i, line := range strings.Split(b.String(), "\n") {
			if strings.HasSuffix(name, ".txt") && utf8.RuneCountInString(line) > 80 {
				t.Errorf("%s:%d is wider than 80: %s", name, i+1, line)
			}
		}
	}
}

// The text tells of every job and every edge of a selection, and of no other.
func TestGraphOfSomeJobs(t *testing.T) {
	p := gates(t)
	nodes, err := p.Select("1+top")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := p.Graph(nodes).WriteText(&b, 80); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/graph-of-some.txt", b.Bytes())
	b.Reset()
	if err := p.Graph(nodes).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back plan.Graph
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Jobs) != 3 || len(back.Edges) != 2 {
		t.Errorf("%d jobs, %d edges, %v", len(back.Jobs), len(back.Edges), err)
	}
}
