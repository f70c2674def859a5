package segments

import (
	"fmt"
	"strings"

	"tillflow/lib/rfm"
	"tillflow/lib/strictyaml"
)

// Segments is a table of segments as a dagfile has it, in one of two forms. By segment, with the cells it takes; every one
// of the 25 cells must be taken, and only once:
//
//	Champions: r5 f4-5
//	Loyal Customers: [r4 f4-5, r3 f4-5]
//
// Or as the grid itself, a row for each recency score with the names for f1 to f5:
//
//	r5: [New Customers, Potential Loyalists, Potential Loyalists, Champions, Champions]
type Segments struct{ Table *rfm.Table }

// DecodeNode reads either form and places what is wrong at the cell, the name or the whole.
func (s *Segments) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	var entries strictyaml.Map[strictyaml.Node]
	if ps := n.Decode(&entries); len(ps) > 0 {
		return ps
	}
	grid := false
	for _, e := range entries.Entries {
		grid = grid || e.Value.IsList() && len(e.Key) == 2 && e.Key[0] == 'r'
	}
	if grid {
		return s.grid(n)
	}
	var b rfm.TableBuilder
	var ps []strictyaml.Problem
	for _, e := range entries.Entries {
		for _, cells := range items(e.Value) {
			text, ok := cells.Scalar()
			err := fmt.Errorf("expected cells, such as r5 f4-5, got no text")
			if ok {
				err = b.Add(e.Key, text)
			}
			if err != nil {
				p := cells.Problem("segment %q: %v", e.Key, err)
				p.Hint = "cells are written r5 f4-5, or a list of such"
				ps = append(ps, p)
			}
		}
	}
	if len(ps) > 0 {
		return ps
	}
	table, err := b.Table()
	if err != nil {
		p := n.Problem("%v", err)
		p.Hint = "each of the 25 pairs of a recency and a frequency score needs a segment"
		return append(ps, p)
	}
	s.Table = &table
	return nil
}

// grid reads the form with a row for each recency score.
func (s *Segments) grid(n strictyaml.Node) []strictyaml.Problem {
	var rows map[string][]string
	if ps := n.Decode(&rows); len(ps) > 0 {
		return ps
	}
	table, err := rfm.ParseTable(rows)
	if err != nil {
		p := n.Problem("%v", err)
		p.Hint = "give r5 to r1, each a list of five names for f1 to f5"
		return []strictyaml.Problem{p}
	}
	s.Table = &table
	return nil
}

// items are the elements of a list, or the node itself.
func items(n strictyaml.Node) []strictyaml.Node {
	if !n.IsList() {
		return []strictyaml.Node{n}
	}
	var all []strictyaml.Node
	if ps := n.Decode(&all); len(ps) > 0 {
		return []strictyaml.Node{n}
	}
	return all
}

// JSONSchema describes both forms.
func (s *Segments) JSONSchema() strictyaml.Schema {
	text := strictyaml.Schema{"type": "string"}
	return strictyaml.Schema{
		"type":                 "object",
		"minProperties":        1,
		"additionalProperties": strictyaml.Schema{"anyOf": []any{text, strictyaml.Schema{"type": "array", "items": text}}},
		"examples":             []any{map[string]any{"Champions": "r5 f4-5", "Everyone else": []any{"r1-4 f1-5", "r5 f1-3"}}},
	}
}

// describe writes the table as the form by row, for the parameters of a run.
func describe(t *rfm.Table) map[string]string {
	out := map[string]string{}
	for r := range t {
		out[fmt.Sprintf("r%d", r+1)] = strings.Join(t[r][:], ", ")
	}
	return out
}
