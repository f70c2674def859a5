package check

import (
	"fmt"
	"strings"
	"time"

	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a job of checks.
type With struct {
	Checks   strictyaml.Map[Check] `yaml:"checks" check:"required" doc:"name -> what must hold"`
	Examples *int                  `yaml:"examples" doc:"bad rows that are kept of each check; default 5"`
}

// Check is one thing that must hold; exactly one of the keys below Severity says what.
type Check struct {
	Table    string `yaml:"table" doc:"that is looked at, 'schema.table' or a table of public; not with query"`
	Where    string `yaml:"where" doc:"SQL condition: only these rows of it"`
	Severity string `yaml:"severity" check:"oneof=warn|error" doc:"error, the default, fails the run; warn does not"`

	NotNull    []string    `yaml:"not_null" doc:"columns that have a value in every row"`
	Unique     []string    `yaml:"unique" doc:"columns that no two rows have the same values in; rows with a null are left out"`
	Accepted   *Accepted   `yaml:"accepted" doc:"a column holds only these values"`
	References *References `yaml:"references" doc:"each value of a column is in another table"`
	RowCount   *RowCount   `yaml:"row_count" doc:"how many rows there are"`
	Freshness  *Freshness  `yaml:"freshness" doc:"how old the newest row may be"`
	Query      string      `yaml:"query" doc:"SQL that gives the rows that are wrong, or a file with it"`
}

// Accepted says which values a column may have; null is among them.
type Accepted struct {
	Column string   `yaml:"column" check:"required" doc:"a column of the table"`
	Values []string `yaml:"values" check:"required" doc:"the values allowed"`
}

// References says that each value of a column, but null, is one of another table's column.
type References struct {
	Column string `yaml:"column" check:"required" doc:"a column of the table"`
	To     string `yaml:"to" check:"required" doc:"'table.column' or 'schema.table.column'"`
}

// RowCount bounds the number of rows, both bounds included.
type RowCount struct {
	Min *int64 `yaml:"min" doc:"the least number of rows"`
	Max *int64 `yaml:"max" doc:"the greatest number of rows"`
}

// Freshness bounds the age of the newest row, counted to the run's as_of. A table without rows is too old.
type Freshness struct {
	Column string        `yaml:"column" check:"required" doc:"a timestamp or a date; without a zone it is UTC"`
	Warn   time.Duration `yaml:"warn" doc:"older than this is a warning"`
	Error  time.Duration `yaml:"error" doc:"older than this is a failure"`
}

// The kinds of check, named as in the dagfile.
const (
	notNull    = "not_null"
	unique     = "unique"
	accepted   = "accepted"
	references = "references"
	rowCount   = "row_count"
	freshness  = "freshness"
	query      = "query"
)

var all = []string{notNull, unique, accepted, references, rowCount, freshness, query}

// kinds are the kinds that a check asks for; a sound one asks for one.
func (c *Check) kinds() []string {
	var out []string
	for i, asked := range []bool{c.NotNull != nil, c.Unique != nil, c.Accepted != nil, c.References != nil, c.RowCount != nil, c.Freshness != nil, c.Query != ""} {
		if asked {
			out = append(out, all[i])
		}
	}
	return out
}

const maxExamples = 100

// Check finds what no run could do.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		pos := at(path...)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	if w.Checks.Len() == 0 {
		wrong("checks holds no check", "such as ids: { table: transactions, not_null: [product_id] }", "checks")
	}
	if w.Examples != nil && (*w.Examples < 0 || *w.Examples > maxExamples) {
		wrong("examples is out of range", fmt.Sprintf("from 0 to %d", maxExamples), "examples")
	}
	for i := range w.Checks.Entries {
		e := &w.Checks.Entries[i]
		e.Value.check(func(msg, hint string, path ...string) {
			wrong(fmt.Sprintf("check %q %s", e.Key, msg), hint, append([]string{"checks", e.Key}, path...)...)
		})
	}
	return ps
}

func (c *Check) check(wrong func(msg, hint string, path ...string)) {
	kinds := c.kinds()
	if len(kinds) == 0 {
		wrong("says nothing that must hold", "one of "+strings.Join(all, ", "))
		return
	}
	if len(kinds) > 1 {
		wrong(fmt.Sprintf("has both %s and %s", kinds[0], kinds[1]), "give each a check of its own", kinds[1])
	}
	switch {
	case c.Query != "" && c.Table != "":
		wrong("has a query, which names its tables itself", "take table away", "table")
	case c.Query != "" && c.Where != "":
		wrong("has a query, which says itself which rows it means", "take where away", "where")
	case c.Query == "" && c.Table == "":
		wrong("names no table", "table: transactions")
	}
	for key, columns := range map[string][]string{notNull: c.NotNull, unique: c.Unique} {
		if columns != nil && len(columns) == 0 {
			wrong(key+" names no column", "", key)
		}
	}
	if c.Accepted != nil && len(c.Accepted.Values) == 0 {
		wrong("accepts no value", "", accepted, "values")
	}
	if r := c.References; r != nil && strings.Trim(r.To, ".") == "" || r != nil && !strings.Contains(strings.Trim(r.To, "."), ".") {
		wrong(fmt.Sprintf("refers to %q, which is no column of a table", r.To), "such as dim_products.product_id", references, "to")
	}
	if r := c.RowCount; r != nil {
		switch {
		case r.Min == nil && r.Max == nil:
			wrong("bounds the number of rows by nothing", "min, max or both", rowCount)
		case r.Min != nil && *r.Min < 0 || r.Max != nil && *r.Max < 0:
			wrong("has a negative number of rows", "", rowCount)
		case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
			wrong(fmt.Sprintf("wants at least %d and at most %d rows", *r.Min, *r.Max), "", rowCount)
		}
	}
	if f := c.Freshness; f != nil {
		switch {
		case f.Warn <= 0 && f.Error <= 0:
			wrong("bounds the age by nothing", "warn: 10m, error: 1h or both", freshness)
		case f.Warn > 0 && f.Error > 0 && f.Warn >= f.Error:
			wrong("warns no earlier than it fails", "warn must be the lesser age", freshness, "warn")
		}
		if c.Severity != "" {
			wrong("has a severity beside its ages", "warn and error say how grave an age is", "severity")
		}
	}
}

// Files are the files the job reads, as the dagfile names them.
func (w *With) Files() []string {
	var files []string
	for _, e := range w.Checks.Entries {
		if q := strings.TrimSpace(e.Value.Query); q != "" && !strings.ContainsAny(q, " \t\n") {
			files = append(files, q)
		}
	}
	return files
}
