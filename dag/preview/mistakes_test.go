package preview

import (
	"strings"
	"testing"
	"time"
)

// What stands in a wrong report is shown and never run, and only the page's own style and script may.
func TestMistakesAreOnlyShown(t *testing.T) {
	t.Parallel()
	page, err := mistakesPage(`<b>shop</b>.md`, "a & b", "x.md:1:1: unknown key \"<script>alert(1)</script>\"\n    1 | <img src=x onerror=alert(1)>\n", time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	html := string(page)
	for _, bad := range []string{"<script>alert", "<img", "<b>shop", "unsafe-inline"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	for _, want := range []string{`<html lang="en" data-edition="mistakes" data-built="2027-01-15T08:00:00.000Z">`, `<main id="main">`, "&lt;script&gt;alert(1)", `content="5"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
}
