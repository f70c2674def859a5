package stream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"tillflow/lib/event"
	"tillflow/lib/window"
)

// windowSink is one window table.
type windowSink struct {
	table  table
	spec   window.Spec
	step   int64         // microseconds from one window's start to the next one's
	filter *event.Filter // which rows belong to it; nil: all
	sql    string
	cols   []int // columns of the deltas, in the order of the statement's parameters

	revise  string // counts late rows that were included; empty when they are left out
	revised []int  // columns of the counts, for it

	// Sketches cannot be merged by SQL: sql returns those that stand in the table, and store puts the merged ones there.
	sketches []sketchColumns
	store    string
	keys     []int // columns of the deltas that are the table's key
}

// sketchColumns are where one approx_distinct is in the deltas: its estimate, and its sketch.
type sketchColumns struct{ estimate, sketch int }

func newWindowSink(name string, s SinkSpec, schema *event.Schema, byColumn map[string]column, include bool) (*windowSink, error) {
	spec, err := s.windowSpec(eventColumn(schema))
	if err != nil {
		return nil, err
	}
	out, err := spec.Schema(schema.Arrow())
	if err != nil {
		return nil, err
	}
	win := &windowSink{spec: spec, step: spec.Step().Microseconds(), table: table{name: name, key: append([]string{window.StartColumn}, spec.By...), updated: true}}
	if s.Where != "" {
		if win.filter, err = schema.NewFilter(s.Where); err != nil {
			return nil, fmt.Errorf("where: %w", err)
		}
	}
	for i, f := range out.Fields() {
		c := column{name: f.Name, typ: f.Type, nullable: f.Nullable, optional: f.Name == window.EndColumn}
		if slices.Contains(spec.By, f.Name) {
			c = byColumn[f.Name]
		}
		if slices.Contains(win.table.key, f.Name) {
			win.keys = append(win.keys, i)
		}
		win.table.columns = append(win.table.columns, c)
	}
	for _, t := range spec.Totals {
		switch t.Op {
		case window.Avg:
			win.table.columns = append(win.table.columns, average(t))
		case window.Distinct:
			i := out.FieldIndices(t.Name)[0]
			win.sketches = append(win.sketches, sketchColumns{estimate: i, sketch: i + 1})
		}
	}
	if include {
		win.mark()
	}
	return win, nil
}

// average is the column of an avg: Postgres keeps it as the quotient of the two columns that merge exactly, so it is what
// avg over the same rows would say, to the last digit.
func average(t window.Total) column {
	parts := t.Parts()
	return column{name: t.Name, nullable: true, generated: fmt.Sprintf("%s / nullif(%s, 0)", quote(parts[0].Name), quote(parts[1].Name))}
}

// bind makes the statements for the columns the window's table has.
func (w *windowSink) bind(have []found) {
	has := map[string]bool{}
	for _, h := range have {
		has[h.Name] = true
	}
	op := map[string]window.Op{}
	for _, t := range w.spec.Totals {
		for _, p := range t.Parts() {
			op[p.Name] = p.Op
		}
	}
	var names, params, sets []string
	w.cols = nil
	for i, c := range w.table.columns {
		if c.generated != "" || c.initial != "" || c.optional && !has[c.name] {
			continue
		}
		w.cols = append(w.cols, i)
		names = append(names, c.name)
		params = append(params, fmt.Sprintf("$%d::%s[]", len(params)+1, arrayType(c)))
		q := quote(c.name)
		switch op[c.name] {
		case window.Count, window.Sum, window.Values:
			sets = append(sets, fmt.Sprintf("%[1]s = t.%[1]s + excluded.%[1]s", q))
		case window.Min:
			sets = append(sets, fmt.Sprintf("%[1]s = least(t.%[1]s, excluded.%[1]s)", q))
		case window.Max:
			sets = append(sets, fmt.Sprintf("%[1]s = greatest(t.%[1]s, excluded.%[1]s)", q))
		case window.Distinct: // stays, but its row is locked until the merged sketch is stored
			sets = append(sets, fmt.Sprintf("%[1]s = t.%[1]s", q))
		}
	}
	insert := fmt.Sprintf("insert into %s as t (%s)\nselect %%s\non conflict (%s) do update set %s",
		quote(w.table.name), quoteAll(names), quoteAll(w.table.key), strings.Join(sets, ", "))
	if len(w.sketches) == 0 {
		w.sql = fmt.Sprintf(insert, "* from unnest("+strings.Join(params, ", ")+")")
		return
	}
	w.bindSketches(insert, names, params)
}

// bindSketches makes an upsert that returns the stored sketches, each with its row's place in the deltas, and the update
// that stores merged ones.
func (w *windowSink) bindSketches(insert string, names, params []string) {
	var sketches, same, sets, storeNames, storeParams []string
	for _, k := range w.table.key {
		same = append(same, fmt.Sprintf("t.%[1]s = d.%[1]s", quote(k)))
	}
	store := func(i int) {
		c := w.table.columns[i]
		storeNames = append(storeNames, c.name)
		storeParams = append(storeParams, fmt.Sprintf("$%d::%s[]", len(storeParams)+1, arrayType(c)))
	}
	for _, i := range w.keys {
		store(i)
	}
	for _, s := range w.sketches {
		sketches = append(sketches, "up."+quote(w.table.columns[s.sketch].name))
		for _, i := range []int{s.estimate, s.sketch} {
			store(i)
			sets = append(sets, fmt.Sprintf("%[1]s = d.%[1]s", quote(w.table.columns[i].name)))
		}
	}
	w.sql = fmt.Sprintf("with d as (select * from unnest(%s) with ordinality as d (%s, %s)),\nup as (%s\nreturning t.*)\n"+
		"select d.%s, %s from d join up using (%s)", strings.Join(params, ", "), quoteAll(names), quote(stageRow),
		fmt.Sprintf(insert, quoteAll(names)+" from d order by "+quote(stageRow)), quote(stageRow), strings.Join(sketches, ", "), quoteAll(w.table.key))
	w.store = fmt.Sprintf("update %s as t set %s\nfrom unnest(%s) as d (%s)\nwhere %s",
		quote(w.table.name), strings.Join(sets, ", "), strings.Join(storeParams, ", "), quoteAll(storeNames), strings.Join(same, " and "))
}

// arrayType is the element type of a column's parameter: without a size, as a cast to a sized type would round or cut.
func arrayType(c column) string {
	switch c.typ.ID() {
	case arrow.DECIMAL128:
		return "numeric"
	case arrow.STRING:
		return "text"
	}
	return c.sqlType()
}
