package strictyaml

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntax places the error of a text that is no YAML. The parser names a line only, and for many mistakes the one where
// the surrounding block began; the mistake is in the first line with which the text above it can no longer be read.
func (d Decoder) syntax(src []byte, err error) Problem {
	line, msg := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		msg = m[2]
	}
	lines := bytes.SplitAfter(src, []byte("\n"))
	line = breaks(lines, min(max(line, 1), len(lines)))
	text := string(lines[line-1])
	col := 1 + len(text) - len(strings.TrimLeft(text, " ")) // of the first word, or of a tab before it
	return Problem{File: d.File, Line: line + d.LineOffset, Col: col, Msg: "not YAML: " + msg, Hint: syntaxHint(msg, text)}
}

// breaks finds the first line from the given one on (1-based) with which the text up to it cannot be read. A value over
// several lines cannot be read either before it ends, so a line after which the text is sound again is not the one.
func breaks(lines [][]byte, from int) int {
	const ahead = 20 // lines that such a value may go over
	sound := func(n int) bool {
		var y yaml.Node
		return yaml.Unmarshal(bytes.Join(lines[:n], nil), &y) == nil
	}
	if !sound(from) {
		return from
	}
	for {
		low, high := from, len(lines) // sound(low), and not sound(high)
		for high-low > 1 {
			if mid := (low + high) / 2; sound(mid) {
				low = mid
			} else {
				high = mid
			}
		}
		from = 0
		for n := min(high+ahead, len(lines)-1); n > high && from == 0; n-- {
			if sound(n) {
				from = n
			}
		}
		if from == 0 {
			return high
		}
	}
}

// syntaxHint says what usually leads to the parser's message.
func syntaxHint(msg, line string) string {
	blank := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(blank, "\t"):
		return "indent with spaces, not tabs"
	case strings.Contains(msg, "did not find expected key"), strings.Contains(msg, "did not find expected '-' indicator"):
		return "the line is indented otherwise than those it belongs to, or the value before it does not end"
	case strings.Contains(msg, "could not find expected ':'"):
		return "after a key stand a colon and a blank"
	case strings.Contains(msg, "unexpected end of stream"):
		return "a quote is opened and never closed"
	case strings.Contains(msg, "',' or '}'"), strings.Contains(msg, "',' or ']'"), strings.Contains(msg, "expected node content"):
		return "a bracket is not closed, or a comma is missing"
	case strings.Contains(msg, "mapping values are not allowed"):
		return "put a value with a colon in quotes; or the line is indented too far"
	case strings.Contains(msg, "cannot start any token"):
		return "put a value that begins with % @ or ` in quotes"
	}
	return ""
}
