package rfm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDefaultNamesSevenSegments(t *testing.T) {
	t.Parallel()
	want := []string{"Champions", "Potential Loyalists", "New Customers", "Loyal Customers", "Need Attention", "At Risk", "Hibernating"}
	if diff := cmp.Diff(want, Default.Names()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The ten labels most often published, on the same grid. Ours merges them and never splits one.
func TestDefaultMergesTheTenLabels(t *testing.T) {
	t.Parallel()
	ten := func(r, f uint8) string {
		switch {
		case r <= 2 && f <= 2:
			return "hibernating"
		case r <= 2 && f <= 4:
			return "at risk"
		case r <= 2:
			return "can't lose"
		case r == 3 && f <= 2:
			return "about to sleep"
		case r == 3 && f == 3:
			return "need attention"
		case r <= 4 && f >= 4:
			return "loyal customers"
		case r == 4 && f == 1:
			return "promising"
		case r == 5 && f == 1:
			return "new customers"
		case f <= 3:
			return "potential loyalists"
		}
		return "champions"
	}
	merged := map[string]string{}
	for r := uint8(1); r <= 5; r++ {
		for f := uint8(1); f <= 5; f++ {
			old, name := ten(r, f), Default.Segment(r, f)
			if before, ok := merged[old]; ok && before != name {
				t.Errorf("%s is split into %s and %s", old, before, name)
			}
			merged[old] = name
		}
	}
	if len(merged) != 10 {
		t.Errorf("%d of ten labels on the grid", len(merged))
	}
}

func TestParseTableReportsEveryCell(t *testing.T) {
	t.Parallel()
	full := func() map[string][]string {
		rows := map[string][]string{}
		for _, key := range []string{"r1", "r2", "r3", "r4", "r5"} {
			rows[key] = []string{"a", "b", "c", "d", "e"}
		}
		return rows
	}
	if _, err := ParseTable(full()); err != nil {
		t.Errorf("a full table: %v", err)
	}
	bad := full()
	delete(bad, "r2")
	bad["r6"] = bad["r1"]
	bad["r3"] = []string{"a", "b"}
	bad["r4"] = []string{"a", " ", "c", "d", "e"}
	_, err := ParseTable(bad)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`row "r6" is none of r1 to r5`, "row r2 is missing", "row r3 has 2 names", "cell r4f2 has no name"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}
