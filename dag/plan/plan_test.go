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
}

const shop = `
version: 1
jobs:
  page:   { uses: report }
  orders: { uses: stream, needs: [dims], with: { reads: orders } }
  dims:   { uses: batch }
  ml.rfm: { uses: batch, needs: [orders] }
  ml.top: { uses: batch, needs: [ml.rfm, dims] }
  tills:  { uses: stream, needs: [dims], with: { writes: orders } }
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
	} {
		nodes, err := p.Select(strings.Fields(sel)...)
		if err != nil || names(nodes) != want {
			t.Errorf("%s selects %q (%v), want %q", sel, names(nodes), err, want)
		}
	}
	if _, err := p.Select("ml.rmf"); err == nil || err.Error() != `no job is called "ml.rmf" (did you mean "ml.rfm"?)` {
		t.Errorf("error %v", err)
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
