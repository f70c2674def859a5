package notebook_test

import (
	"regexp"
	"strings"
	"testing"

	"tillflow/lib/notebook"
)

// A row of the grid is never left half empty.
func TestCellsThatStandAloneAreWide(t *testing.T) {
	table := func(name, width string) string {
		return "~~~table " + name + "\ndata: q\n" + width + "~~~\n"
	}
	const half, full = "width: half\n", "width: full\n"
	for name, c := range map[string]struct{ body, wide string }{
		"one":                {table("a", ""), "a"},
		"two":                {table("a", "") + table("b", ""), ""},
		"three":              {table("a", "") + table("b", "") + table("c", ""), "c"},
		"before_a_wide_one":  {table("a", "") + table("b", full) + table("c", "") + table("d", ""), "a b"},
		"prose_ends_a_row":   {table("a", "") + "Words.\n\n" + table("b", "") + table("c", ""), "a"},
		"a_query_does_not":   {table("a", "") + "~~~sql r\nselect 1\n~~~\n" + table("b", ""), ""},
		"half_stays_half":    {table("a", half), ""},
		"one_column":         {"## S {columns=1}\n" + table("a", ""), ""},
		"three_columns":      {"## S {columns=3}\n" + table("a", ""), ""},
		"tabs_one_by_one":    {"## S {tabs}\n### A\n" + table("a", "") + "### B\n" + table("b", "") + table("c", ""), "a"},
		"chart_and_note_too": {"~~~chart a bars\ndata: q\nx: x\ny: y\n~~~\n" + table("b", full) + "~~~md c\nWords.\n~~~\n", "a b c"},
	} {
		t.Run(name, func(t *testing.T) {
			rep, problems := notebook.Parse("r.md", []byte("---\ntitle: T\n---\n~~~sql q\nselect 1\n~~~\n"+c.body))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			page, _ := draw(t, &notebook.Data{Report: rep, AsOf: at, Built: at})
			var wide []string
			for _, m := range regexp.MustCompile(`<article class="[^"]* full\b[^"]*" data-cell="(\w+)"`).FindAllStringSubmatch(page, -1) {
				wide = append(wide, m[1])
			}
			if got := strings.Join(wide, " "); got != c.wide {
				t.Errorf("wide: %q, want %q", got, c.wide)
			}
		})
	}
}
