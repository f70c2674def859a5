package event

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// filterParser reads a condition, token by token.
type filterParser struct {
	schema *Schema
	src    string
	tokens []string
}

var filterToken = regexp.MustCompile(`^(?:[a-zA-Z_][a-zA-Z0-9_]*|-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?|'(?:[^']|'')*'|<>|!=|<=|>=|[=<>(),])`)

func (p *filterParser) split() error {
	rest := strings.TrimSpace(p.src)
	for rest != "" {
		t := filterToken.FindString(rest)
		if t == "" {
			return fmt.Errorf("cannot read %q; a condition is written like amount > 0 and reason in ('a', 'b')", rest)
		}
		p.tokens = append(p.tokens, t)
		rest = strings.TrimSpace(rest[len(t):])
	}
	if len(p.tokens) == 0 {
		return fmt.Errorf("the condition is empty; it is written like amount > 0 and reason in ('a', 'b')")
	}
	return nil
}

func (p *filterParser) done() bool { return len(p.tokens) == 0 }

// take gives the next token, or "the end".
func (p *filterParser) take() string {
	if p.done() {
		return "the end"
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

// word takes the next token if it is the given word, in any case.
func (p *filterParser) word(w string) bool {
	if p.done() || !strings.EqualFold(p.tokens[0], w) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

// condition reads one comparison.
func (p *filterParser) condition() (condition, error) {
	name := p.take()
	if c := name[0]; c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') || name == "the end" {
		return condition{}, fmt.Errorf("%q where a column is expected; a comparison begins with its column", name)
	}
	c := condition{col: -1}
	for i := range p.schema.fields {
		if p.schema.fields[i].Column == name {
			c.col, c.field = i, &p.schema.fields[i]
		}
	}
	if c.col < 0 {
		return c, &UnknownColumnError{name}
	}
	if err := p.operator(&c); err != nil {
		return c, err
	}
	c.sql = `"` + name + `" ` + c.op
	switch c.op {
	case "is null", "is not null":
		return c, nil
	case "in", "not in":
		return c, p.list(&c)
	}
	v, sql, err := p.value(&c)
	c.values, c.sql = []cell{v}, c.sql+" "+sql
	return c, err
}

func (p *filterParser) operator(c *condition) error {
	switch t := p.take(); strings.ToLower(t) {
	case "=", "<>":
		c.op = t
	case "!=":
		c.op = "<>"
	case "<", "<=", ">", ">=":
		c.op = t
		if k := c.field.kind; k == String || k == Bool {
			return fmt.Errorf("%s %s: a %s has no order here; use =, <> or in (...)", c.field.Column, t, c.field.Type)
		}
	case "in":
		c.op = "in"
	case "not":
		if !p.word("in") {
			return fmt.Errorf("%s not: only not in (...) is known", c.field.Column)
		}
		c.op = "not in"
	case "is":
		c.op = "is null"
		if p.word("not") {
			c.op = "is not null"
		}
		if !p.word("null") {
			return fmt.Errorf("%s is: only is null and is not null are known", c.field.Column)
		}
	default:
		return fmt.Errorf("%s: %q is no comparison: =, <>, <, <=, >, >=, in (...), not in (...), is null, is not null", c.field.Column, t)
	}
	return nil
}

// list reads the values of in (...).
func (p *filterParser) list(c *condition) error {
	if t := p.take(); t != "(" {
		return fmt.Errorf("%s %s: %q where ( is expected", c.field.Column, c.op, t)
	}
	var sqls []string
	for {
		v, sql, err := p.value(c)
		if err != nil {
			return err
		}
		c.values, sqls = append(c.values, v), append(sqls, sql)
		switch t := p.take(); t {
		case ",":
		case ")":
			c.sql += " (" + strings.Join(sqls, ", ") + ")"
			return nil
		default:
			return fmt.Errorf("%s %s: %q where , or ) is expected", c.field.Column, c.op, t)
		}
	}
}

// value reads one value of the condition's column, and gives it for SQL too.
func (p *filterParser) value(c *condition) (v cell, sql string, err error) {
	t := p.take()
	f := *c.field
	f.MaxLength, f.epoch = 0, -1 // how messages hold a time does not matter here, and any text can be compared with
	quoted, word := t[0] == '\'', strings.ToLower(t)
	wrong := func(want string) error {
		return fmt.Errorf("%s is %s: %q where %s is expected", f.Column, f.Type, t, want)
	}
	switch number := t[0] == '-' || t[0]-'0' <= 9; {
	case f.kind == String && !quoted:
		return v, "", wrong("'text' in single quotes")
	case f.kind == Timestamp && !quoted:
		return v, "", wrong("a time such as '2026-01-31 12:00:00'")
	case f.kind == Bool && word != "true" && word != "false":
		return v, "", wrong("true or false")
	case (f.kind == Int64 || f.kind == Float64 || f.kind == Decimal) && !number:
		return v, "", wrong("a number")
	}
	text := word
	if quoted {
		text = strings.ReplaceAll(t[1:len(t)-1], "''", "'")
	}
	v, reason := f.fromText(text)
	if reason != "" {
		return v, "", fmt.Errorf("%s: %s", f.Column, reason)
	}
	switch {
	case f.kind == Timestamp:
		return v, "timestamp '" + time.UnixMicro(v.i).UTC().Format("2006-01-02 15:04:05.999999") + "'", nil
	case quoted && strings.Contains(t, `\`):
		return v, "E" + strings.ReplaceAll(t, `\`, `\\`), nil // the same whatever standard_conforming_strings says
	case quoted:
		return v, t, nil
	}
	return v, text, nil
}
