package strictyaml

import (
	"fmt"
	"os"
	"strings"
)

// Frame shows a problem with the line it is on and a caret below the place; lines are those of its file, none when they
// are not known:
//
//	dagfile.yaml:14:13: job "ml.rfm" needs "dim", which no job is called
//	   14 |     needs: [dim]
//	      |             ^
//	      = did you mean "dims"?
func (p Problem) Frame(lines []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: %s\n", p.File, p.Line, p.Col, p.Msg)
	if p.Line >= 1 && p.Line <= len(lines) {
		line := strings.TrimRight(lines[p.Line-1], "\r")
		fmt.Fprintf(&b, "%5d | %s\n", p.Line, line)
		fmt.Fprintf(&b, "      | %s^\n", blank(line, p.Col-1))
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "      = %s\n", p.Hint)
	}
	return b.String()
}

// Frames shows problems of one file or several, one below the other. The files are read again, since a problem holds no
// text; of one that cannot be read the place is told without its line.
func Frames(problems []Problem) string {
	files := map[string][]string{}
	var b strings.Builder
	for _, p := range problems {
		lines, read := files[p.File]
		if !read {
			if src, err := os.ReadFile(p.File); err == nil {
				lines = strings.Split(string(src), "\n")
			}
			files[p.File] = lines
		}
		b.WriteString(p.Frame(lines))
	}
	return b.String()
}

// blank is white space as wide as the first n characters of line: tabs stay tabs, so that the caret lines up.
func blank(line string, n int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= n {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}
