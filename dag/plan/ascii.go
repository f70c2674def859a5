package plan

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText draws the graph as trees, at most width columns wide where words allow it:
//
//	seed.dims  load.csv
//	│    at the start
//	└─ succeeded ─> stream.orders  stream.kafka
//	   └─ live, 5000 rows ─> ml.rfm  ml.segments
//	        5000 rows of stream.orders or every 1m, 10s apart
//
// A job that waits for several hangs below the last of them in plan order, and names the others. An edge of dots is a
// gate's condition alone.
func (g Graph) WriteText(w io.Writer, width int) error {
	t := &tree{jobs: map[string]Picture{}, width: width, below: map[string][]Edge{}, rest: map[string][]Edge{}}
	rank := map[string]int{}
	for i, j := range g.Jobs {
		rank[j.Name], t.jobs[j.Name] = i, j
	}
	above := map[string]*Edge{} // the edge a job hangs on
	for i := range g.Edges {
		e := &g.Edges[i]
		best := above[e.To]
		switch {
		case rank[e.From] >= rank[e.To]: // a gate that looks at a job further down
		case best == nil, (e.Need != "") == (best.Need != "") && rank[e.From] > rank[best.From], e.Need != "" && best.Need == "":
			above[e.To] = e
		}
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		if above[e.To] == e {
			t.below[e.From] = append(t.below[e.From], *e)
		} else {
			t.rest[e.To] = append(t.rest[e.To], *e)
		}
	}
	for _, j := range g.Jobs {
		if above[j.Name] == nil {
			t.job(j, "", "")
		}
	}
	_, err := w.Write(t.out.Bytes())
	return err
}

type tree struct {
	jobs  map[string]Picture
	width int
	below map[string][]Edge // by From
	rest  map[string][]Edge // by To: edges that are named and not drawn
	out   bytes.Buffer
}

// job draws a job and all that hangs below it; head stands before its name, lead before the lines after it.
func (t *tree) job(j Picture, head, lead string) {
	t.out.WriteString(head + j.Name + "  " + j.Uses + "\n")
	bar := "   "
	if len(t.below[j.Name]) > 0 {
		bar = "│  "
	}
	if j.Kind != "stream" {
		t.words(j.When, lead+bar)
	}
	var others []string
	for _, e := range t.rest[j.Name] {
		others = append(others, e.From+" "+e.Label())
	}
	if len(others) > 0 {
		t.words("and "+strings.Join(others, "; "), lead+bar)
	}
	for i, e := range t.below[j.Name] {
		corner, next := "├", "│  "
		if i == len(t.below[j.Name])-1 {
			corner, next = "└", "   "
		}
		line := "─"
		if e.Need == "" {
			line = "┄"
		}
		t.job(t.jobs[e.To], lead+corner+line+" "+e.Label()+" "+line+"> ", lead+next)
	}
}

// words writes text in lines that fit, each after the lead and two blanks.
func (t *tree) words(text, lead string) {
	line := ""
	room := t.width - utf8.RuneCountInString(lead) - 2
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			t.out.WriteString(lead + "  " + line + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	t.out.WriteString(lead + "  " + line + "\n")
}
