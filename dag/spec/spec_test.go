package spec_test

import (
	"fmt"
	"testing"
	"time"

	"tillflow/dag/spec"
)

type with struct {
	File string `yaml:"file" check:"required"`
}

var kinds = map[string]spec.Kind{
	"stream": {Stream: true, With: func() any { return new(struct{}) }},
	"page":   {Report: true, With: func() any { return new(with) }},
	"check":  {Check: true, With: func() any { return new(struct{}) }},
}

func TestParseReadsWhatIsWritten(t *testing.T) {
	s, ps := spec.Parse("dagfile.yaml", []byte(`
version: 1
name: shop
timezone: Asia/Riyadh
services: { http: { listen: "${LISTEN:-127.0.0.1:1}" } }
jobs:
  b.stream: { uses: stream }
  a.page:
    uses: page
    needs: [b.stream]
    with: { file: x.md }
    when: { any: [{ every: 1m30s }, { rows: 10, of: b.stream }], min_gap: 5s }
    retries: { max: 2, backoff: 3s }
    timeout: 1m
`), kinds, func(string) (string, bool) { return "", false })
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	j, ok := s.Jobs.Get("a.page")
	if !ok || s.Jobs.Keys()[0] != "b.stream" || s.Location.String() != "Asia/Riyadh" || s.Services.HTTP.Listen != "127.0.0.1:1" {
		t.Errorf("spec %+v", s)
	}
	if j.Args.(*with).File != "x.md" || !j.Kind.Report || j.When.Any[0].Every != 90*time.Second || j.When.MinGap != 5*time.Second ||
		j.Retries != (spec.Retries{Max: 2, Backoff: 3 * time.Second}) || j.Timeout != time.Minute {
		t.Errorf("job %+v", j)
	}
}

// Whatever stands in a dagfile, reading it ends, and every problem has a place.
func FuzzParse(f *testing.F) {
	f.Add("version: 1\njobs:\n  a: { uses: page, with: { file: x } }\n  b: { uses: stream, needs: [a] }")
	f.Add("version: 1\njobs: { a: { uses: page, when: { any: [{ not: { of: a } }] } } }")
	f.Add("jobs: &j { a: *j }")
	f.Fuzz(func(t *testing.T, src string) {
		_, ps := spec.Parse("f", []byte(src), kinds, nil)
		for _, p := range ps {
			if p.Line < 1 || p.Col < 1 || p.Msg == "" {
				t.Errorf("badly placed problem %+v", p)
			}
		}
	})
}

func ExampleParse() {
	_, problems := spec.Parse("dagfile.yaml", []byte("version: 1\njobs:\n  page: { uses: pgae, need: [x] }\n"), kinds, nil)
	for _, p := range problems {
		fmt.Println(p)
	}
	// Output:
	// dagfile.yaml:3:11: job "page" uses "pgae", which is no kind of job (did you mean "page"?)
	// dagfile.yaml:3:23: unknown key "need" (did you mean "needs"?)
}
