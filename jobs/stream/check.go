package stream

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tillflow/lib/event"
	"tillflow/lib/strictyaml"
	"tillflow/lib/window"
)

// Check reports every mistake that spans several keys, each at its place.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	c := checker{at: at, include: w.Late == "include"}
	d := w.withDefaults()
	if !topicName.MatchString(w.Topic) || len(w.Topic) > 249 {
		c.add([]string{"topic"}, "Kafka allows letters, digits, '.', '_' and '-', at most 249", "topic name %q", w.Topic)
	}
	for _, n := range []struct {
		key string
		bad bool
	}{{"batch", d.Batch < 1 || d.Batch > 1_000_000}, {"partitions", d.Partitions < 1}} {
		if n.bad {
			c.add([]string{n.key}, "batch is 1 to 1000000 rows, partitions at least 1", "%s is out of range", n.key)
		}
	}
	for _, n := range []struct {
		key string
		d   time.Duration
	}{{"watermark", *d.Watermark}, {"max_skew", *d.MaxSkew}, {"idle", *d.Idle}, {"linger", *d.Linger}} {
		if n.d < 0 || n.key == "linger" && n.d > time.Minute {
			c.add([]string{n.key}, "it is a duration such as 5m, and linger at most 1m", "%s is out of range", n.key)
		}
	}
	c.fields(w)
	fields, _ := d.fields() // the error is said by c.fields
	schema, err := event.NewSchema(fields)
	if err != nil {
		c.schema(err)
	}
	if len(c.problems) > 0 {
		return c.problems // the sinks would only repeat them
	}
	columns := map[string]event.Field{}
	for _, f := range schema.Fields() {
		columns[f.Column] = f
	}
	c.sinks(w, columns, schema)
	return c.problems
}

// schema reports what package event finds wrong with the fields.
func (c *checker) schema(err error) {
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, err := range all {
		var f *event.FieldError
		if errors.As(err, &f) {
			c.add([]string{"fields", f.Field, f.Setting}, "", "field %q: %s %s", f.Field, f.Setting, f.Reason)
		} else {
			c.add([]string{"fields"}, "", "%s", err)
		}
	}
}

