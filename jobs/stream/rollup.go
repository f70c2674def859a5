package stream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"tillflow/lib/event"
	"tillflow/lib/ledger"
	"tillflow/lib/window"
)

// A rollup is a table of totals by key over all time: of exactly those rows of the raw table whose event time is before a
// moment that moves on, until. So a batch, whose rows are nearly all younger, has nothing to do for it: every few seconds
// the stream adds the rows that the watermark has passed since, in one statement that folds them by key first
// (rollup_take.go). A row that comes late, before until, is added in the transaction of its batch, whether it was read,
// had waited for its dimension, or is a dead letter that was mended. Who asks for the totals as of a later moment adds the
// rows since until, which an index on event time finds; nothing has to be subtracted, so a maximum is as exact as a sum.
//
// Both need until to stand still while a batch is written: batches share a lock, and moving on takes it alone.
//
// As all of it follows from the raw table, a rollup that is declared for a table with history, or is declared otherwise than
// before, fills itself.

// rollupSink is one rollup.
type rollupSink struct {
	table  table
	name   string // as the ledger calls the table; known after prepare
	now    string // how it is declared: the ledger's Current; after prepare too
	by     []string
	totals []window.Total
	filter *event.Filter // which rows belong to it; nil: all
	time   string        // the column of event time
	raw    string        // the raw table, quoted

	sent []int  // columns of a batch that late rows are sent in
	add  string // adds late rows: parameters are those columns
}

func newRollupSink(name string, s SinkSpec, schema *event.Schema, byColumn map[string]column) (*rollupSink, error) {
	spec, err := s.windowSpec(eventColumn(schema))
	if err != nil {
		return nil, err
	}
	spec.By, spec.Size = s.Rollup, time.Microsecond // the types of its columns are those of a window's
	out, err := spec.Schema(schema.Arrow())
	if err != nil {
		return nil, err
	}
	r := &rollupSink{by: s.Rollup, totals: spec.Totals, time: spec.Time, table: table{name: name, key: s.Rollup, updated: true}}
	if s.Where != "" {
		if r.filter, err = schema.NewFilter(s.Where); err != nil {
			return nil, fmt.Errorf("where: %w", err)
		}
	}
	for i, f := range out.Fields()[2:] { // without the window's start and end
		c := column{name: f.Name, typ: f.Type, nullable: f.Nullable}
		if i < len(r.by) {
			c.length = byColumn[f.Name].length // no reference: the raw row has been checked
		}
		r.table.columns = append(r.table.columns, c)
	}
	for _, t := range spec.Totals {
		if t.Op == window.Avg {
			r.table.columns = append(r.table.columns, average(t))
		}
	}
	return r, nil
}

// bind makes the statements for the raw table.
func (r *rollupSink) bind(raw table, schema *arrow.Schema, byColumn map[string]column) {
	r.raw = quote(raw.name)
	var names, params []string
	need := func(name string) {
		if slices.Contains(names, name) {
			return
		}
		names = append(names, name)
		r.sent = append(r.sent, schema.FieldIndices(name)[0])
		params = append(params, fmt.Sprintf("$%d::%s[]", len(names), arrayType(byColumn[name])))
	}
	for _, by := range r.by {
		need(by)
	}
	for _, t := range r.totals {
		if t.Column != "" {
			need(t.Column)
		}
	}
	r.add = r.upsert(fmt.Sprintf("from unnest(%s) as r (%s)", strings.Join(params, ", "), quoteAll(names)))
}

// keys are the columns of the key, of the raw row.
func (r *rollupSink) keys() string { return of("r", r.by) }

// upsert adds the rows of a from clause, which calls them r. Keys are taken in their order, so that two batches cannot wait
// for each other.
func (r *rollupSink) upsert(from string) string {
	names, exprs := counted(r.totals)
	op := map[string]window.Op{}
	for _, t := range r.totals {
		for _, p := range t.Parts() {
			op[p.Name] = p.Op
		}
	}
	sets := make([]string, len(names))
	for i, n := range names {
		sets[i] = quote(n) + " = " + merge(op[n], "t."+quote(n), "excluded."+quote(n))
	}
	return fmt.Sprintf("insert into %s as t (%s)\nselect %s, %s\n%s\ngroup by %s order by %[6]s\non conflict (%[7]s) do update set %[8]s",
		quote(r.table.name), quoteAll(slices.Concat(r.by, names)), r.keys(), strings.Join(exprs, ", "), from,
		r.keys(), quoteAll(r.by), strings.Join(sets, ", "))
}

// merge is one part of a total of two.
func merge(op window.Op, a, b string) string {
	switch op {
	case window.Min:
		return fmt.Sprintf("least(%s, %s)", a, b)
	case window.Max:
		return fmt.Sprintf("greatest(%s, %s)", a, b)
	}
	return a + " + " + b
}

// rows is a from clause for the raw rows that belong to the rollup and meet the conditions.
func (r *rollupSink) rows(conditions ...string) string {
	if r.filter != nil {
		conditions = append(conditions, r.filter.SQL())
	}
	return fmt.Sprintf("from (select * from %s where %s) r", r.raw, strings.Join(conditions, " and "))
}

// take is the statement that adds the raw rows from one event time to another; a zero from is the beginning.
func (r *rollupSink) take(from, to time.Time, condition string) string {
	conditions := []string{quote(r.time) + " < " + ledger.TimeLiteral(to), condition}
	if !from.IsZero() {
		conditions = append(conditions, quote(r.time)+" >= "+ledger.TimeLiteral(from))
	}
	return r.upsert(r.rows(conditions...))
}

// totalsOf are the totals of raw rows by key.
func (r *rollupSink) totalsOf(conditions ...string) string {
	_, exprs := counted(r.totals)
	return fmt.Sprintf("select %s, %s\n%s\ngroup by %s", r.keys(), strings.Join(exprs, ", "), r.rows(conditions...), r.keys())
}

// known is what the ledger is told of the rollup: also how others get the totals as of a time.
func (r *rollupSink) known(job string) ledger.Rollup {
	before := quote(r.time) + " < $1"
	var both, shown []string
	for _, t := range r.totals {
		for _, p := range t.Parts() {
			n := quote(p.Name)
			kept, since := "kept."+n, "since."+n
			if p.Op != window.Min && p.Op != window.Max { // which pass over nulls by themselves
				kept, since = "coalesce("+kept+", 0)", "coalesce("+since+", 0)"
			}
			both, shown = append(both, merge(p.Op, kept, since)+" as "+n), append(shown, n)
		}
		if t.Op == window.Avg {
			shown = append(shown, average(t).generated+" as "+quote(t.Name))
		}
	}
	current := fmt.Sprintf("select %s, %s\nfrom %s kept\nfull join (\n%s) since using (%[1]s)", quoteAll(r.by), strings.Join(both, ", "),
		quote(r.table.name), r.totalsOf(before, quote(r.time)+" >= "+ledger.UntilMark))
	outer := "select " + quoteAll(r.by) + ", " + strings.Join(shown, ", ") + "\nfrom (\n%s) totals"
	return ledger.Rollup{
		Table: quote(r.table.name), Job: job, Raw: r.raw, Key: r.by,
		Current: fmt.Sprintf(outer, current), Whole: fmt.Sprintf(outer, r.totalsOf(before)),
	}
}
