package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tillflow/dag/runner"
)

// jobLines is one line a job, as a tree: a job stands below the last of those it needs. A line has a mark, the name, the
// state and what there is to say: of a stream its figures, in columns below a line of heads, for the others in words.
func jobLines(jobs []runner.Status, now time.Time, color bool) []string {
	rows := tree(jobs)
	name, state := 0, 0
	for _, r := range rows {
		name, state = max(name, utf8.RuneCountInString(r.lead+r.Job)), max(state, len(r.State))
	}
	figures := newColumns(jobs, now)
	var out []string
	if figures.any {
		out = append(out, strings.Repeat(" ", name+state+6)+figures.heads())
	}
	for _, r := range rows {
		mark, code := markOf(r.Status)
		pad := strings.Repeat(" ", name-utf8.RuneCountInString(r.lead+r.Job))
		what := describe(r.Status, now)
		if r.Stream {
			what = figures.line(r.Status, now)
		}
		line := fmt.Sprintf("%s%s %s%s  %-*s  %s", r.lead, mark, r.Job, pad, state, r.State, what)
		if color && code != "" {
			line = fmt.Sprintf("%s\x1b[%sm%s\x1b[0m %s%s  \x1b[%sm%-*s\x1b[0m  %s", r.lead, code, mark, r.Job, pad, code, state, r.State, what)
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

// columns are the figures of the streams, right-aligned: rows a second, lag, and how old the watermark is.
type columns struct {
	any  bool
	wide [3]int
}

func newColumns(jobs []runner.Status, now time.Time) columns {
	c := columns{wide: [3]int{len("ROWS/S"), len("LAG"), len("WATERMARK")}}
	for _, j := range jobs {
		if !j.Stream {
			continue
		}
		c.any = true
		for i, cell := range figuresOf(j, now) {
			c.wide[i] = max(c.wide[i], len(cell))
		}
	}
	return c
}

// figuresOf gives the cells of a stream; what is not known is a dash.
func figuresOf(j runner.Status, now time.Time) [3]string {
	cells := [3]string{"-", "-", "-"}
	if j.Rows > 0 {
		cells[0] = thousands(int64(j.Rate + 0.5))
	}
	if j.Lag >= 0 {
		cells[1] = thousands(j.Lag)
	}
	if !j.Watermark.IsZero() {
		cells[2] = ago(now.Sub(j.Watermark))
	}
	return cells
}

func (c columns) heads() string {
	return fmt.Sprintf("%*s  %*s  %*s", c.wide[0], "ROWS/S", c.wide[1], "LAG", c.wide[2], "WATERMARK")
}

// line is the figures of a stream, and after them what is out of the ordinary; how many rows it has had comes last.
func (c columns) line(j runner.Status, now time.Time) string {
	cells := figuresOf(j, now)
	line := fmt.Sprintf("%*s  %*s  %*s", c.wide[0], cells[0], c.wide[1], cells[1], c.wide[2], cells[2])
	var parts []string
	if j.Paused != "" {
		parts = append(parts, "paused: "+j.Paused)
	}
	if j.Restarts > 0 {
		parts = append(parts, restarts(j.Restarts))
	}
	switch {
	case j.Error != "":
		parts = append(parts, strings.Join(strings.Fields(j.Error), " "))
	case j.Note != "" && j.Note != j.State:
		parts = append(parts, j.Note)
	}
	if j.Rows > 0 {
		parts = append(parts, thousands(j.Rows)+" rows")
	}
	return line + "  " + strings.Join(parts, ", ")
}

// twig is a job in its place in the tree.
type twig struct {
	runner.Status
	lead string // the lines that lead to it
}

func tree(jobs []runner.Status) []twig {
	below := map[string][]runner.Status{} // "" holds those that need nothing
	for _, j := range jobs {
		parent := ""
		if n := len(j.Needs); n > 0 {
			parent = j.Needs[n-1]
		}
		below[parent] = append(below[parent], j)
	}
	var out []twig
	var grow func(parent, lead string)
	grow = func(parent, lead string) {
		for i, j := range below[parent] {
			head, next := lead, lead
			if parent != "" {
				head, next = lead+"├ ", lead+"│ "
				if i == len(below[parent])-1 {
					head, next = lead+"└ ", lead+"  "
				}
			}
			out = append(out, twig{j, head})
			grow(j.Job, next)
		}
	}
	grow("", "")
	return out
}
