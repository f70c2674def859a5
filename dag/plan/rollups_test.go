package plan_test

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
)

// rollups is a `with` that keeps one rollup and reads another.
type rollups struct {
	Keeps string `yaml:"keeps"`
	From  string `yaml:"from"`
}

func (r *rollups) KeepsRollups() []string          { return one(r.Keeps) }
func (r *rollups) ReadsRollups() map[string]string { return map[string]string{"from": r.From} }

// A name close to that of a rollup is a slip; one that is close to none may be kept by another dagfile.
func TestRollupsThatNobodyKeeps(t *testing.T) {
	t.Parallel()
	all := maps.Clone(kinds)
	all["rollups"] = spec.Kind{With: func() any { return new(rollups) }}
	s, ps := spec.Parse("dagfile.yaml", []byte(`
version: 1
jobs:
  sales:    { uses: rollups, with: { keeps: customer_totals } }
  segments: { uses: rollups, with: { from: customer_totals } }
  slip:     { uses: rollups, with: { from: custmer_totals } }
  other:    { uses: rollups, with: { from: visits } }
  none:     { uses: rollups }
`), all, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	_, ps = plan.New(s)
	var got []string
	for _, p := range ps {
		got = append(got, p.String())
	}
	want := []string{`dagfile.yaml:6:38: no stream keeps a rollup "custmer_totals" (did you mean "customer_totals"?)`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
