package notebook

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/lib/strictyaml"
)

// Param is a parameter of the front matter, :name in SQL.
type Param struct {
	Name  string
	Type  string // Postgres type it is bound as: interval, bigint, double precision, boolean or text
	Value any    // the default: time.Duration, int64, float64, bool or string
	Text  string // the default as the file has it
	Label string // over its choices

	choices []choice // constants, the default first; nil when there are none
	from    *column2 // in place of choices: the cell and columns that give them
	pos     strictyaml.Pos
}

// choice is a value a reader may choose, and its name.
type choice struct{ value, name string }

// column2 names a column of an sql cell, and maybe another that gives its values their names.
type column2 struct {
	cell, value, name string
	pos, namePos      strictyaml.Pos
}

// chosen tells whether a reader has a choice.
func (p *Param) chosen() bool { return p.choices != nil || p.from != nil }

// Params lists the parameters in the order of the file.
func (r *Report) Params() []Param { return r.params }

// Values are the parameters of one page, as text by their names. A parameter that is not there has its default.
type Values map[string]string

// ValueError is a parameter or a value that a report does not have. It is a fs.ErrNotExist: there is no such page.
type ValueError struct{ msg, hint string }

// Error says what there is instead.
func (e *ValueError) Error() string {
	if e.hint == "" {
		return e.msg
	}
	return e.msg + " (" + e.hint + ")"
}

// Unwrap makes it a fs.ErrNotExist.
func (e *ValueError) Unwrap() error { return fs.ErrNotExist }

// Read checks parameters that a person gives: their names, the types of their values, and the choices that stand in the
// file. Choices from the database, and the values of for_each, are checked when a page is loaded. The error is a *ValueError.
func (r *Report) Read(given map[string]string) (Values, error) {
	v := Values{}
	for name, text := range given {
		if r.each != nil && name == r.each.param {
			v[name] = text
			continue
		}
		p := r.param(name)
		if p == nil {
			return nil, &ValueError{fmt.Sprintf("%s has no parameter %q", r.File, name), strictyaml.SuggestOrList(name, r.paramNames())}
		}
		if _, err := parseParam(p.Type, text); err != nil {
			return nil, &ValueError{fmt.Sprintf("parameter %s: %v", name, err), ""}
		}
		if p.choices != nil && !slices.ContainsFunc(p.choices, func(c choice) bool { return c.value == text }) {
			return nil, noChoice(name, text, p.choices)
		}
		if text != p.Text {
			v[name] = text
		}
	}
	return v, nil
}

func noChoice(param, value string, choices []choice) *ValueError {
	var known []string
	for _, c := range choices {
		known = append(known, c.value)
	}
	hint := strictyaml.Suggest(value, known)
	if hint == "" {
		const most = 8
		more := ""
		if len(known) > most {
			known, more = known[:most], fmt.Sprintf(" and %d more", len(known)-most)
		}
		hint = "choices: " + strings.Join(known, ", ") + more
	}
	return &ValueError{fmt.Sprintf("parameter %s has no choice %q", param, value), hint}
}

func (r *Report) param(name string) *Param {
	for i := range r.params {
		if r.params[i].Name == name {
			return &r.params[i]
		}
	}
	return nil
}

// paramNames lists all parameters, that of for_each included.
func (r *Report) paramNames() []string {
	var names []string
	if r.each != nil {
		names = append(names, r.each.param)
	}
	for _, p := range r.params {
		names = append(names, p.Name)
	}
	return names
}

// paramTypes are the types a report may name, and what they are for Postgres.
var paramTypes = map[string]string{"text": "text", "int": "bigint", "number": "double precision", "bool": "boolean", "duration": "interval"}

// typeOf is the type a value looks like.
func typeOf(s string) string {
	for _, t := range []string{"bigint", "double precision", "boolean", "interval"} {
		if _, err := parseParam(t, s); err == nil {
			return t
		}
	}
	return "text"
}

// parseParam reads a value of a Postgres type.
func parseParam(pgType, s string) (any, error) {
	switch pgType {
	case "bigint":
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", s)
		}
		return n, nil
	case "double precision":
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", s)
		}
		return f, nil
	case "boolean":
		if s != "true" && s != "false" {
			return nil, fmt.Errorf("%q is neither true nor false", s)
		}
		return s == "true", nil
	case "interval":
		return strictyaml.ParseDuration(s)
	}
	if strings.ContainsRune(s, 0) {
		return nil, fmt.Errorf("%q holds a zero byte", s)
	}
	return s, nil
}

// argument gives the value a parameter is bound to.
func (p *Param) argument(text string) (argument, error) {
	v, err := parseParam(p.Type, text)
	if d, ok := v.(time.Duration); ok {
		v = pgtype.Interval{Microseconds: d.Microseconds(), Valid: true}
	}
	return argument{p.Type, v}, err
}

// value is the text of a parameter on a page.
func (v Values) value(p *Param) string {
	if s, ok := v[p.Name]; ok {
		return s
	}
	return p.Text
}

// without leaves out the values that are defaults, so that a page has one set of values only.
func (r *Report) without(v Values) Values {
	out := Values{}
	for name, text := range v {
		if p := r.param(name); p == nil || p.Text != text {
			out[name] = text
		}
	}
	return out
}
