package csvload

import (
	"fmt"
	"slices"

	"tillflow/lib/csvfile"
	"tillflow/lib/strictyaml"
)

// Source is where a table's rows come from. In the dagfile it is the path of a CSV file or of one packed by gzip, or a
// mapping. With columns the file's cells are read as they say, other columns of the file are passed over, and a
// table that is not there is made; without, each column of the file goes to the table's column of its name.
type Source struct {
	File    string                       `yaml:"file" check:"required,input" doc:"a CSV file, or one packed by gzip; relative to the folder of the dagfile"`
	Columns strictyaml.Map[csvfile.Type] `yaml:"columns" doc:"name -> int64, float64, decimal(p,s), string, bool, timestamp or date"`
	Key     []string                     `yaml:"key" doc:"the columns by which a row is known again: the primary key of a table that is made"`
}

// DecodeNode reads the short form, the path alone, or the mapping.
func (s *Source) DecodeNode(n strictyaml.Node) []strictyaml.Problem {
	if n.IsMap() {
		type mapping Source // without this method
		if ps := n.Decode((*mapping)(s)); len(ps) > 0 {
			return ps
		}
		return s.check(n)
	}
	path, ok := n.Scalar()
	if !ok || path == "" {
		p := n.Problem("the path of a CSV file is missing")
		p.Hint = "write TABLE: FILE or TABLE: { file: FILE, columns: { ... }, key: [ ... ] }"
		return []strictyaml.Problem{p}
	}
	s.File = path
	return n.Input(path)
}

func (s *Source) check(n strictyaml.Node) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		p, pos := n.Problem("%s", msg), n.At(path...)
		p.Line, p.Col, p.Hint = pos.Line, pos.Col, hint
		ps = append(ps, p)
	}
	names := s.Columns.Keys()
	switch {
	case s.File == "":
		wrong("the path of a CSV file is missing", "", "file")
	case len(names) == 0 && s.Key != nil:
		wrong("key stands without columns", "declare them: columns: { basket: int64, item: string }", "key")
	case len(names) > 0 && len(s.Key) == 0:
		wrong("the columns have no key, by which a row is known again", "such as key: ["+names[0]+"]", "columns")
	}
	for i, k := range s.Key {
		at := fmt.Sprint(i)
		switch {
		case len(names) == 0:
		case !slices.Contains(names, k):
			wrong(fmt.Sprintf("the key has %q, which is no column", k), strictyaml.SuggestOrList(k, names), "key", at)
		case slices.Contains(s.Key[:i], k):
			wrong(fmt.Sprintf("the key has %q twice", k), "", "key", at)
		}
	}
	return ps
}
