package notebook

import (
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// place is where a query names a parameter (:period) or a value of an earlier cell (:totals.net).
type place struct {
	start, end   int // bytes of the body, the colon included
	param        string
	cell, column string // set in place of param
}

func (p place) name() string {
	if p.cell != "" {
		return p.cell + "." + p.column
	}
	return p.param
}

// findPlaces finds the places in a query. Text in quotes, comments, dollar quotes and casts (::) hold none.
func findPlaces(sql string) []place {
	var ps []place
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case strings.HasPrefix(sql[i:], "--"):
			i = skipLine(sql, i)
		case strings.HasPrefix(sql[i:], "/*"):
			i = skipComment(sql, i)
		case c == '\'':
			i = skipQuoted(sql, i, '\'', i > 0 && (sql[i-1] == 'e' || sql[i-1] == 'E') && (i == 1 || !isWordByte(sql[i-2])))
		case c == '"':
			i = skipQuoted(sql, i, '"', false)
		case c == '$' && (i == 0 || !isWordByte(sql[i-1])):
			i = skipDollar(sql, i)
		case strings.HasPrefix(sql[i:], "::") || strings.HasPrefix(sql[i:], ":="):
			i += 2
		case c == ':':
			end := i + 1
			for end < len(sql) && (isWordByte(sql[end]) || sql[end] == '.' && end+1 < len(sql) && isLetter(sql[end+1])) {
				end++
			}
			name := sql[i+1 : end]
			if name == "" || !isLetter(name[0]) {
				i++
				continue
			}
			p := place{start: i, end: end, param: name}
			if cell, column, dotted := strings.Cut(name, "."); dotted {
				p.param, p.cell, p.column = "", cell, column
			}
			ps = append(ps, p)
			i = end
		default:
			i++
		}
	}
	return ps
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
func isWordByte(b byte) bool {
	return isLetter(b) || b >= '0' && b <= '9' || b == '_' || b >= utf8.RuneSelf
}

// isSpace is what Postgres takes for a blank.
func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// skipLine skips a comment to the end of its line, which for Postgres a carriage return ends too.
func skipLine(s string, i int) int {
	if n := strings.IndexAny(s[i:], "\n\r"); n >= 0 {
		return i + n + 1
	}
	return len(s)
}

// skipTo gives the offset behind the next end, or the end of the text.
func skipTo(s string, i int, end string) int {
	if n := strings.Index(s[i:], end); n >= 0 {
		return i + n + len(end)
	}
	return len(s)
}

// skipComment skips a block comment; Postgres lets them nest.
func skipComment(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(s[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return i
}

// skipQuoted skips quoted text; a doubled quote stands for one, and so does a backslash before it when escapes is set. Such
// text goes on in quotes on a later line, with escapes still.
func skipQuoted(s string, i int, quote byte, escapes bool) int {
	for i++; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			next := continued(s, i+1)
			if !escapes || next == 0 {
				return i + 1
			}
			i = next
		}
	}
	return len(s)
}

// continued gives the offset of the quote with which text in single quotes goes on behind i: only blanks and comments are
// between, and the end of a line. 0 when it does not.
func continued(s string, i int) int {
	line := false
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], "--"):
			i = skipLine(s, i) - 1
		case s[i] == '\'' && line:
			return i
		case !isSpace(s[i]):
			return 0
		}
		line = line || s[i] == '\n' || s[i] == '\r'
		i++
	}
	return 0
}

// skipDollar skips $tag$ ... $tag$; a lone dollar sign is skipped by itself.
func skipDollar(s string, i int) int {
	end := i + 1
	for end < len(s) && isWordByte(s[end]) {
		end++
	}
	if end >= len(s) || s[end] != '$' || end > i+1 && s[i+1] >= '0' && s[i+1] <= '9' {
		return i + 1
	}
	return skipTo(s, end+1, s[i:end+1])
}

// argument is what a place is bound to.
type argument struct {
	pgType string
	value  any
}

// bound is a query as Postgres gets it.
type bound struct {
	sql   string
	args  []any
	edits []edit

	timeout time.Duration
}

// edit is a replaced place: bytes of the body against bytes of the query.
type edit struct{ oldStart, oldEnd, newStart, newEnd int }

// bind replaces each place by a numbered parameter with a cast to its type, $1::interval, so that Postgres never has to
// guess one. The same name is the same parameter.
func bind(body string, places []place, lookup func(place) (argument, *complaint)) (bound, *complaint) {
	var b bound
	var sql strings.Builder
	number := map[string]int{}
	types := map[string]string{}
	at := 0
	for _, p := range places {
		n, ok := number[p.name()]
		if !ok {
			a, wrong := lookup(p)
			if wrong != nil {
				return bound{}, wrong
			}
			b.args = append(b.args, a.value)
			n = len(b.args)
			number[p.name()], types[p.name()] = n, a.pgType
		}
		sql.WriteString(body[at:p.start])
		start := sql.Len()
		fmt.Fprintf(&sql, "$%d::%s", n, types[p.name()])
		b.edits = append(b.edits, edit{p.start, p.end, start, sql.Len()})
		at = p.end
	}
	sql.WriteString(body[at:])
	b.sql = sql.String()
	return b, nil
}

// source gives the offset in the body of Postgres' error position, a 1-based count of characters in the query.
func (b bound) source(position int) int {
	at := 0
	for n := 1; n < position && at < len(b.sql); n++ {
		_, size := utf8.DecodeRuneInString(b.sql[at:])
		at += size
	}
	// The last edit that begins at or before at decides how far the texts are apart.
	i := sort.Search(len(b.edits), func(i int) bool { return b.edits[i].newStart > at }) - 1
	if i < 0 {
		return at
	}
	e := b.edits[i]
	if at < e.newEnd {
		return e.oldStart
	}
	return at - e.newEnd + e.oldEnd
}
