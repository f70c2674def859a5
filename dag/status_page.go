package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tillflow/lib/ledger"
)

// printStatus writes a table of all jobs, and below it the streams, one by one, with what is wrong and what to do. It fits
// into 80 columns; only what cannot be broken, such as an example, may be longer.
func printStatus(w io.Writer, jobs []jobStatus, notes []string, now time.Time) error {
	rows := [][]string{{"JOB", "STATE", "WHAT"}}
	for _, j := range jobs {
		what := describe(j.Status, now)
		if j.Ledger != nil {
			what = streamFacts(j, now)
		}
		rows = append(rows, []string{j.Job, j.State, what})
	}
	if err := printColumns(w, widthOf(w), rows); err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Ledger == nil {
			continue
		}
		for _, p := range mergeProblems(j.Ledger.Problems) {
			fmt.Fprintln(w)
			p.print(w, j.Job, j.Ledger.now.In(now.Location()))
		}
		for _, s := range j.Ledger.Skips {
			fmt.Fprintln(w)
			printPart(w, "", j.Job+" skipped: "+s.String())
		}
	}
	for _, n := range notes {
		fmt.Fprintln(w)
		printPart(w, "", n)
	}
	return nil
}

// streamFacts is how a stream is, in a line: rows a second, lag, how old the watermark is, and who works on what.
func streamFacts(j jobStatus, now time.Time) string {
	l := j.Ledger
	rate, lag := l.RowsPerSecond, l.Lag
	if j.here { // the process itself knows it to the second
		rate = j.Rate
		if j.Lag >= 0 {
			lag = j.Lag
		}
	}
	parts := []string{thousands(int64(rate+0.5)) + " rows/s", "lag " + thousands(lag)}
	if !l.Watermark.IsZero() {
		parts = append(parts, "watermark "+ago(l.now.Sub(l.Watermark))+" ago")
	}
	parts = append(parts, owners(l.Partitions)...)
	open := 0
	for _, p := range mergeProblems(l.Problems) {
		if p.Open() {
			open++
		}
	}
	if j.Restarts > 0 {
		parts = append(parts, restarts(j.Restarts))
	}
	switch {
	case open == 1: // it says the same, and what to do
		parts = append(parts, "a problem, see below")
	case open > 1:
		parts = append(parts, fmt.Sprintf("%d problems, see below", open))
	case j.Error != "":
		parts = append(parts, j.Error)
	case j.Note != "" && j.Note != j.State:
		parts = append(parts, j.Note)
	}
	return strings.Join(parts, ", ")
}

// owners says who works on which partitions, and which nobody works on.
func owners(parts []partitionStatus) []string {
	of := map[string][]int{}
	for _, p := range parts {
		of[p.Owner] = append(of[p.Owner], p.Partition)
	}
	var out []string
	for _, owner := range slices.Sorted(maps.Keys(of)) {
		if owner == "" {
			out = append(out, "nobody on "+numbers(of[owner]))
		} else {
			out = append(out, owner+" on "+numbers(of[owner]))
		}
	}
	return out
}

// numbers writes partitions, many in a row as a range: partitions 0-3, 7.
func numbers(list []int) string {
	slices.Sort(list)
	var parts []string
	for i := 0; i < len(list); {
		end := i
		for end+1 < len(list) && list[end+1] == list[end]+1 {
			end++
		}
		switch {
		case end > i+1:
			parts = append(parts, fmt.Sprintf("%d-%d", list[i], list[end]))
		case end > i:
			parts = append(parts, fmt.Sprintf("%d, %d", list[i], list[end]))
		default:
			parts = append(parts, fmt.Sprint(list[i]))
		}
		i = end + 1
	}
	if len(list) == 1 {
		return "partition " + parts[0]
	}
	return "partitions " + strings.Join(parts, ", ")
}

// problem is one thing that is wrong, of all partitions that have it.
type problem struct {
	ledger.Problem // of the partition that had it first
	partitions     []int
}

// mergeProblems joins what several partitions have alike. What is a state of a single partition stays apart, for what to
// do differs. What still is comes first.
func mergeProblems(list []ledger.Problem) []problem {
	var out []problem
	at := map[[3]string]int{}
	for _, p := range list {
		key := [3]string{p.Topic, p.Kind, p.Subject}
		i, seen := at[key]
		if !seen || p.Subject == "" || out[i].Open() != p.Open() {
			at[key] = len(out)
			out = append(out, problem{p, []int{p.Partition}})
			continue
		}
		m := &out[i]
		m.Count += p.Count
		m.partitions = append(m.partitions, p.Partition)
		if p.First.Before(m.First) {
			m.Partition, m.First, m.Example, m.Offset, m.Advice = p.Partition, p.First, p.Example, p.Offset, p.Advice
		}
		if p.Last.After(m.Last) {
			m.Last = p.Last
		}
	}
	slices.SortStableFunc(out, func(a, b problem) int {
		return cmp.Compare(map[bool]int{true: 0, false: 1}[a.Open()], map[bool]int{true: 0, false: 1}[b.Open()])
	})
	return out
}

func (p problem) print(w io.Writer, job string, now time.Time) {
	head := fmt.Sprintf("%s %s", job, p.Kind)
	if p.Subject != "" {
		head += ": " + p.Subject
	}
	printPart(w, "", head)
	what := "messages"
	if p.Subject == "" {
		what = "tries"
	}
	count := ""
	if p.Count > 1 || p.Subject != "" {
		count = fmt.Sprintf("%s %s, ", thousands(p.Count), what)
	}
	if p.Count == 1 {
		count = strings.Replace(count, "messages", "message", 1)
	}
	where := ""
	if p.Partition >= 0 {
		where = numbers(p.partitions) + ", "
	}
	if p.Open() {
		printPart(w, "  ", fmt.Sprintf("%s%ssince %s, last %s ago", where, count, moment(p.First, now), ago(now.Sub(p.Last))))
	} else {
		printPart(w, "  ", fmt.Sprintf("%s%sfrom %s to %s: over", where, count, moment(p.First, now), moment(p.Cleared, now)))
	}
	at := ""
	if p.Offset != nil && p.Subject != "" { // what is about a partition names its place itself
		at = fmt.Sprintf("%s/%d@%d ", p.Topic, p.Partition, *p.Offset)
	}
	printPart(w, "  first: ", at+p.Example)
	if p.Open() {
		label := "  do: "
		for line := range strings.SplitSeq(p.Advice, "\n") {
			if strings.HasPrefix(line, "dag ") { // to be copied, so it is not broken
				fmt.Fprintln(w, label+line)
				label = "      "
			} else {
				printPart(w, label, line)
			}
		}
	}
}

// moment is a time of day by the clock of now's zone, with the date when it is another day's.
func moment(t, now time.Time) string {
	t = t.In(now.Location())
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// printPart writes a text under its label, over as many lines as it takes.
func printPart(w io.Writer, label, text string) {
	const further = 2
	indent := max(len(label), further)
	for i, line := range wrap(text, pageWidth-indent) {
		if i > 0 {
			label = strings.Repeat(" ", indent)
		}
		fmt.Fprintln(w, label+line)
	}
}
