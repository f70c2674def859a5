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

func TestTableBuilder(t *testing.T) {
	t.Parallel()
	var b TableBuilder
	for _, part := range [][2]string{
		{"Champions", "r5 f4-5"}, {"Loyal Customers", "R3-4  F4-5"}, {"Potential Loyalists", "f2-3 r4-5"}, {"New Customers", "r4-5 f1"},
		{"Need Attention", "r3 f1-3"}, {"Hibernating", "r1-2 f1-2"}, {"At Risk", "r1-2 f3-5"},
	} {
		if err := b.Add(part[0], part[1]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Table()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default, got); diff != "" {
		t.Errorf("(-default +built):\n%s", diff)
	}
}

func TestTableBuilderRefuses(t *testing.T) {
	t.Parallel()
	for cells, want := range map[string]string{
		"r5 f5":    `cell r5 f5 is taken by "a"`,
		"f3-5":     `cell r5 f4 is taken by "a"`,
		"r6":       "scores are 1 to 5",
		"r0":       "scores are 1 to 5",
		"r4-2":     "a range goes up",
		"r":        "scores are 1 to 5",
		"r1-":      "scores are 1 to 5",
		"r1 r2":    "written like r5 f4-5",
		"x1":       "written like r5 f4-5",
		"":         "got nothing",
		"r1 f1 m1": "written like r5 f4-5",
	} {
		var b TableBuilder
		if err := b.Add("a", "r5 f4-5"); err != nil {
			t.Fatal(err)
		}
		if err := b.Add("b", cells); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", cells, err, want)
		}
		if _, err := b.Table(); err == nil || !strings.Contains(err.Error(), "no segment has the cells r5 f1, r5 f2, r5 f3, r4 f1") {
			t.Errorf("%q: %v", cells, err)
		}
	}
	var b TableBuilder
	if err := b.Add(" ", "r1"); err == nil {
		t.Error("no name: no error")
	}
}
