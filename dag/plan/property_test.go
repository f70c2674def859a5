package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tillflow/dag/plan"
	"tillflow/dag/spec"
)

// randomPipeline writes a dagfile of n jobs in random order, without cycles of needs: streams that write and read a few
// topics, batch jobs, reports, tags.
func randomPipeline(rng *rand.Rand, n int) string {
	var jobs []string
	for i := range n {
		uses := []string{"stream", "stream", "batch", "batch", "report"}[rng.IntN(5)]
		line := fmt.Sprintf("  g%d.j%d: { uses: %s", rng.IntN(3), i, uses)
		if uses == "stream" {
			line += fmt.Sprintf(", with: { writes: t%d, reads: t%d }", rng.IntN(4), rng.IntN(4))
		}
		if rng.IntN(2) == 0 {
			line += fmt.Sprintf(", tags: [x%d]", rng.IntN(2))
		}
		var needs []string
		for up := range i {
			if rng.IntN(i) < 2 {
				needs = append(needs, strings.Fields(jobs[up])[0])
			}
		}
		jobs = append(jobs, line+", needs: ["+strings.ReplaceAll(strings.Join(needs, ", "), ":", "")+"] }")
	}
	rng.Shuffle(n, func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	return "version: 1\njobs:\n" + strings.Join(jobs, "\n") + "\n"
}

// Whatever the graph, every order has each job exactly once and after all the jobs it needs, and the same text gives
// the same order.
func TestNoJobBeforeItsNeedsNoneForgottenNoneTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 11))
	for range 100 {
		src := randomPipeline(rng, 1+rng.IntN(30))
		p, problems := parse(t, src)
		if problems != nil {
			t.Fatalf("%v\n%s", problems, src)
		}
		again, _ := parse(t, src)
		for name, order := range map[string][2][]*plan.Node{"Nodes": {p.Nodes, again.Nodes}, "Once": {p.Once(), again.Once()}} {
			if names(order[0]) != names(order[1]) {
				t.Fatalf("%s: two orders of one text:\n%s\n%s", name, names(order[0]), names(order[1]))
			}
			place := map[string]int{}
			for i, n := range order[0] {
				if _, twice := place[n.Name]; twice {
					t.Fatalf("%s: %s stands twice in\n%s", name, n.Name, src)
				}
				place[n.Name] = i
			}
			for _, e := range p.Spec.Jobs.Entries {
				at, ok := place[e.Key]
				if !ok {
					t.Fatalf("%s: %s is forgotten in\n%s", name, e.Key, src)
				}
				for _, need := range e.Value.Needs {
					if place[need.Job] >= at {
						t.Fatalf("%s: %s comes before %s, which it needs, in\n%s", name, e.Key, need.Job, src)
					}
				}
			}
		}
	}
}

// A random graph with one edge turned back has a cycle, and the problem is a path of real edges back to its start.
func TestEveryCycleIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 100 {
		n := 2 + rng.IntN(20)
		src := "version: 1\njobs:\n"
		for i := range n { // a ring of some jobs, and edges into it
			to := rng.IntN(n)
			for to == i {
				to = rng.IntN(n)
			}
			src += fmt.Sprintf("  j%d: { uses: batch, needs: [j%d] }\n", i, to)
		}
		p, problems := parse(t, src)
		if len(problems) == 0 {
			t.Fatalf("no cycle found where each job needs another:\n%s", src)
		}
		for _, problem := range problems {
			_, path, _ := strings.Cut(problem, "cycle: ")
			steps := strings.Split(path, " -> ")
			if steps[0] != steps[len(steps)-1] {
				t.Errorf("%s does not end where it began", problem)
			}
			for i := range steps[1:] {
				if from, _ := p.Node(steps[i]); !slices.ContainsFunc(from.Needs, func(m *plan.Node) bool { return m.Name == steps[i+1] }) {
					t.Errorf("%s: %s does not need %s", problem, steps[i], steps[i+1])
				}
			}
		}
	}
}

// reach is the selector grammar in its plainest form, over distances between all pairs of jobs.
func reach(p *plan.Plan, from map[string]bool, down bool, depth int) map[string]bool {
	out := map[string]bool{}
	for name := range from {
		out[name] = true
	}
	for range depth {
		for _, n := range p.Nodes {
			for _, up := range n.Needs {
				if a, b := n.Name, up.Name; down && from[b] {
					out[a] = true
				} else if !down && from[a] {
					out[b] = true
				}
			}
		}
		from = out
		out = map[string]bool{}
		for name := range from {
			out[name] = true
		}
	}
	return out
}

func TestOperatorsAgreeWithCountingEdges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 100 {
		p, _ := parse(t, randomPipeline(rng, 1+rng.IntN(15)))
		all := len(p.Nodes)
		state := func(job string) string { return []string{"failed", "live"}[len(job)%2] }
		start := map[string]bool{}
		word := []string{p.Nodes[rng.IntN(all)].Name, "g1.*", "kind:stream", "tag:x1", "uses:re*t", "state:failed"}[rng.IntN(6)]
		for _, n := range p.Nodes {
			if word == "state:failed" && state(n.Name) == "failed" || !strings.HasPrefix(word, "state:") && spec.Match(word, n.Name, n.Job) {
				start[n.Name] = true
			}
		}
		if len(start) == 0 {
			continue
		}
		union := func(a, b map[string]bool) map[string]bool {
			for name := range b {
				a[name] = true
			}
			return a
		}
		for sel, want := range map[string]map[string]bool{
			word:                      start,
			"+" + word:                reach(p, start, false, all),
			"2+" + word:               reach(p, start, false, 2),
			word + "+":                reach(p, start, true, all),
			word + "+1":               reach(p, start, true, 1),
			"1+" + word + "+3":        union(reach(p, start, false, 1), reach(p, start, true, 3)),
			"@" + word:                reach(p, reach(p, start, true, all), false, all),
			"+" + word + "," + word:   start,
			"+" + word + " " + word:   reach(p, start, false, all),
			word + "+," + word + "+2": reach(p, start, true, 2),
		} {
			got, err := p.Choose(plan.Choice{Selectors: []string{sel}, State: state})
			if err != nil {
				t.Fatal(sel, err)
			}
			if len(got) != len(want) || slices.ContainsFunc(got, func(n *plan.Node) bool { return !want[n.Name] }) {
				t.Errorf("%s selects %s, want %v", sel, names(got), want)
			}
			left, err := p.Choose(plan.Choice{Exclude: []string{sel}, State: state})
			if len(left)+len(got) != all || (err != nil) != (len(left) == 0) {
				t.Errorf("without %s: %s, %v", sel, names(left), err)
			}
		}
	}
}
