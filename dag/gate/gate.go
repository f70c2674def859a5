// Package gate answers whether a batch job is due, and why: conditions on time, on rows, on other jobs and on the health
// of streams, combined by any, all and not. It does no I/O and knows no clock; the caller brings the facts, so that the
// answer can be tested and explained with its numbers.
//
// Package gate is the one user of the cron module.
package gate

import (
	"fmt"
	"time"

	"tillflow/dag/spec"
)

// Stream is what a gate may ask about a stream.
type Stream struct {
	Rows      int64     // rows inserted since the log began
	Lag       int64     // messages not read yet; -1 when not known
	Watermark time.Time // zero when nothing was read yet
	Changed   time.Time // when Rows last grew; zero when not known
	Rate      float64   // rows a second of late; 0 when not known
}

// Job is what a gate may ask about a batch job.
type Job struct {
	OK        bool      // its last run that ended did what it was for
	Ended     time.Time // when that run ended; zero when none has
	Succeeded time.Time // when the last run that was OK ended; zero when none was
}

// Facts are what a gate is judged by.
type Facts struct {
	Now       time.Time
	Since     time.Time            // when the engine began to watch
	LastStart time.Time            // of the job's last run; zero when it never ran
	LastEnd   time.Time            // of the job's last run
	LastTick  time.Time            // the opening that the last run was for, when time opened it; zero when not known
	SkipTo    time.Time            // openings by time up to here are passed over; zero passes over none
	Location  *time.Location       // zone of cron lines
	Streams   map[string]Stream    // by job name
	Cursors   map[string]int64     // rows of each stream that the job's last successful run had seen
	Marks     map[string]time.Time // the watermark of each stream that the job's last successful run was for
	Jobs      map[string]Job       // by name: those that checks and after look at
}

// Eval judges a gate. Conditions side by side must all hold.
func Eval(w *spec.When, f Facts) Answer {
	var sub []Answer
	if w.Every != 0 {
		sub = append(sub, every(w.Every, f))
	}
	if w.Cron != "" {
		sub = append(sub, cronLine(w, f))
	}
	if w.Rows != 0 {
		sub = append(sub, rows(w, f))
	}
	if w.Watermark != 0 {
		sub = append(sub, watermark(w, f))
	}
	if w.LagBelow != nil {
		sub = append(sub, lagBelow(w, f))
	}
	if w.FreshWithin != 0 {
		sub = append(sub, freshWithin(w, f))
	}
	for _, name := range w.Checks {
		sub = append(sub, passed(name, f))
	}
	for _, name := range w.After {
		sub = append(sub, after(name, f))
	}
	if len(w.Any) > 0 {
		sub = append(sub, anyOf(evalAll(w.Any, f)))
	}
	if len(w.All) > 0 {
		sub = append(sub, allOf(evalAll(w.All, f)))
	}
	if w.Not != nil {
		sub = append(sub, notOf(Eval(w.Not, f)))
	}
	if w.MinGap != 0 && !f.LastEnd.IsZero() {
		sub = append(sub, minGap(w.MinGap, f))
	}
	if w.Debounce != 0 {
		sub = append(sub, debounce(w, allOf(sub), f))
	}
	if len(sub) == 1 {
		return sub[0]
	}
	return allOf(sub)
}

func evalAll(ws []spec.When, f Facts) []Answer {
	out := make([]Answer, len(ws))
	for i := range ws {
		out[i] = Eval(&ws[i], f)
	}
	return out
}

// leaf makes the answer of one condition.
func leaf(due bool, format string, args ...any) Answer {
	return Answer{Due: due, Text: fmt.Sprintf(format, args...)}
}

// Streams lists the streams a gate looks at.
func Streams(w *spec.When) []string {
	return names(w, func(w *spec.When) []string {
		if w.Of == "" {
			return nil
		}
		return []string{w.Of}
	})
}

// Jobs lists the batch jobs a gate looks at.
func Jobs(w *spec.When) []string {
	return names(w, func(w *spec.When) []string { return append(append([]string{}, w.Checks...), w.After...) })
}

// names collects what each level of a gate names.
func names(w *spec.When, of func(*spec.When) []string) []string {
	if w == nil {
		return nil
	}
	out := of(w)
	for i := range w.Any {
		out = append(out, names(&w.Any[i], of)...)
	}
	for i := range w.All {
		out = append(out, names(&w.All[i], of)...)
	}
	return append(out, names(w.Not, of)...)
}
