package notebook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tillflow/lib/frame"
	"tillflow/lib/strictyaml"
)

var cellKinds = []string{"sql", "kpi", "chart", "table", "md"}

// word is a word of a fence's first line, with its offset in the file.
type word struct {
	text string
	at   int
}

func wordsOf(info string, at int) []word {
	var ws []word
	start := -1
	for i, c := range info + " " {
		if c == ' ' || c == '\t' {
			if start >= 0 {
				ws = append(ws, word{info[start:i], at + start})
				start = -1
			}
		} else if start < 0 {
			start = i
		}
	}
	return ws
}

// fence makes a cell of the words of a fence's first line, or nil when the fence is code for readers to see.
func (p *parsing) fence(ws []word) *cell {
	if len(ws) == 0 {
		return nil
	}
	at := ws[0].at
	if !slices.Contains(cellKinds, ws[0].text) {
		if hint := strictyaml.Suggest(ws[0].text, append([]string{"include"}, cellKinds...)); hint != "" {
			p.problem(at, fmt.Sprintf("unknown cell kind %q", ws[0].text), hint)
		}
		return nil
	}
	pos := p.doc.lines.pos(at)
	c := &cell{kind: ws[0].text, line: pos.Line, col: pos.Col}
	switch c.kind {
	case "sql":
		c.sql = &sqlSpec{timeout: 5 * time.Second, maxRows: frame.MaxRows}
	case "kpi":
		c.kpi = &kpiSpec{}
	case "chart":
		c.chart = &chartSpec{}
	case "table":
		c.table = &tableSpec{}
	case "md":
		c.note = &noteSpec{}
	}
	if len(ws) == 1 {
		p.problem(at, c.kind+" cell has no name", "write ~~~"+c.kind+" name; a fence that only shows code is ~~~text")
		return c
	}
	if c.name = ws[1].text; !isName(c.name) {
		p.problem(ws[1].at, fmt.Sprintf("cell name %q is not one", c.name), "small letters, digits and underscores")
	}
	rest := ws[2:]
	if c.sql != nil {
		p.options(c.sql, rest)
		return c
	}
	if c.chart != nil {
		if len(rest) == 0 {
			p.problem(at, fmt.Sprintf("chart cell %q has no kind", c.name), "write ~~~chart "+c.name+" KIND with one of "+strings.Join(chartKinds, ", "))
			return c
		}
		p.chartKind(c.chart, rest[0])
		rest = rest[1:]
	}
	if c.note != nil {
		p.width(c.note, rest)
		return c
	}
	for _, w := range rest {
		p.problem(w.at, fmt.Sprintf("unexpected %q after the name of a %s cell", w.text, c.kind), "what a cell shows is set by the keys in its body")
	}
	return c
}

func (p *parsing) chartKind(s *chartSpec, w word) {
	if s.kind = w.text; slices.Contains(chartKinds, s.kind) {
		return
	}
	hint := strictyaml.Suggest(s.kind, chartKinds)
	if hint == "" {
		hint = "kinds: " + strings.Join(chartKinds, ", ")
	}
	p.problem(w.at, fmt.Sprintf("unknown chart kind %q", s.kind), hint)
}

// sqlSpec is an sql cell.
type sqlSpec struct {
	timeout   time.Duration // for this query; default 5s
	timeoutAt int           // where the file says so; 0: it does not
	cache     time.Duration // how long a result serves again; 0: run each time
	maxRows   int           // more is an error; default frame.MaxRows, the most there may be
	places    []place
	needs     []string // parameters it depends on, itself or by cells above
	text      string   // the query as the page shows it
}

var sqlOptions = []string{"timeout", "cache", "max_rows"}

func (p *parsing) options(s *sqlSpec, ws []word) {
	seen := map[string]bool{}
	for _, w := range ws {
		key, value, ok := strings.Cut(w.text, "=")
		switch {
		case !ok:
			p.problem(w.at, fmt.Sprintf("%q is no option", w.text), "options are written key=value: timeout=2s, cache=30s, max_rows=2000")
			continue
		case seen[key]:
			p.problem(w.at, "option "+key+" stands twice", "")
			continue
		}
		seen[key] = true
		valueAt := w.at + len(key) + 1
		switch key {
		case "timeout", "cache":
			d, err := strictyaml.ParseDuration(value)
			if err == nil && (d < time.Millisecond || d > 24*time.Hour) {
				err = fmt.Errorf("%s of %q is out of range: 1ms to 24h", key, value)
			}
			if err != nil {
				p.problem(valueAt, err.Error(), "")
			} else if key == "timeout" {
				s.timeout, s.timeoutAt = d, valueAt
			} else {
				s.cache = d
			}
		case "max_rows":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > frame.MaxRows {
				p.problem(valueAt, fmt.Sprintf("max_rows=%s is out of range", value), fmt.Sprintf("a whole number from 1 to %d; sum up more in SQL", frame.MaxRows))
			} else {
				s.maxRows = n
			}
		default:
			hint := strictyaml.Suggest(key, sqlOptions)
			if hint == "" {
				hint = "options: " + strings.Join(sqlOptions, ", ")
			}
			p.problem(w.at, fmt.Sprintf("unknown option %q of an sql cell", key), hint)
		}
	}
}
