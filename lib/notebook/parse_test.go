package notebook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/golden"
	"tillflow/lib/notebook"
)

// Every mistake comes at once, at its line and column.
func TestParseProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		t.Run(name, func(t *testing.T) {
			_, problems, err := notebook.Open("testdata/problems", name+".md")
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, p := range problems {
				b.WriteString(p.String() + "\n")
			}
			golden.Check(t, filepath.Join("testdata/problems", name+".txt"), []byte(b.String()))
		})
	}
}

// A cell that nothing shows costs a query each time; it is told, and does not stop a report.
func TestUnusedCells(t *testing.T) {
	rep, problems := notebook.Parse("r.md", []byte(`---
title: T
as_of: newest.at
---
~~~sql newest
select now() as at
~~~
~~~sql limits
select 1 as least
~~~
~~~sql unused
select 1 as one
~~~
~~~sql rows
select * from sales where amount > :limits.least
~~~
~~~table sales
data: rows
~~~
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := rep.Unused()
	if len(got) != 1 || got[0].String() != `r.md:11:4: sql cell "unused" is used by nothing (show it in a cell, or delete it)` {
		t.Errorf("unused: %v", got)
	}
}

func TestParams(t *testing.T) {
	rep, problems := notebook.Parse("r.md", []byte("---\ntitle: T\nparams: { period: 24h, top: 10, share: 0.5, all: true, store: north }\n---\n~~~sql a\nselect 1 as b\n~~~\n~~~kpi c\ndata: a\nvalue: b\n~~~\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []string{"interval", "bigint", "double precision", "boolean", "text"}
	for i, p := range rep.Params() {
		if p.Type != want[i] {
			t.Errorf("%s is bound as %s, want %s", p.Name, p.Type, want[i])
		}
	}
}

// Whatever stands in a file, Parse reports or reads it, and every problem has a place inside the file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/problems/*.md", "testdata/*.md"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Add([]byte("---\ntitle: x\n---\n~~~sql a\nselect $tag$ :x $tag$, e'\\':y', $1, a[1:2], :\n~~~"))
	f.Add([]byte("---\n---\n{{ a.b | c }} {{}} {{ }} \x00 {{a.b}}\n## {{ a.b }}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		rep, problems := notebook.Parse("f.md", src)
		if rep == nil {
			t.Fatal("no report")
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Col < 1 {
				t.Errorf("problem at %d:%d of %d lines: %s", p.Line, p.Col, lines, p)
			}
		}
	})
}
