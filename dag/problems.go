package main

import (
	"fmt"
	"io"
	"strings"

	"tillflow/lib/strictyaml"
)

// printProblems shows each problem with the line it is on and a caret below the place:
//
//	dagfile.yaml:14:13: job "ml.rfm" needs "dim", which no job is called
//	   14 |     needs: [dim]
//	      |             ^
//	      = did you mean "dims"?
func printProblems(w io.Writer, src []byte, problems []strictyaml.Problem) {
	lines := strings.Split(string(src), "\n")
	for _, p := range problems {
		fmt.Fprintf(w, "%s:%d:%d: %s\n", p.File, p.Line, p.Col, p.Msg)
		if p.Line >= 1 && p.Line <= len(lines) {
			line := strings.TrimRight(lines[p.Line-1], "\r")
			fmt.Fprintf(w, "%5d | %s\n", p.Line, line)
			fmt.Fprintf(w, "      | %s^\n", blank(line, p.Col-1))
		}
		if p.Hint != "" {
			fmt.Fprintf(w, "      = %s\n", p.Hint)
		}
	}
	s := "s"
	if len(problems) == 1 {
		s = ""
	}
	fmt.Fprintf(w, "%d problem%s; nothing was started\n", len(problems), s)
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
