package notebook

import (
	"fmt"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// paramSpec is a parameter in the front matter: a plain value, whose look gives its type, or
//
//	{ default: 24h, label: Period, choices: [1h, 24h, 7d], names: [Last hour, Last day, Last week] }
//	{ default: all, choices: stores.store_id, names: stores.store_name }
type paramSpec struct {
	Default string `yaml:"default" check:"required"`
	Type    string `yaml:"type" check:"oneof=text|int|number|bool|duration"` // default: what the default looks like
	Label   string `yaml:"label"`                                            // default: the parameter's name in words
	Choices names  `yaml:"choices"`                                          // a list of constants, or cell.column
	Names   names  `yaml:"names"`                                            // of the choices: a list as long, or a column of the same cell

	node strictyaml.Node
}

// DecodeNode reads both forms.
func (p *paramSpec) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	if p.node = n; !n.IsMap() {
		s, ok := n.Scalar()
		if !ok {
			return []strictyaml.Problem{n.Problem("expected a value, or { default: ..., choices: ... }")}
		}
		p.Default = s
		return nil
	}
	type plain paramSpec
	var q plain
	ps := n.Decode(&q)
	q.node = n
	*p = paramSpec(q)
	return ps
}

// mostChosen is the most parameters with choices of a report: more make page names that a file system refuses, and
// combinations that nobody looks at.
const mostChosen = 4

// checkParams looks at the parameters' names, the rules that need no cells.
func (m *meta) checkParams(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	add := func(pos strictyaml.Pos, msg, hint string) {
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	chosen := 0
	for _, e := range m.Params.Entries {
		switch {
		case e.Key == "now":
			add(e.Pos, "parameter \"now\" is taken: :now is the time of the rendering", "use another name")
		case !isName(e.Key) || len(e.Key) > 20:
			add(e.Pos, fmt.Sprintf("parameter name %q is not one", e.Key), "small letters, digits and underscores, at most 20")
		}
		if e.Value.Choices != nil {
			if chosen++; chosen == mostChosen+1 {
				add(e.Pos, fmt.Sprintf("more than %d parameters with choices", mostChosen), "split the report")
			}
		}
	}
	if f := m.ForEach; f != nil {
		if _, twice := m.Params.Get(f.Param); twice {
			add(at("for_each", "param"), fmt.Sprintf("parameter %q stands under params too", f.Param), "for_each gives its values")
		} else if !isName(f.Param) || f.Param == "now" || len(f.Param) > 20 {
			add(at("for_each", "param"), fmt.Sprintf("parameter name %q is not one", f.Param), "small letters, digits and underscores, at most 20")
		}
	}
	if m.Pages == "all" && m.ForEach != nil {
		add(at("pages"), "pages: all beside for_each", "choices of its pages are made when they are asked for; leave pages out")
	} else if m.Pages == "all" && chosen == 0 {
		add(at("pages"), "pages: all without a parameter that has choices", "give one choices, or leave pages out")
	}
	return ps
}

// params takes the parameters over into the report.
func (p *parsing) params(m *meta) {
	r := p.report
	r.allPages = m.Pages == "all"
	for _, e := range m.Params.Entries {
		r.params = append(r.params, p.param(e.Key, e.Pos, e.Value))
	}
	if m.ForEach != nil {
		r.each = p.forEach(m.ForEach)
	}
}

func (p *parsing) param(name string, pos strictyaml.Pos, s paramSpec) Param {
	q := Param{Name: name, Type: typeOf(s.Default), Text: s.Default, Label: s.Label, pos: pos}
	if s.Type != "" {
		q.Type = paramTypes[s.Type]
	}
	if q.Label == "" {
		q.Label = words(name)
	}
	var err error
	if q.Value, err = parseParam(q.Type, s.Default); err != nil {
		p.problemAt(s.node.At("default"), err.Error(), "")
	}
	choices := s.node.Get("choices")
	switch {
	case s.Choices == nil:
		if s.Names != nil {
			p.problemAt(s.node.At("names"), "names without choices", "list the values under choices")
		}
	case choices.IsList():
		q.choices = p.constants(&q, s)
	default:
		q.from = p.column2(s.Choices[0], choices.Pos(), s.Names, s.node.Get("names").Pos())
	}
	return q
}

// constants reads choices that stand in the file.
func (p *parsing) constants(q *Param, s paramSpec) []choice {
	var out []choice
	for i, v := range s.Choices {
		at := s.node.At("choices")
		if _, err := parseParam(q.Type, v); err != nil {
			p.problemAt(at, fmt.Sprintf("choice %q is of another type than the default: %v", v, err), "all choices are of one type; type: text takes anything")
		}
		if slices.ContainsFunc(out, func(c choice) bool { return c.value == v }) {
			p.problemAt(at, fmt.Sprintf("choice %q stands twice", v), "")
			continue
		}
		c := choice{v, v}
		if i < len(s.Names) {
			c.name = s.Names[i]
		}
		out = append(out, c)
	}
	if s.Names != nil && len(s.Names) != len(s.Choices) {
		p.problemAt(s.node.At("names"), fmt.Sprintf("%d names for %d choices", len(s.Names), len(s.Choices)), "a name for each, in the same order")
	}
	return withDefault(q, out)
}

// withDefault puts the default first when the choices do not hold it.
func withDefault(p *Param, choices []choice) []choice {
	if slices.ContainsFunc(choices, func(c choice) bool { return c.value == p.Text }) {
		return choices
	}
	name := p.Text
	if p.Type == "text" {
		name = words(name)
	}
	return append([]choice{{p.Text, name}}, choices...)
}

// column2 reads "cell.column", and the column of the same cell that gives the values their names.
func (p *parsing) column2(value string, at strictyaml.Pos, nameColumns names, namesAt strictyaml.Pos) *column2 {
	p.pair(value, at)
	cell, column, _ := strings.Cut(value, ".")
	c := &column2{cell: cell, value: column, name: column, pos: at, namePos: at}
	if len(nameColumns) > 0 {
		c.namePos = namesAt
		other, name, ok := strings.Cut(nameColumns[0], ".")
		if len(nameColumns) > 1 || !ok || other != cell {
			p.problemAt(namesAt, fmt.Sprintf("names are a column of the same cell, not %q", strings.Join(nameColumns, ", ")), "write "+cell+".COLUMN")
			return c
		}
		c.name = name
	}
	return c
}
