package anomaly

import (
	"cmp"
	"math"
	"slices"
)

// events turns marks into events: each run of marked windows of one kind gives at least one.
func (d *detector) events() []Event {
	var events []Event
	for lo := 0; lo < len(d.marks); {
		hi := lo
		for hi < len(d.marks) && sameKind(d.marks[hi].score, d.marks[lo].score) {
			hi++
		}
		if d.marks[lo].score != 0 {
			events = append(events, d.split(lo, hi-1)...)
		}
		lo = hi
	}
	events = d.merge(events)
	return slices.DeleteFunc(events, func(e Event) bool { return e.First+e.Windows <= d.from })
}

func sameKind(a, b float64) bool { return a > 0 && b > 0 || a < 0 && b < 0 || a == 0 && b == 0 }

// split finds the events of one run, strongest first: a span that was long enough to see two spikes has marked what lies
// between them too.
func (d *detector) split(lo, hi int) []Event {
	seeds := make([]int, 0, hi-lo+1)
	for t := lo; t <= hi; t++ {
		seeds = append(seeds, t)
	}
	slices.SortStableFunc(seeds, func(a, b int) int {
		return cmp.Compare(math.Abs(d.marks[b].score), math.Abs(d.marks[a].score))
	})
	var events []Event
	for _, t := range seeds {
		m := d.marks[t]
		from, to := lo, hi // what no event has taken around this seed
		free := true
		for _, e := range events {
			switch last := e.First + e.Windows - 1; {
			case last < int(m.first):
				from = max(from, last+1)
			case e.First > int(m.last):
				to = min(to, e.First-1)
			default:
				free = false
			}
		}
		if free {
			events = append(events, d.fit(m, from, to))
		}
	}
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.First, b.First) })
	return events
}

// fit moves the ends of a marked span, one after the other, to where the score of what lies between is greatest.
func (d *detector) fit(m mark, lo, hi int) Event {
	first, last, best := max(lo, int(m.first)), min(hi, int(m.last)), m.score
	better := func(score float64) bool { return sameKind(score, best) && math.Abs(score) > math.Abs(best) }
	for moved := true; moved; {
		moved = false
		for t := lo; t <= last; t++ {
			if score := d.score(t, last); better(score) {
				first, best, moved = t, score, true
			}
		}
		for t := hi; t >= first; t-- {
			if score := d.score(first, t); better(score) {
				last, best, moved = t, score, true
			}
		}
	}
	return d.event(first, last, best)
}

func (d *detector) event(first, last int, score float64) Event {
	kind := Spike
	if score < 0 {
		kind = Drop
	}
	return Event{
		First: first, Windows: last - first + 1, Kind: kind, Score: score,
		Observed: d.base.revenue.sum(first, last),
		Expected: math.Max(0, d.base.expectRevenue(first, last)),
	}
}

// merge joins neighbours of one kind.
func (d *detector) merge(events []Event) []Event {
	var merged []Event
	for _, e := range events {
		if n := len(merged); n > 0 {
			before := merged[n-1]
			end := before.First + before.Windows
			if before.Kind == e.Kind && e.First-end <= d.o.Gap {
				score := before.Score
				if math.Abs(e.Score) > math.Abs(score) {
					score = e.Score
				}
				merged[n-1] = d.event(before.First, max(end, e.First+e.Windows)-1, score)
				continue
			}
		}
		merged = append(merged, e)
	}
	return merged
}
