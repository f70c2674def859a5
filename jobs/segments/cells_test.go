package segments

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/rfm"
	"tillflow/lib/strictyaml"
)

func TestSegmentsInBothForms(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"cells": `segments:
  Champions: r5 f4-5
  Loyal Customers: [r4 f4-5, r3 f4-5]
  Potential Loyalists: r4-5 f2-3
  New Customers: r4-5 f1
  Need Attention: r3 f1-3
  At Risk: r1-2 f3-5
  Hibernating: r1-2 f1-2`,
		"grid": `segments:
  r5: [New Customers, Potential Loyalists, Potential Loyalists, Champions, Champions]
  r4: [New Customers, Potential Loyalists, Potential Loyalists, Loyal Customers, Loyal Customers]
  r3: [Need Attention, Need Attention, Need Attention, Loyal Customers, Loyal Customers]
  r2: [Hibernating, Hibernating, At Risk, At Risk, At Risk]
  r1: [Hibernating, Hibernating, At Risk, At Risk, At Risk]`,
	} {
		var w With
		if ps := strictyaml.Decode("dagfile.yaml", []byte(text), 0, &w); len(ps) > 0 {
			t.Errorf("%s: %v", name, ps)
		} else if diff := cmp.Diff(&rfm.Default, w.Segments.Table); diff != "" {
			t.Errorf("%s (-default +got):\n%s", name, diff)
		}
	}
}

// What is wrong stands at the cell, the row or the table it is wrong in.
func TestSegmentsPlaceWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"overlap":    {"a: r1-3\n  b: [r4-5, r3 f2]", []string{`dagfile.yaml:3:13: segment "b": cell r3 f2 is taken by "a"`}},
		"gap":        {"a: r1-4", []string{"dagfile.yaml:2:3: no segment has the cells r5 f1, r5 f2, r5 f3, r5 f4, r5 f5 (each of the 25"}},
		"no_cell":    {"a: r9\n  b: best", []string{`dagfile.yaml:2:6: segment "a": scores are 1 to 5`, `dagfile.yaml:3:6: segment "b": cells are written`}},
		"grid":       {"r5: [a, b]", []string{"dagfile.yaml:2:3: segment table: row r1 is missing"}},
		"no_mapping": {"- a", []string{"dagfile.yaml:2:3: "}},
		"twice":      {"a: r1\n  a: r2-5", []string{"dagfile.yaml:3:3: "}},
		"deep":       {"a: { b: c }", []string{`dagfile.yaml:2:6: segment "a": expected cells`}},
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte("segments:\n  "+tt.text), 0, &w)
		if len(ps) != len(tt.want) {
			t.Errorf("%s: %v", name, ps)
			continue
		}
		for i, p := range ps {
			if !strings.HasPrefix(p.String(), tt.want[i]) {
				t.Errorf("%s: %q, want %q", name, p, tt.want[i])
			}
		}
	}
}
