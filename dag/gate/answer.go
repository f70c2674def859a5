package gate

import (
	"maps"
	"strings"
	"time"

	"tillflow/dag/spec"
)

// Answer is a gate's judgement: a tree with the numbers behind it.
type Answer struct {
	Due    bool      `json:"due"`
	Text   string    `json:"text"`             // such as "1204 of 1000 rows of stream.transactions"
	Since  time.Time `json:"since,omitzero"`   // due: since when, where that is known
	Opens  time.Time `json:"opens,omitzero"`   // not due: the next possible opening; zero when only new facts can tell
	About  bool      `json:"about,omitempty"`  // Opens is a guess by the pace of a stream
	Closes time.Time `json:"closes,omitzero"`  // due: when time alone will end it; zero when it will not
	Tick   time.Time `json:"tick,omitzero"`    // due by time: the opening that the run is for
	AsOf   time.Time `json:"as_of,omitzero"`   // due for a stretch of event time: where that ends
	Missed int       `json:"missed,omitempty"` // ticks that no run will be made for, because there are more than catch_up_max
	Sub    []Answer  `json:"sub,omitempty"`

	Marks map[string]time.Time `json:"-"` // due: the watermark of each stream that the run is for
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

// Wake gives the first moment after now at which time alone changes some part of the answer; zero when it never does.
// Guesses do not count: what they wait for comes as a fact.
func (a Answer) Wake(now time.Time) time.Time {
	first := time.Time{}
	consider := func(t time.Time) {
		if t.After(now) && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	if !a.About {
		consider(a.Opens)
	}
	consider(a.Closes)
	for _, s := range a.Sub {
		consider(s.Wake(now))
	}
	return first
}

// allOf is true when every part is. It opens when the last part does, and closes with the first.
func allOf(sub []Answer) Answer {
	a := Answer{Due: true, Text: "all", Sub: sub}
	known := true
	for _, s := range sub {
		a.Due = a.Due && s.Due
		a.take(s)
		if s.Due {
			a.Since = latest(a.Since, s.Since)
			a.Closes = earliest(a.Closes, s.Closes)
			continue
		}
		known = known && !s.Opens.IsZero()
		a.Opens, a.About = latest(a.Opens, s.Opens), a.About || s.About
	}
	if a.Due {
		a.Opens, a.About = time.Time{}, false
	} else {
		a.Since, a.Closes = time.Time{}, time.Time{}
		if !known {
			a.Opens, a.About = time.Time{}, false
		}
	}
	return a
}

// anyOf is true when one part is. It opens with the first part, and closes when the last does.
func anyOf(sub []Answer) Answer {
	a := Answer{Text: "any", Sub: sub}
	lasts := false
	for _, s := range sub {
		if !s.Due {
			if !s.Opens.IsZero() && (a.Opens.IsZero() || s.Opens.Before(a.Opens)) {
				a.Opens, a.About = s.Opens, s.About
			}
			continue
		}
		if !a.Due {
			a.Since = s.Since
		}
		a.Since = earliest(a.Since, s.Since)
		a.Due = true
		a.take(s)
		lasts = lasts || s.Closes.IsZero()
		a.Closes = latest(a.Closes, s.Closes)
	}
	if a.Due {
		a.Opens, a.About = time.Time{}, false
		for _, s := range sub { // a part that asks for no stretch of event time wants everything there is
			if s.Due && s.AsOf.IsZero() {
				a.AsOf = time.Time{}
			}
		}
	}
	if lasts {
		a.Closes = time.Time{}
	}
	return a
}

// notOf is true while what it holds is not.
func notOf(s Answer) Answer {
	return Answer{Due: !s.Due, Text: "not: " + s.Text, Opens: s.Closes, Closes: s.Opens, Sub: []Answer{s}}
}

// take carries what a run must know from a part that is due.
func (a *Answer) take(s Answer) {
	if !s.Due {
		return
	}
	a.Tick = latest(a.Tick, s.Tick)
	a.AsOf = earliest(a.AsOf, s.AsOf)
	a.Missed += s.Missed
	for stream, mark := range s.Marks {
		if a.Marks == nil {
			a.Marks = map[string]time.Time{}
		}
		a.Marks[stream] = latest(a.Marks[stream], mark)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earliest is the earlier of two times; a zero one does not count.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// MarksAt gives the marks of a run whose input ended at asOf, as its gate gave them then: for the ticks and the
// multiples of a watermark that asOf is.
func MarksAt(w *spec.When, asOf time.Time, loc *time.Location) map[string]time.Time {
	if w == nil || asOf.IsZero() {
		return nil
	}
	marks := map[string]time.Time{}
	if w.CatchUp == "all" {
		if tick, err := Next(w.Cron, asOf.Add(-time.Second), loc); err == nil && tick.Equal(asOf) {
			marks[CronMark] = asOf
		}
	}
	if w.Watermark != 0 && asOf.Truncate(w.Watermark).Equal(asOf) {
		marks[w.Of] = asOf
	}
	for _, ws := range [][]spec.When{w.Any, w.All} {
		for i := range ws {
			maps.Copy(marks, MarksAt(&ws[i], asOf, loc))
		}
	}
	return marks
}
