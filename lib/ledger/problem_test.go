package ledger

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// What a message holds may be shown on a terminal: one line, nothing that moves the cursor or turns the text around.
func TestExamplesAreSafeToShow(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                 "plain",
		"two\nlines\tand\rmore": "two lines and more",
		"\x1b[31mred":           "\uFFFD[31mred",
		"a\x00b\xffc":           "a\uFFFDb\uFFFDc",
		"left\u202Eright":       "left\uFFFDright",
		"سماعات":                "سماعات",
	} {
		if got := short(in); got != want {
			t.Errorf("short(%q) = %q, want %q", in, got, want)
		}
	}
	long := short(strings.Repeat("é", 1000))
	if n := utf8.RuneCountInString(long); n != shown || !strings.HasSuffix(long, "...") {
		t.Errorf("a long text is %d characters: %q", n, long)
	}
}
