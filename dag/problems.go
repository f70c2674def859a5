package main

import (
	"fmt"
	"io"
	"strings"

	"tillflow/lib/strictyaml"
)

// printProblems shows each problem of a dagfile with the line it is on and a caret below the place.
func printProblems(w io.Writer, src []byte, problems []strictyaml.Problem) {
	lines := strings.Split(string(src), "\n")
	for _, p := range problems {
		fmt.Fprint(w, p.Frame(lines))
	}
	fmt.Fprintf(w, "%s; nothing was started\n", counted(len(problems), "problem"))
}

// counted is a number of things: 1 problem, 2 problems.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
