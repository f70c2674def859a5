package sqljob

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a script.
type With struct {
	File   string            `yaml:"file" check:"file" doc:"of statements parted by semicolons; relative to the folder of the dagfile"`
	Query  string            `yaml:"query" doc:"the statements themselves, in place of a file"`
	Params map[string]string `yaml:"params" doc:"values of :name; as_of, from_at, to_at, run_id and job are always there, --param gives other values"`
}

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// own are the parameters that every script has. [from_at, to_at) is the interval of a backfill; all before as_of otherwise.
var own = []string{"as_of", "from_at", "job", "run_id", "to_at"}

// Check finds a script that is not there or there twice, what is wrong in the statements of `query`, and parameters that
// cannot be used.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		pos := at(path...)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	switch {
	case w.File == "" && w.Query == "":
		wrong("there is no statement to run", "file names a file of statements; query holds them")
	case w.File != "" && w.Query != "":
		wrong("file and query stand side by side", "one of them is enough", "query")
	}
	for _, name := range slices.Sorted(maps.Keys(w.Params)) {
		switch {
		case !paramName.MatchString(name):
			wrong(fmt.Sprintf("%q cannot be the name of a parameter", name), "letters, digits and _", "params", name)
		case slices.Contains(own, name):
			wrong(fmt.Sprintf("the parameter %s is given by the run", name), "choose another name", "params", name)
		}
	}
	if w.Query == "" || len(ps) > 0 {
		return ps
	}
	statements, mistakes := w.read("query", w.Query)
	for _, m := range mistakes {
		wrong(m.Error(), "", "query")
	}
	used := map[string]bool{}
	for _, s := range statements {
		for _, p := range s.params {
			used[p] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Params)) {
		if !used[name] && len(mistakes) == 0 {
			wrong(fmt.Sprintf("no statement uses the parameter :%s", name), "", "params", name)
		}
	}
	return ps
}

// Files are the files the job reads, as the dagfile names them.
func (w *With) Files() []string {
	if w.File == "" {
		return nil
	}
	return []string{w.File}
}

// TakesParams tells which parameters a person may give a run.
func (w *With) TakesParams() (names []string, any bool) {
	return slices.Collect(maps.Keys(w.Params)), false
}

// read takes a script apart. Every mistake is an *Error.
func (w *With) read(origin, script string) ([]statement, []*Error) {
	statements, mistakes := split(script)
	known := slices.Concat(slices.Collect(maps.Keys(w.Params)), own)
	slices.Sort(known)
	for _, s := range statements {
		for i, p := range s.params {
			if !slices.Contains(known, p) {
				msg := fmt.Sprintf("there is no parameter :%s", p)
				if hint := strictyaml.Suggest(p, known); hint != "" {
					msg += " (" + hint + ")"
				} else {
					msg += "; params gives it a value"
				}
				mistakes = append(mistakes, mistake{s.place(s.edits[i].at), msg})
			}
		}
	}
	if len(statements) == 0 && len(mistakes) == 0 {
		mistakes = append(mistakes, mistake{0, "there is no statement in it"})
	}
	slices.SortStableFunc(mistakes, func(a, b mistake) int { return a.at - b.at })
	var errs []*Error
	for _, m := range mistakes {
		errs = append(errs, placed(origin, script, m.at, m.msg))
	}
	return statements, errs
}
