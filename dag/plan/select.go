package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// Choice says which jobs are meant. Its text is the selector grammar of every verb:
//
//	ml.rfm  ml.*        a name, or a pattern with * for any text
//	+ml.rfm  2+ml.rfm   with all jobs upstream, or those up to 2 edges away
//	orders+  orders+2   with all jobs downstream, or those up to 2 edges away
//	@orders             with all jobs downstream and everything those need
//	kind:stream         also batch, report and check
//	uses:ml.*  tag:x    by kind of job, by tag
//	state:failed        by what the job does now, or how its last run ended
//	a b                 union: what either means
//	a,b                 intersection: what both mean
//
// The operators + and @ go with every kind of word: +tag:x, state:failed+.
type Choice struct {
	Selectors []string // together; none means every job
	Exclude   []string // left out again
	State     func(job string) string
}

// NoJobError says that a selector means no job.
type NoJobError struct{ Msg, Hint string }

func (e *NoJobError) Error() string { return hinted(e.Msg, e.Hint) }

// SelectorError says that a selector is not written as one.
type SelectorError struct{ Msg, Hint string }

func (e *SelectorError) Error() string { return hinted(e.Msg, e.Hint) }

func hinted(msg, hint string) string {
	if hint == "" {
		return msg
	}
	return msg + " (" + hint + ")"
}

// Select finds the jobs that the selectors mean, in plan order; see Choice. States are not known here.
func (p *Plan) Select(selectors ...string) ([]*Node, error) {
	if len(strings.Fields(strings.Join(selectors, " "))) == 0 {
		return nil, nil
	}
	return p.Choose(Choice{Selectors: selectors})
}

// Choose finds the jobs that c means, in plan order. It returns a *SelectorError for a selector that cannot be read, and
// a *NoJobError with a suggestion for a word that fits no job and for a choice that leaves none.
func (p *Plan) Choose(c Choice) ([]*Node, error) {
	for _, sel := range c.Selectors {
		if strings.TrimSpace(sel) == "" { // a variable of a shell that is not set must not mean everything
			return nil, &SelectorError{"a selector is empty", "leave it out to mean every job"}
		}
	}
	chosen, err := p.union(c.Selectors, c.State)
	if err != nil {
		return nil, err
	}
	if len(strings.Fields(strings.Join(c.Selectors, " "))) == 0 {
		chosen = p.set(func(*Node) bool { return true })
	}
	out, err := p.union(c.Exclude, c.State)
	if err != nil {
		return nil, err
	}
	var nodes []*Node
	for i, n := range p.Nodes {
		if chosen[i] && !out[i] {
			nodes = append(nodes, n)
		}
	}
	switch {
	case len(nodes) > 0:
		return nodes, nil
	case len(c.Exclude) > 0 && slices.Contains(chosen, true):
		return nil, &NoJobError{"no job is left: all are excluded", ""}
	default:
		return nil, &NoJobError{fmt.Sprintf("no job fits %q", strings.Join(c.Selectors, " ")), ""}
	}
}

// set is a subset of the plan: one entry for each of its nodes.
func (p *Plan) set(has func(n *Node) bool) []bool {
	s := make([]bool, len(p.Nodes))
	for i, n := range p.Nodes {
		s[i] = has(n)
	}
	return s
}

func (p *Plan) union(selectors []string, state func(string) string) ([]bool, error) {
	all := make([]bool, len(p.Nodes))
	for _, sel := range strings.Fields(strings.Join(selectors, " ")) {
		both := p.set(func(*Node) bool { return true })
		for word := range strings.SplitSeq(sel, ",") {
			one, err := p.word(word, state)
			if err != nil {
				return nil, err
			}
			for i := range both {
				both[i] = both[i] && one[i]
			}
		}
		for i := range all {
			all[i] = all[i] || both[i]
		}
	}
	return all, nil
}

