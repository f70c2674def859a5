package sqljob

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// statement is one statement of a script, ready to be sent.
type statement struct {
	text   string   // each :name replaced by $1, $2, ... in the order they stand
	params []string // the names, by their numbers; a name that stands twice is here twice
	start  int      // byte of the script at which it begins
	edits  []edit
}

// edit is a :name that was replaced.
type edit struct {
	at       int // byte of text at which the $n begins
	old, new int // lengths in bytes
}

// place is the byte of the script that a byte of the sent text stands for.
func (s *statement) place(at int) int {
	moved := 0
	for _, e := range s.edits {
		if at < e.at+e.new {
			if at > e.at {
				at = e.at
			}
			break
		}
		moved += e.old - e.new
	}
	return s.start + at + moved
}

// mistake is something wrong in a script, at a byte of it.
type mistake struct {
	at  int
	msg string
}

// may lists the statements in which Postgres knows parameters (PREPARE in its manual, and CREATE TABLE AS).
var may = []string{"select", "insert", "update", "delete", "merge", "values", "with", "table"}

// refused are statements that a script must not hold, and why.
var refused = map[string]string{
	"begin": "the whole script is one transaction already", "start": "the whole script is one transaction already",
	"commit": "the script is committed as a whole, at its end", "end": "the script is committed as a whole, at its end",
	"rollback": "the script is one transaction; an error rolls it back", "abort": "the script is one transaction; an error rolls it back",
}

// split cuts a script into statements at its semicolons and finds the parameters. Quotes, dollar quotes and comments
// are passed over as Postgres reads them; :: is a cast and := no parameter.
func split(script string) ([]statement, []mistake) {
	var (
		out   []statement
		wrong []mistake
		text  strings.Builder
		cur   statement
		blank = true // nothing but white space and comments so far
	)
	flush := func() {
		if !blank {
			cur.text = text.String()
			wrong = append(wrong, cur.check()...)
			out = append(out, cur)
		}
		text.Reset()
		cur, blank = statement{}, true
	}
	for i := 0; i < len(script); {
		n, kind, ok := token(script[i:])
		if !ok {
			wrong = append(wrong, mistake{i, unclosed[kind]})
		}
		piece := script[i : i+n]
		switch {
		case piece == ";":
			flush()
			i += n
			continue
		case blank && (kind == space || kind == comment):
			i += n
			continue
		case blank:
			cur.start, blank = i, false
		}
		if blank = false; kind == param {
			cur.params = append(cur.params, piece[1:])
			number := fmt.Sprintf("$%d", len(cur.params))
			cur.edits = append(cur.edits, edit{text.Len(), n, len(number)})
			piece = number
		}
		text.WriteString(piece)
		i += n
	}
	flush()
	return out, wrong
}

// words are the first words of the statement, in lower case.
func (s *statement) words() []string {
	var words []string
	for i := 0; i < len(s.text) && len(words) < 12; {
		n, kind, _ := token(s.text[i:])
		if kind == word {
			words = append(words, strings.ToLower(s.text[i:i+n]))
		} else if kind != space && kind != comment && len(words) == 0 {
			return []string{s.text[i : i+n]}
		}
		i += n
	}
	return words
}

// verb is the statement's first word, in lower case.
func (s *statement) verb() string {
	if w := s.words(); len(w) > 0 {
		return w[0]
	}
	return ""
}

func (s *statement) check() []mistake {
	words := s.words()
	if len(words) == 0 {
		return nil
	}
	verb := words[0]
	switch {
	case strings.HasPrefix(verb, `\`):
		return []mistake{{s.start, `psql's commands, which begin with \, are not SQL; exec can run psql`}}
	case refused[verb] != "" && !slices.Contains(words, "to"): // rollback to a savepoint is fine
		return []mistake{{s.start, fmt.Sprintf("%s may not stand here: %s", strings.ToUpper(verb), refused[verb])}}
	case verb == "copy" && (slices.Contains(words, "stdin") || slices.Contains(words, "stdout")):
		return []mistake{{s.start, "COPY from stdin or to stdout has nobody at the other end; load.csv loads files"}}
	case len(s.params) > 0 && verb == "(":
	case len(s.params) > 0 && !slices.Contains(may, verb) && !(verb == "create" && slices.Contains(words, "as")):
		return []mistake{{s.place(s.edits[0].at), fmt.Sprintf("%s takes no parameters, so :%s cannot stand here; SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, WITH and CREATE TABLE AS do",
			strings.ToUpper(verb), s.params[0])}}
	}
	return nil
}

// The kinds of token.
const (
	other = iota
	space
	comment
	word
	param
	quoted
	name
	dollar
)

var unclosed = map[int]string{
	comment: "this comment has no end: */ is missing", quoted: "this text has no end: a ' is missing",
	name: `this name has no end: a " is missing`, dollar: "this dollar-quoted text has no end: its tag is missing",
}

// token measures the token that s begins with; ok is false when it has no end. Source: "Lexical Structure" in the
// manual of Postgres.
func token(s string) (n, kind int, ok bool) {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return i, comment, true
		}
		return len(s), comment, true
	case strings.HasPrefix(s, "/*"):
		n, ok := blockComment(s)
		return n, comment, ok
	case c == '\'':
		n, ok := until(s, 1, '\'', false)
		return n, quoted, ok
	case (c == 'e' || c == 'E') && len(s) > 1 && s[1] == '\'':
		n, ok := until(s, 2, '\'', true)
		return n, quoted, ok
	case c == '"':
		n, ok := until(s, 1, '"', false)
		return n, name, ok
	case c == '$':
		if tag := dollarTag(s); tag != "" {
			if i := strings.Index(s[len(tag):], tag); i >= 0 {
				return 2*len(tag) + i, dollar, true
			}
			return len(s), dollar, false
		}
		return 1 + wordEnd(s[1:]), other, true
	case strings.HasPrefix(s, "::"), strings.HasPrefix(s, ":="):
		return 2, other, true
	case c == ':' && len(s) > 1 && (s[1] == '_' || s[1] >= 'a' && s[1] <= 'z' || s[1] >= 'A' && s[1] <= 'Z'):
		return 1 + wordEnd(s[1:]), param, true
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case unicode.IsSpace(r):
		return size, space, true
	case r == '_' || unicode.IsLetter(r):
		return wordEnd(s), word, true
	case r >= '0' && r <= '9':
		return max(1, wordEnd(s)), other, true
	}
	return size, other, true
}

// wordEnd is how long the word is that s begins with.
func wordEnd(s string) int {
	for i, r := range s {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(s)
}

// until finds the end of quoted text; a doubled quote stands for one.
func until(s string, from int, quote byte, escapes bool) (int, bool) {
	for i := from; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1, true
		}
	}
	return len(s), false
}

// blockComment measures a comment; such comments nest.
func blockComment(s string) (int, bool) {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1, true
		}
	}
	return len(s), false
}

// dollarTag is $$ or $tag$, or "" when s begins with neither.
func dollarTag(s string) string {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return ""
	}
	tag := s[1 : 1+end]
	if tag != "" && (wordEnd(tag) != len(tag) || tag[0] >= '0' && tag[0] <= '9') {
		return ""
	}
	return s[:end+2]
}
