package notebook

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"tillflow/lib/strictyaml"
)

// meta is the front matter.
type meta struct {
	Title    string                    `yaml:"title" check:"required"`
	Subtitle string                    `yaml:"subtitle"`
	Refresh  time.Duration             `yaml:"refresh"`  // default 5s
	Timezone string                    `yaml:"timezone"` // an IANA name; default UTC
	Currency string                    `yaml:"currency"` // three capitals; no money formats without it
	AsOf     string                    `yaml:"as_of"`    // cell.column of a time
	Params   strictyaml.Map[paramSpec] `yaml:"params"`
	ForEach  *eachSpec                 `yaml:"for_each"`                      // a page for each row of a cell
	Pages    string                    `yaml:"pages" check:"oneof=asked|all"` // which combinations of choices are made; default asked

	location *time.Location
}

// Check is called by strictyaml once every key is sound by itself.
func (m *meta) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	add := func(key, msg, hint string) {
		p := at(key)
		ps = append(ps, strictyaml.Problem{Line: p.Line, Col: p.Col, Msg: msg, Hint: hint})
	}
	if m.Refresh == 0 {
		m.Refresh = 5 * time.Second
	}
	if m.Refresh < time.Second {
		add("refresh", "refresh of "+m.Refresh.String()+" is too often", "at least 1s")
	}
	m.location = time.UTC
	if m.Timezone != "" {
		loc, err := time.LoadLocation(m.Timezone)
		if err != nil || m.Timezone == "Local" {
			add("timezone", fmt.Sprintf("unknown time zone %q", m.Timezone), "use a name such as Asia/Riyadh or UTC")
		} else {
			m.location = loc
		}
	}
	if m.Currency != "" && (len(m.Currency) != 3 || strings.Trim(m.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		add("currency", fmt.Sprintf("currency %q is not a code", m.Currency), "three capitals, such as SAR")
	}
	return append(ps, m.checkParams(at)...)
}

// frontMatter cuts the front matter off. body is what follows it and bodyAt its offset; ok is false when the file does
// not begin with one.
func frontMatter(src []byte) (yaml, body []byte, bodyAt int, ok bool) {
	rest, found := cutLine(src, "---")
	if !found {
		return nil, src, 0, false
	}
	start := len(src) - len(rest)
	for at := start; at < len(src); {
		end := bytes.IndexByte(src[at:], '\n')
		next := len(src)
		if end >= 0 {
			next = at + end + 1
		}
		if strings.TrimRight(string(src[at:next]), " \t\r\n") == "---" {
			return src[start:at], src[next:], next, true
		}
		at = next
	}
	return nil, src, 0, false
}

// cutLine removes the first line when it is want.
func cutLine(src []byte, want string) ([]byte, bool) {
	line, rest, found := bytes.Cut(src, []byte("\n"))
	if !found || strings.TrimRight(string(line), " \t\r") != want {
		return src, false
	}
	return rest, true
}
