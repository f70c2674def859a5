// Package gate answers whether a batch job is due, and why: conditions on time, on rows, and on the health of streams,
// combined by any, all and not. It does no I/O; the caller brings the facts, so that the answer can be tested and
// explained with its numbers.
//
// Package gate is the one user of the cron module.
package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// Stream is what a gate may ask about a stream.
type Stream struct {
	Rows      int64     // rows inserted since the log began
	Lag       int64     // messages not read yet; -1 when not known
	Watermark time.Time // zero when nothing was read yet
}

// Facts are what a gate is judged by.
type Facts struct {
	Now       time.Time
	Since     time.Time         // when the engine began to watch; cron lines before it do not count
	LastStart time.Time         // of the job's last run; zero when it never ran
	LastEnd   time.Time         // of the job's last run
	Location  *time.Location    // zone of cron lines
	Streams   map[string]Stream // by job name
	Cursors   map[string]int64  // rows of each stream that the job's last successful run had seen
}

// Answer is a gate's judgement: a tree with the numbers behind it.
type Answer struct {
	Due  bool     `json:"due"`
	Text string   `json:"text"` // such as "1204 of 1000 rows of stream.transactions"
	Sub  []Answer `json:"sub,omitempty"`
}

// Reason gives the part of a true answer that a run record should carry.
func (a Answer) Reason() string {
	if len(a.Sub) == 0 {
		return a.Text
	}
	var parts []string
	for _, s := range a.Sub {
		if s.Due {
			parts = append(parts, s.Reason())
		}
	}
	if len(parts) == 0 { // a not, which is true because what it holds is not
		return a.Text
	}
	return strings.Join(parts, ", ")
}

// Eval judges a gate. Conditions side by side must all hold.
func Eval(w *spec.When, f Facts) Answer {
	var sub []Answer
	add := func(due bool, format string, args ...any) {
		sub = append(sub, Answer{Due: due, Text: fmt.Sprintf(format, args...)})
	}
	if w.Every != 0 {
		ago := f.Now.Sub(f.LastStart)
		if f.LastStart.IsZero() {
			add(true, "every %s, never ran", strictyaml.FormatDuration(w.Every))
		} else {
			add(ago >= w.Every, "every %s, last began %s ago", strictyaml.FormatDuration(w.Every), round(ago))
		}
	}
	if w.Cron != "" {
		next, err := Next(w.Cron, latest(f.LastStart, f.Since), f.Location)
		if err != nil {
			add(false, "cron %q: %s", w.Cron, err)
		} else {
			add(!next.After(f.Now), "cron %q, next %s", w.Cron, next.Format(time.DateTime))
		}
	}
	s, known := f.Streams[w.Of]
	if w.Rows != 0 {
		n := s.Rows - f.Cursors[w.Of]
		add(known && n >= w.Rows, "%d of %d rows of %s", n, w.Rows, w.Of)
	}
	if w.LagBelow != nil {
		add(known && s.Lag >= 0 && s.Lag < *w.LagBelow, "lag %d of %s, wanted below %d", s.Lag, w.Of, *w.LagBelow)
	}
	if w.FreshWithin != 0 {
		add(known && !s.Watermark.IsZero() && f.Now.Sub(s.Watermark) <= w.FreshWithin, "watermark of %s at %s, wanted within %s",
			w.Of, s.Watermark.Format(time.DateTime), strictyaml.FormatDuration(w.FreshWithin))
	}
	if len(w.Any) > 0 {
		sub = append(sub, group("any", w.Any, f, func(due, all int) bool { return due > 0 }))
	}
	if len(w.All) > 0 {
		sub = append(sub, group("all", w.All, f, func(due, all int) bool { return due == all }))
	}
	if w.Not != nil {
		a := Eval(w.Not, f)
		sub = append(sub, Answer{Due: !a.Due, Text: "not: " + a.Text, Sub: []Answer{a}})
	}
	if w.MinGap != 0 && !f.LastEnd.IsZero() {
		ago := f.Now.Sub(f.LastEnd)
		add(ago >= w.MinGap, "min_gap %s, last ended %s ago", strictyaml.FormatDuration(w.MinGap), round(ago))
	}
	if len(sub) == 1 {
		return sub[0]
	}
	a := Answer{Due: true, Text: "all", Sub: sub}
	for _, s := range sub {
		a.Due = a.Due && s.Due
	}
	return a
}

func group(name string, ws []spec.When, f Facts, due func(due, all int) bool) Answer {
	a, n := Answer{Text: name}, 0
	for i := range ws {
		s := Eval(&ws[i], f)
		if s.Due {
			n++
		}
		a.Sub = append(a.Sub, s)
	}
	a.Due = due(n, len(ws))
	return a
}

// Next gives the first time after t that a cron line names, in the zone loc. Six fields have seconds first.
func Next(line string, t time.Time, loc *time.Location) (time.Time, error) {
	sched, err := parser.Parse(line)
	if err != nil {
		return time.Time{}, err
	}
	return sched.Next(t.In(loc)), nil
}

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Check reports the cron lines of a spec that cannot be read.
func Check(s *spec.Spec) []strictyaml.Problem {
	var ps []strictyaml.Problem
	for _, e := range s.Jobs.Entries {
		if e.Value.When != nil {
			check(s, e.Value.When, &ps, "jobs", e.Key, "when")
		}
	}
	return ps
}

func check(s *spec.Spec, w *spec.When, ps *[]strictyaml.Problem, path ...string) {
	at := func(more ...string) []string { return append(path[:len(path):len(path)], more...) }
	if w.Cron != "" {
		if _, err := parser.Parse(w.Cron); err != nil {
			*ps = append(*ps, s.Problem(fmt.Sprintf("%q is not a cron line: %s", w.Cron, err), `such as "*/5 * * * *" (minute hour day month weekday)`, at("cron")...))
		}
	}
	for i := range w.Any {
		check(s, &w.Any[i], ps, at("any", fmt.Sprint(i))...)
	}
	for i := range w.All {
		check(s, &w.All[i], ps, at("all", fmt.Sprint(i))...)
	}
	if w.Not != nil {
		check(s, w.Not, ps, at("not")...)
	}
}

// Streams lists the streams a gate looks at.
func Streams(w *spec.When) []string {
	if w == nil {
		return nil
	}
	var names []string
	if w.Of != "" {
		names = append(names, w.Of)
	}
	for i := range w.Any {
		names = append(names, Streams(&w.Any[i])...)
	}
	for i := range w.All {
		names = append(names, Streams(&w.All[i])...)
	}
	return append(names, Streams(w.Not)...)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func round(d time.Duration) string {
	return strictyaml.FormatDuration(d.Round(max(time.Second, d/100).Truncate(time.Second)))
}
