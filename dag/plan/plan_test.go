package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
)

// topics is a `with` that writes or reads one topic.
type topics struct {
	Writes string `yaml:"writes"`
	Reads  string `yaml:"reads"`
}

func (t *topics) Produces() []string { return one(t.Writes) }
func (t *topics) Consumes() []string { return one(t.Reads) }

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

var kinds = map[string]spec.Kind{
	"stream": {Stream: true, With: func() any { return new(topics) }},
	"batch":  {With: func() any { return new(struct{}) }},
	"report": {Report: true, With: func() any { return new(struct{}) }},
	"check":  {Check: true, With: func() any { return new(struct{}) }},
}

const shop = `
version: 1
jobs:
  page:   { uses: report }
  orders: { uses: stream, needs: [dims], with: { reads: orders } }
  dims:   { uses: batch }
  ml.rfm: { uses: batch, needs: [orders] }
  ml.top: { uses: batch, needs: [ml.rfm, dims] }
  tills:  { uses: stream, needs: [dims], tags: [money], with: { writes: orders } }
`

func parse(t testing.TB, src string) (*plan.Plan, []string) {
	t.Helper()
	s, ps := spec.Parse("dagfile.yaml", []byte(src), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p, ps := plan.New(s)
	var problems []string
	for _, x := range ps {
		problems = append(problems, x.String())
	}
	return p, problems
}

func names(nodes []*plan.Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, n.Name)
	}
	return strings.Join(out, " ")
}

func TestOrder(t *testing.T) {
	p, problems := parse(t, shop)
	if problems != nil {
		t.Fatal(problems)
	}
	if got, want := names(p.Nodes), "page dims orders ml.rfm ml.top tills"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
	// For a run that ends, the tills write before the stream reads, and the page comes last.
	if got, want := names(p.Once()), "dims tills orders ml.rfm ml.top page"; got != want {
		t.Errorf("order of a run that ends %q, want %q", got, want)
	}
}

func TestCycleIsShownAsAPath(t *testing.T) {
	_, problems := parse(t, `
version: 1
jobs:
  a: { uses: batch, needs: [c] }
  b: { uses: batch, needs: [a] }
  c: { uses: batch, needs: [b] }
  d: { uses: batch, needs: [a] }
`)
	if diff := cmp.Diff([]string{"dagfile.yaml:4:21: jobs form a cycle: a -> c -> b -> a"}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestSelect(t *testing.T) {
	p, _ := parse(t, shop)
	for sel, want := range map[string]string{
		"ml.rfm":      "ml.rfm",
		"ml.*":        "ml.rfm ml.top",
		"+orders":     "dims orders",
		"orders+":     "orders ml.rfm ml.top",
		"+ml.rfm+":    "dims orders ml.rfm ml.top",
		"kind:stream": "orders tills",
		"*":           "page dims orders ml.rfm ml.top tills",
		"t* page":     "page tills",
		"uses:report": "page",
		"kind:report": "page",
		"1+ml.top":    "dims ml.rfm ml.top",
		"dims+1":      "dims orders ml.top tills",
		"@ml.rfm":     "dims orders ml.rfm ml.top",
		"ml.*,+ml.rfm page,kind:stream tag:money": "ml.rfm tills",
	} {
		nodes, err := p.Select(strings.Fields(sel)...)
		if err != nil || names(nodes) != want {
			t.Errorf("%s selects %q (%v), want %q", sel, names(nodes), err, want)
		}
	}
	if none, err := p.Select(); none != nil || err != nil {
		t.Errorf("no selector selects %q, %v", names(none), err)
	}
}

func TestChooseLeavesOutAndAsksForStates(t *testing.T) {
	p, _ := parse(t, shop)
	state := func(job string) string { return map[string]string{"ml.rfm": "failed", "orders": "live"}[job] }
	for _, c := range []struct{ sel, exclude, want string }{
		{"", "", "page dims orders ml.rfm ml.top tills"},
		{"", "kind:stream ml.*", "page dims"},
		{"state:failed+", "", "ml.rfm ml.top"},
		{"+ml.top", "state:live state:failed", "dims ml.top"},
		{"+ml.top", "dims,ml.rfm", "dims orders ml.rfm ml.top"},
	} {
		got, err := p.Choose(plan.Choice{Selectors: strings.Fields(c.sel), Exclude: []string{c.exclude}, State: state})
		if err != nil || names(got) != c.want {
			t.Errorf("%q without %q is %q (%v), want %q", c.sel, c.exclude, names(got), err, c.want)
		}
	}
}

func TestWrongSelectors(t *testing.T) {
	p, _ := parse(t, shop)
	for sel, want := range map[string]string{
		"ml.rmf":           `no job is called "ml.rmf" (did you mean "ml.rfm"?)`,
		"what":             `no job is called "what" (jobs: page, orders, dims, ml.rfm, ml.top, tills)`,
		"tag:mony":         `no job fits "tag:mony" (did you mean "money"?)`,
		"kind:table":       `no job fits "kind:table" (known: stream, batch, report, check)`,
		"kind:check":       `no job fits "kind:check"`,
		"uses:reprot":      `no job fits "uses:reprot" (did you mean "report"?)`,
		"ml.*,kind:stream": `no job fits "ml.*,kind:stream"`,
		"knid:stream":      `"knid:" is no way to select (did you mean "kind"?)`,
		"state:failed":     `"state:failed" cannot be used here (the states of jobs are not known to this)`,
		"dims+x":           `"x" is no number of edges (write JOB+ or JOB+2)`,
		"0+dims":           `"0" is no number of edges (write JOB+ or JOB+2)`,
		"@dims+":           `"@dims+" has both @ and + (@JOB already adds what is downstream and what that needs)`,
		"dims,":            "a selector has an empty word (write a job's name or a pattern such as ml.*)",
		"+":                "a selector has an empty word (write a job's name or a pattern such as ml.*)",
	} {
		if _, err := p.Select(sel); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", sel, err, want)
		}
	}
	for _, empty := range []string{"", " "} { // as from a variable of a shell that is not set
		if _, err := p.Choose(plan.Choice{Selectors: []string{empty}}); err == nil || err.Error() != "a selector is empty (leave it out to mean every job)" {
			t.Errorf("%q: error %v", empty, err)
		}
	}
	if _, err := p.Choose(plan.Choice{Selectors: []string{"ml.*"}, Exclude: []string{"kind:batch"}}); err == nil || err.Error() != "no job is left: all are excluded" {
		t.Errorf("error %v", err)
	}
}

// Where topics contradict needs, the needs hold: the reader here must be there before the writer starts.
func TestNeedsComeBeforeTopics(t *testing.T) {
	p, _ := parse(t, `
version: 1
jobs:
  reader:  { uses: stream, with: { reads: orders, writes: sums } }
  checker: { uses: stream, with: { reads: sums } }
  middle:  { uses: batch, needs: [checker] }
  writer:  { uses: stream, needs: [reader, middle], with: { writes: orders } }
`)
	if got, want := names(p.Once()), "reader checker middle writer"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
}

func ExamplePlan_Once() {
	s, _ := spec.Parse("dagfile.yaml", []byte(shop), kinds, nil)
	p, _ := plan.New(s)
	for _, n := range p.Once() {
		fmt.Println(n.Name)
	}
	// Output:
	// dims
	// tills
	// orders
	// ml.rfm
	// ml.top
	// page
}
