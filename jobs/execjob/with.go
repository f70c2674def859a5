package execjob

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// With is what the dagfile says about a command.
type With struct {
	Command []string          `yaml:"command" check:"required" doc:"the program and its arguments; no shell reads them"`
	Env     map[string]string `yaml:"env" doc:"variables beside those that dag itself was started with"`
	Dir     string            `yaml:"dir" doc:"working folder; relative to the folder of the dagfile, which is the default"`
}

// TakesParams tells that a run takes any parameter: the command finds it in its environment.
func (w *With) TakesParams() (names []string, any bool) { return nil, true }

// Check finds a command that cannot be started.
func (w *With) Check(at func(path ...string) strictyaml.Pos) []strictyaml.Problem {
	var ps []strictyaml.Problem
	wrong := func(msg, hint string, path ...string) {
		pos := at(path...)
		ps = append(ps, strictyaml.Problem{Line: pos.Line, Col: pos.Col, Msg: msg, Hint: hint})
	}
	switch {
	case len(w.Command) == 0 || w.Command[0] == "":
		wrong("command names no program", "such as [python3, train.py, --fast]", "command")
	case len(w.Command) == 1 && strings.ContainsAny(w.Command[0], " |><;&"):
		wrong(fmt.Sprintf("no shell reads %q", w.Command[0]), "write each argument as an entry of its own, or [sh, -c, ...]", "command", "0")
	}
	for i, arg := range w.Command {
		if strings.ContainsRune(arg, 0) {
			wrong("an argument holds a zero byte", "", "command", fmt.Sprint(i))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00 ") {
			wrong(fmt.Sprintf("%q cannot be the name of a variable", name), "", "env", name)
		}
	}
	return ps
}