// word finds what one word with its operators means.
func (p *Plan) word(word string, state func(string) string) ([]bool, error) {
	pattern, around := strings.CutPrefix(word, "@")
	pattern, up, err := ahead(pattern)
	if err != nil {
		return nil, err
	}
	pattern, down, err := behind(pattern)
	if err != nil {
		return nil, err
	}
	if around && (up != 0 || down != 0) {
		return nil, &SelectorError{fmt.Sprintf("%q has both @ and +", word), "@JOB already adds what is downstream and what that needs"}
	}
	chosen, err := p.plain(pattern, state)
	if err != nil {
		return nil, err
	}
	upstream, downstream := func(n *Node) []*Node { return n.Needs }, func(n *Node) []*Node { return n.Dependents }
	if around {
		below := spread(p, chosen, downstream, -1)
		return spread(p, below, upstream, -1), nil
	}
	above, below := spread(p, chosen, upstream, up), spread(p, chosen, downstream, down)
	for i := range above {
		above[i] = above[i] || below[i]
	}
	return above, nil
}

// ahead reads + or 2+ before a word: how many edges upstream, -1 for all.
func ahead(word string) (rest string, depth int, err error) {
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	rest, ok := strings.CutPrefix(word[digits:], "+")
	if !ok {
		return word, 0, nil
	}
	depth, err = edges(word[:digits])
	return rest, depth, err
}

// behind reads + or +2 after a word.
func behind(word string) (rest string, depth int, err error) {
	i := strings.LastIndexByte(word, '+')
	if i < 0 {
		return word, 0, nil
	}
	depth, err = edges(word[i+1:])
	return word[:i], depth, err
}

func edges(digits string) (int, error) {
	if digits == "" {
		return -1, nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 {
		return 0, &SelectorError{fmt.Sprintf("%q is no number of edges", digits), "write JOB+ or JOB+2"}
	}
	return n, nil
}

// spread adds to a set what is up to depth edges away; any number when depth is below 0.
func spread(p *Plan, set []bool, next func(*Node) []*Node, depth int) []bool {
	out := slices.Clone(set)
	var front []*Node
	for i, in := range set {
		if in {
			front = append(front, p.Nodes[i])
		}
	}
	for ; depth != 0 && len(front) > 0; depth-- {
		var further []*Node
		for _, n := range front {
			for _, m := range next(n) {
				if !out[m.rank] {
					out[m.rank] = true
					further = append(further, m)
				}
			}
		}
		front = further
	}
	return out
}

var methods = []string{"kind", "uses", "tag", "state"}

// plain finds what a word without operators means.
func (p *Plan) plain(pattern string, state func(string) string) ([]bool, error) {
	if pattern == "" {
		return nil, &SelectorError{"a selector has an empty word", "write a job's name or a pattern such as ml.*"}
	}
	method, value, ok := strings.Cut(pattern, ":")
	switch {
	case ok && !slices.Contains(methods, method):
		return nil, &SelectorError{fmt.Sprintf("%q is no way to select", method+":"), strictyaml.SuggestOrList(method, methods)}
	case method == "state" && ok && state == nil:
		return nil, &SelectorError{fmt.Sprintf("%q cannot be used here", pattern), "the states of jobs are not known to this"}
	case method == "state" && ok:
		return p.set(func(n *Node) bool { return state(n.Name) == value }), nil
	}
	if n, ok := p.byName[pattern]; ok {
		one := make([]bool, len(p.Nodes))
		one[n.rank] = true
		return one, nil
	}
	chosen := p.set(func(n *Node) bool { return spec.Match(pattern, n.Name, n.Job) })
	if !slices.Contains(chosen, true) {
		return nil, p.unknown(pattern, method, value, ok)
	}
	return chosen, nil
}

// unknown says that nothing fits a word, and what was probably meant.
func (p *Plan) unknown(pattern, method, value string, byMethod bool) error {
	if !byMethod {
		return &NoJobError{fmt.Sprintf("no job is called %q", pattern), suggest("jobs", pattern, p.Spec.Jobs.Keys())}
	}
	known := spec.KindWords
	if method != "kind" {
		known = nil
		for _, n := range p.Nodes {
			if method == "tag" {
				known = append(known, n.Job.Tags...)
			} else {
				known = append(known, n.Job.Uses)
			}
		}
		slices.Sort(known)
		known = slices.Compact(known)
	}
	return &NoJobError{fmt.Sprintf("no job fits %q", pattern), suggest("known", value, known)}
}

// suggest gives the likely word, or all of a few.
func suggest(what, word string, known []string) string {
	if slices.Contains(known, word) {
		return ""
	}
	hint := strictyaml.Suggest(word, known)
	if hint == "" && len(known) > 0 && len(known) <= 20 {
		hint = what + ": " + strings.Join(known, ", ")
	}
	return hint
}
