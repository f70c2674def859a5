package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
	"tillflow/jobs"
)

// scripts make a shell ask `dag completion words -- WORDS...` for what may stand at the end of a line. The words know no
// shell, so that the three behave alike.
var scripts = map[string]string{
	"bash": `# dag completion for bash: eval "$(dag completion bash)", or put it into ~/.bashrc
_dag() {
  # A colon parts words in bash: kind:stream is three of them.
  local line="${COMP_LINE:0:COMP_POINT}" words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local last="${words[${#words[@]}-1]}"
  local IFS=$'\n'
  COMPREPLY=($("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null))
  if ((${#COMPREPLY[@]} == 0)); then
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  [[ ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
  if [[ $last == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*:}"}"}")
  fi
}
complete -o nosort -F _dag dag 2>/dev/null || complete -F _dag dag
`,
	"zsh": `#compdef dag
# dag completion for zsh: eval "$(dag completion zsh)" after compinit, or put it as _dag into a folder of $fpath
_dag() {
  local -a found
  found=("${(@f)$("${words[1]}" completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ${#found} )); then
    compadd -Q -V dag -- "${(@)found:#*:}"
    compadd -Q -V dag -S '' -- "${(M)found[@]:#*:}" # after kind: something follows
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_dag" ]; then _dag "$@"; else compdef _dag dag; fi
`,
	"fish": `# dag completion for fish: dag completion fish > ~/.config/fish/completions/dag.fish
function __dag_words
    set -l words (commandline -opc) (commandline -ct)
    $words[1] completion words -- $words[2..-1] 2>/dev/null
end
complete -c dag -f -k -a '(__dag_words)'
complete -c dag -s f -r -F -d 'the dagfile'
complete -c dag -l state -r -F -d 'where the embedded services keep their data'
complete -c dag -l out -r -F -d 'where reports are written'
`,
}

// cmdCompletion writes a shell's script, or answers one.
func cmdCompletion(_ context.Context, c *call) error {
	if len(c.args) > 0 && c.args[0] == "words" {
		for _, word := range c.complete(c.args[1:]) {
			fmt.Fprintln(c.stdout, word)
		}
		return nil
	}
	if len(c.args) != 1 {
		return usagef("name your shell: bash, zsh or fish")
	}
	script, ok := scripts[c.args[0]]
	if !ok {
		return usagef("%q is no shell this knows%s; bash, zsh or fish", c.args[0], hint(c.args[0], []string{"bash", "zsh", "fish"}))
	}
	_, err := io.WriteString(c.stdout, script)
	return err
}

// complete gives what may stand in place of the last of the words after `dag`; none where only a file name may.
func (c *call) complete(words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	if len(words) == 1 {
		var verbs []string
		for _, cmd := range commands {
			verbs = append(verbs, cmd.name)
		}
		return begin(verbs, last)
	}
	i := slices.IndexFunc(commands, func(cmd command) bool { return cmd.name == words[0] })
	if i < 0 {
		return nil
	}
	cmd := commands[i]
	inner := &call{command: cmd, getenv: c.getenv, stderr: io.Discard}
	fs := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	inner.declare(fs)
	before := words[1 : len(words)-1]
	prev := ""
	if len(before) > 0 {
		prev = before[len(before)-1]
	}
	for k, word := range before[:max(0, len(before)-1)] { // which dagfile the jobs are of
		if word == "-f" || word == "--f" {
			inner.dagfile = before[k+1]
		}
	}
	if strings.HasPrefix(prev, "-") && fs.Lookup(strings.TrimLeft(prev, "-")) != nil && !isSwitch(fs, prev) {
		switch strings.TrimLeft(prev, "-") {
		case "o":
			return begin(alternatives(cmd.args, `-o ([a-z|]+)`), last)
		case "exclude":
			return inner.selectors(last)
		case "param":
			if cmd.name != "report" {
				return nil
			}
			return inner.reportWords(fs, before, last)
		default:
			return nil
		}
	}
	if strings.HasPrefix(last, "-") {
		return begin(flagNames(fs), last)
	}
	switch {
	case cmd.name == "schema":
		return begin(spec.SchemaKeys(jobs.Specs()), last)
	case cmd.name == "completion":
		return begin([]string{"bash", "zsh", "fish"}, last)
	case cmd.name == "report":
		return inner.reportWords(fs, before, last)
	case takesJobs.MatchString(cmd.args):
		return inner.selectors(last)
	default:
		return begin(alternatives(cmd.args, `^([a-z|]+)`), last)
	}
}

// takesJobs recognises the verbs with names of jobs by what help says of their arguments.
var takesJobs = regexp.MustCompile(`\b(JOB|SELECTOR|STREAM)\b`)

// selectors completes the last part of a selector: after a comma, +, 2+ or @ stands another name.
func (c *call) selectors(word string) []string {
	head := selectorHead.FindString(word)
	rest := word[len(head):]
	p, err := c.plan()
	if err != nil {
		return nil
	}
	names := []string{"kind:batch", "kind:stream", "kind:report", "kind:check"}
	for _, n := range p.Nodes {
		names = append(names, "uses:"+n.Job.Uses)
		for _, tag := range n.Job.Tags {
			names = append(names, "tag:"+tag)
		}
	}
	slices.Sort(names)
	if !strings.Contains(rest, ":") { // methods are offered one by one only once they are begun
		names = []string{"kind:", "uses:", "tag:"}
		if rest == "" {
			names = nil
		}
	}
	names = append(jobNames(p), names...)
	found := begin(names, rest)
	for i := range found {
		found[i] = head + found[i]
	}
	return slices.Compact(found)
}

var selectorHead = regexp.MustCompile(`^(.*,)?([0-9]*\+|@)?`)

func jobNames(p *plan.Plan) []string {
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names
}

// alternatives finds a|b|c in the help of a verb's arguments.
func alternatives(args, pattern string) []string {
	m := regexp.MustCompile(pattern).FindStringSubmatch(args)
	if m == nil {
		return nil
	}
	return strings.Split(m[1], "|")
}

// flagNames lists the flags as they are written: -o, --once.
func flagNames(fs *flag.FlagSet) []string {
	var names []string
	fs.VisitAll(func(f *flag.Flag) {
		dashes := "--"
		if len(f.Name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+f.Name)
	})
	return names
}

// isSwitch tells whether a flag takes no value.
func isSwitch(fs *flag.FlagSet, name string) bool {
	b, ok := fs.Lookup(strings.TrimLeft(name, "-")).Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// begin keeps the words that begin with a prefix.
func begin(words []string, prefix string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, w)
		}
	}
	return out
}