var (
	topicName  = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)
	columnName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	tableName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)?$`)
)

// maxName is what Postgres keeps of a name.
const maxName = 63

type checker struct {
	at       func(path ...string) strictyaml.Pos
	include  bool // late rows are included
	problems []strictyaml.Problem
}

func (c *checker) add(path []string, hint, format string, args ...any) {
	pos := c.at(path...)
	c.problems = append(c.problems, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// fields checks what package event does not: names that Postgres must take, paths and references as they are written.
func (c *checker) fields(w *With) {
	timed := false
	for _, e := range w.Fields.Entries {
		at := []string{"fields", e.Key}
		timed = timed || e.Value.EventTime
		if col := e.Value.column(e.Key); !columnName.MatchString(col) || len(col) > maxName || strings.HasPrefix(col, "tillflow_") {
			c.add(at, "letters, digits and '_', at most 63, not beginning with tillflow_; give another one with column:", "%q cannot be a column's name", col)
		}
		if e.Value.References != "" {
			if table, column, err := parseReference(e.Value.References); err != nil {
				c.add(append(at, "references"), "as in dim_products.product_id", "%s", err)
			} else if !tableName.MatchString(table) || !columnName.MatchString(column) {
				c.add(append(at, "references"), "as in dim_products.product_id", "references %q is no table and column", e.Value.References)
			}
			if k := e.Value.Type.Kind; k != event.String && k != event.Int64 {
				c.add(append(at, "references"), "", "only a string or an int64 can reference a table")
			}
		}
		if _, err := parsePath(e.Value.Path); err != nil {
			c.add(append(at, "path"), "", "%s", err)
		}
	}
	if w.Fields.Len() > 0 && !timed {
		c.add([]string{"fields"}, "mark the timestamp that says when it happened with event_time: true", "no field is the event time")
	}
}

// sinks checks the sinks against the fields, which are sound.
func (c *checker) sinks(w *With, columns map[string]event.Field, schema *event.Schema) {
	var appends []string
	for _, e := range w.Sinks.Entries {
		at := []string{"sinks", e.Key}
		if !tableName.MatchString(e.Key) {
			c.add(at, "letters, digits and '_', as table or schema.table", "%q cannot be a table's name", e.Key)
		}
		s := e.Value
		kinds := 0
		for _, is := range []bool{s.Append != "", s.Window != 0, s.Rollup != nil} {
			if is {
				kinds++
			}
		}
		switch {
		case kinds != 1:
			c.add(at, "append: all for every row, window: 1m for totals by time, or rollup: [key] for totals by key", "a sink either appends, has a window or is a rollup")
		case s.Append != "":
			appends = append(appends, e.Key)
			c.appendSink(at, s, columns)
		case s.Rollup != nil:
			c.rollupSink(at, s, columns, schema)
		default:
			c.windowSink(at, s, columns, schema)
		}
	}
	if len(appends) != 1 {
		c.add([]string{"sinks"}, "a window counts the rows that are new in the raw table, so there is one, with append: all",
			"a stream needs exactly one sink that appends, this one has %d", len(appends))
	}
}

func (c *checker) appendSink(at []string, s SinkSpec, columns map[string]event.Field) {
	if len(s.Key) == 0 {
		c.add(at, "key: [...] makes the primary key, by which a repeated message is known", "an append sink needs a key")
	}
	for i, k := range s.Key {
		f, ok := columns[k]
		switch {
		case !ok:
			c.noColumn(append(at, "key"), "key", k, columns)
		case f.Nullable:
			c.add(append(at, "key"), "", "key column %q is nullable; a primary key cannot be", k)
		case slices.Contains(s.Key[:i], k):
			c.add(append(at, "key"), "", "key names %q twice", k)
		}
	}
	if len(s.By) > 0 || s.Totals.Len() > 0 || s.Slide != 0 || s.Where != "" {
		c.add(at, "they belong to a sink with window: or rollup:", "an append sink has no by, totals, slide or where")
	}
}

func (c *checker) windowSink(at []string, s SinkSpec, columns map[string]event.Field, schema *event.Schema) {
	refused := len(c.problems)
	c.slide(at, s)
	c.where(at, s.Where, columns, schema)
	if len(s.Key) > 0 {
		c.add(append(at, "key"), "leave it out", "the key of a window is window_start and its by columns")
	}
	if s.Totals.Len() == 0 {
		c.add(at, "totals: { count: count() }", "a window needs totals")
	}
	names := map[string]bool{window.StartColumn: true, window.EndColumn: true, revisedColumn: c.include}
	for _, by := range s.By {
		f, ok := columns[by]
		switch {
		case !ok:
			c.noColumn(append(at, "by"), "by", by, columns)
		case f.Nullable:
			c.add(append(at, "by"), "", "column %q is nullable; what splits a window cannot be", by)
		case names[by]:
			c.add(append(at, "by"), "", "column %q is there already", by)
		}
		names[by] = true
	}
	c.totals(at, s, names, columns, schema)
	if len(c.problems) > refused {
		return
	}
	spec, err := s.windowSpec(eventColumn(schema))
	if err == nil {
		_, err = spec.Schema(schema.Arrow())
	}
	if err != nil {
		c.add(at, "", "%s", err)
	}
}

// totals checks the totals of a sink. names are the columns it has besides; those of the totals are added.
func (c *checker) totals(at []string, s SinkSpec, names map[string]bool, columns map[string]event.Field, schema *event.Schema) {
	for _, e := range s.Totals.Entries {
		path := append(slices.Clone(at), "totals", e.Key)
		t, err := window.ParseTotal(e.Key, e.Value)
		c.totalNames(path, t, e.Key, names)
		if err != nil {
			c.add(path, "", "%s", err)
			continue
		}
		if _, ok := columns[t.Column]; t.Op != window.Count && !ok {
			c.noColumn(path, string(t.Op), t.Column, columns)
			continue
		}
		if t.Op == window.Distinct && s.Rollup != nil {
			c.add(path, "roll up by that column too: each row of the table is then one of them", "a rollup cannot keep %s", t.Op)
			continue
		}
		one := window.Spec{Size: time.Minute, Time: eventColumn(schema), Totals: []window.Total{t}}
		if _, err := one.Schema(schema.Arrow()); err != nil {
			c.add(path, "", "%s", err)
		}
	}
}

// rollupSink checks a sink of totals by key.
func (c *checker) rollupSink(at []string, s SinkSpec, columns map[string]event.Field, schema *event.Schema) {
	refused := len(c.problems)
	c.where(at, s.Where, columns, schema)
	if len(s.Key) > 0 || len(s.By) > 0 || s.Slide != 0 {
		c.add(at, "the key of a rollup is what stands after rollup:, as in rollup: [customer_id]", "a rollup has no key, by or slide")
	}
	if len(s.Rollup) == 0 {
		c.add(append(at, "rollup"), "as in rollup: [customer_id]", "a rollup needs at least one column as its key")
	}
	if s.Totals.Len() == 0 {
		c.add(at, "totals: { count: count() }", "a rollup needs totals")
	}
	names := map[string]bool{}
	for _, key := range s.Rollup {
		f, ok := columns[key]
		switch {
		case !ok:
			c.noColumn(append(at, "rollup"), "rollup", key, columns)
		case f.Nullable:
			c.add(append(at, "rollup"), "", "column %q is nullable; the key of a rollup cannot be", key)
		case names[key]:
			c.add(append(at, "rollup"), "", "rollup names %q twice", key)
		}
		names[key] = true
	}
	c.totals(at, s, names, columns, schema)
	if len(c.problems) > refused {
		return
	}
	spec, err := s.windowSpec(eventColumn(schema))
	if err == nil {
		spec.By, spec.Size = s.Rollup, time.Microsecond
		_, err = spec.Schema(schema.Arrow())
	}
	if err != nil {
		c.add(at, "", "%s", err)
	}
}

// slide checks that windows can begin where the sink says.
func (c *checker) slide(at []string, s SinkSpec) {
	if s.Slide == 0 {
		return
	}
	spec := window.Spec{Size: s.Window, Slide: s.Slide}
	if err := spec.Check(); err != nil {
		c.add(append(at, "slide"), "such as window: 5m and slide: 1m", "%s", err)
	}
}

// where checks a sink's condition.
func (c *checker) where(at []string, where string, columns map[string]event.Field, schema *event.Schema) {
	if where == "" {
		return
	}
	_, err := schema.NewFilter(where)
	var unknown *event.UnknownColumnError
	switch {
	case errors.As(err, &unknown):
		c.noColumn(append(at, "where"), "where", unknown.Column, columns)
	case err != nil:
		c.add(append(at, "where"), "as in where: amount > 0 and reason in ('a', 'b')", "where: %s", err)
	}
}

// totalNames checks the columns a total makes, and takes their names.
func (c *checker) totalNames(path []string, t window.Total, name string, taken map[string]bool) {
	columns := []string{name}
	for _, p := range t.Parts() {
		if p.Name != name && p.Name != "" {
			columns = append(columns, p.Name)
		}
	}
	for _, col := range columns {
		switch {
		case !columnName.MatchString(col) || taken[col] || len(col) > maxName:
			if col == name {
				c.add(path, "", "%q cannot be the name of a total: it is no column's name, or taken", name)
			} else {
				c.add(path, fmt.Sprintf("%s keeps %s beside %s; give one of them another name", t.Op, col, name),
					"%q cannot be a column: it is too long, or taken", col)
			}
		}
		taken[col] = true
	}
}

// noColumn says that a sink names a column no field has, and what was probably meant.
func (c *checker) noColumn(path []string, where, name string, columns map[string]event.Field) {
	known := slices.Sorted(maps.Keys(columns))
	for col, f := range columns {
		if f.Name == name {
			c.add(path, fmt.Sprintf("write %s, the column of that field", col), "%s names the field %q; sinks go by column", where, name)
			return
		}
	}
	hint := strictyaml.Suggest(name, known)
	if hint == "" {
		hint = "the columns are " + strings.Join(known, ", ")
	}
	c.add(path, hint, "%s names %q, which no field has as its column", where, name)
}

func eventColumn(s *event.Schema) string { return s.Arrow().Field(s.EventTime()).Name }
