package notebook

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/strictyaml"
)

// CellError is what went wrong in a cell, for the page and the log. It holds no connection string and no password.
type CellError struct {
	File, Cell string
	Line, Col  int    // in File; Line is that of the fence and Col 0 when nothing closer is known
	Msg        string // what is wrong
	Hint       string // what to do about it; may be empty
	Source     string // the line of the query with the mistake; may be empty
	Mark       string // spaces and carets to stand under Source
	Denied     bool   // the query asked for what its role may not read
}

// Error gives the error in the form editors and terminals link: file:line:col: cell NAME: message (hint).
func (e *CellError) Error() string {
	s := fmt.Sprintf("%s:%d", e.File, e.Line)
	if e.Col > 0 {
		s += fmt.Sprintf(":%d", e.Col)
	}
	s += fmt.Sprintf(": cell %s: %s", e.Cell, e.Msg)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// errorAt makes a CellError at a key of a cell's YAML.
func (r *Report) errorAt(c *cell, at strictyaml.Pos, msg, hint string) *CellError {
	if at.Line == 0 {
		at = strictyaml.Pos{Line: c.line, Col: c.col}
	}
	return &CellError{File: c.doc.name, Cell: c.name, Line: at.Line, Col: at.Col, Msg: redact(msg), Hint: redact(hint)}
}

// sqlError places what Postgres said about a query.
func (r *Report) sqlError(c *cell, q bound, err error) *CellError {
	e := &CellError{File: c.doc.name, Cell: c.name, Line: c.line, Msg: err.Error()}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		e.Msg = redact(e.Msg)
		return e
	}
	e.Msg, e.Hint = redact(pg.Message), redact(pg.Hint)
	if pg.Detail != "" {
		e.Msg += ": " + redact(pg.Detail)
	}
	switch pg.Code {
	case "57014": // query_canceled, which in our session only the timeout does
		e.Msg = fmt.Sprintf("took longer than %s and was cancelled", strictyaml.FormatDuration(q.timeout))
		e.Hint = "make the query cheaper, let it serve longer with cache=, or raise timeout="
	case "25006": // read_only_sql_transaction
		e.Hint = "an sql cell only reads"
	case "42501": // insufficient_privilege
		e.Denied = true
		if e.Hint == "" {
			e.Hint = "an sql cell may only select from the pipeline's tables"
		}
	}
	if pg.Position > 0 {
		at := c.bodyAt + q.source(int(pg.Position))
		pos := c.doc.lines.pos(at)
		e.Line, e.Col = pos.Line, pos.Col
		e.Source = c.doc.lines.line(pos.Line)
		e.Mark = caret(e.Source, pos.Col)
	}
	return e
}

// caret marks the word that begins at a column. Tabs stay tabs, so that the mark stands under it in any editor.
func caret(line string, col int) string {
	var b strings.Builder
	rest := []rune(line)
	for i := 0; i < col-1 && i < len(rest); i++ {
		if rest[i] == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	n := 0
	for i := col - 1; i < len(rest) && (rest[i] < utf8.RuneSelf && isWordByte(byte(rest[i])) || rest[i] >= utf8.RuneSelf); i++ {
		n++
	}
	b.WriteString(strings.Repeat("^", max(1, n)))
	return b.String()
}

var secrets = []*regexp.Regexp{
	regexp.MustCompile(`\b[a-z][a-z0-9+.]*://[^\s"'` + "`" + `]+`),
	regexp.MustCompile(`(?i)\b(password|passfile|user|host|port|dbname|database|sslmode|service)=('[^']*'|\S+)`),
}

// redact takes addresses and connection settings out of an error text.
func redact(s string) string {
	for _, re := range secrets {
		s = re.ReplaceAllString(s, "[hidden]")
	}
	return s
}
