package chart

import (
	"math"
	"slices"
	"time"
)

// window is one place on the time axis: what a tooltip speaks of.
type window struct {
	start, end time.Time
	flagged    bool
}

// point is one value of a line, at its own time in seconds after the chart's first window.
type point struct {
	x, y    float64
	flagged bool
}

// timeline is the windows of a time chart with the layers on them.
type timeline struct {
	windows []window
	layers  []layer
	traces  [][]point // lines only: the points of each layer, gaps as NaN
	step    float64   // length of a window, in seconds
	merged  bool      // windows are buckets of several
	zero    time.Time // start of the first window
	days    bool      // windows fall on more than one day
	whole   bool      // windows are a day or longer
}

// newTimeline sorts the windows and, when there are more than limit, puts them into buckets on the wall clock, of the
// finest step that needs no more than limit.
//
// A bucket of areas and bars is the sum of its windows, so that areas still add up to the total; its first and last one
// may be cut by the ends of the data. A bucket of a line shows its last value, the state at its end, and the line goes
// through its lowest and highest value and its first flagged one as well, so that no peak and no mark is lost.
// Windows of the same start are one window by the same rule.
func newTimeline(at []time.Time, flags []bool, ls []layer, lines bool, loc *time.Location, limit int) *timeline {
	order := make([]int, len(at))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return at[a].Compare(at[b]) })

	t := &timeline{layers: make([]layer, len(ls)), traces: make([][]point, len(ls))}
	local := func(i int) time.Time { return at[order[i]].In(loc) }
	t.zero = local(0)
	span := seconds(local(len(order)-1), t.zero)
	t.step = smallestStep(order, at)

	start := func(i int) (from, to time.Time) { return local(i), local(i).Add(time.Duration(t.step * 1e9)) }
	if distinctTimes(order, at) > limit {
		bucket := clocks[len(clocks)-1]
		for _, c := range clocks {
			if span/c.length()+1 <= float64(limit) {
				bucket = c
				break
			}
		}
		t.merged, t.step = true, bucket.length()
		start = func(i int) (from, to time.Time) { from = bucket.floor(local(i)); return from, bucket.next(from) }
		t.zero = bucket.floor(t.zero)
	}

	for l := range ls {
		t.layers[l] = layer{name: ls[l].name, slot: ls[l].slot}
	}
	for i := 0; i < len(order); {
		from, to := start(i)
		n := i + 1
		for ; n < len(order); n++ {
			if next, _ := start(n); !next.Equal(from) {
				break
			}
		}
		w := window{start: from, end: to}
		for _, k := range order[i:n] {
			w.flagged = w.flagged || flags != nil && flags[k]
		}
		t.windows = append(t.windows, w)
		for l := range ls {
			if lines {
				t.addLine(l, ls[l].values, flags, at, order[i:n])
			} else {
				t.addSum(l, ls[l].values, order[i:n])
			}
		}
		i = n
	}
	last := t.windows[len(t.windows)-1]
	t.days = !sameDay(t.zero, last.start)
	t.whole = t.step >= 86400
	return t
}

func (t *timeline) addSum(l int, values []float64, group []int) {
	sum := math.NaN()
	for _, k := range group {
		switch v := values[k]; {
		case math.IsNaN(sum):
			sum = v
		case !math.IsNaN(v):
			sum += v
		}
	}
	t.layers[l].values = append(t.layers[l].values, sum)
}

// addLine keeps the true points of a bucket that shape the line, in order of time.
func (t *timeline) addLine(l int, values []float64, flags []bool, at []time.Time, group []int) {
	low, high, last, flagged := -1, -1, -1, -1
	for _, k := range group {
		v := values[k]
		if math.IsNaN(v) {
			continue
		}
		if low < 0 || v < values[low] {
			low = k
		}
		if high < 0 || v > values[high] {
			high = k
		}
		if flagged < 0 && flags != nil && flags[k] {
			flagged = k
		}
		last = k
	}
	if last < 0 {
		t.layers[l].values = append(t.layers[l].values, math.NaN())
		t.traces[l] = append(t.traces[l], point{x: seconds(at[group[0]], t.zero), y: math.NaN()})
		return
	}
	t.layers[l].values = append(t.layers[l].values, values[last])
	for _, k := range group {
		if k == low || k == high || k == last || k == flagged {
			t.traces[l] = append(t.traces[l], point{seconds(at[k], t.zero), values[k], flags != nil && flags[k]})
		}
	}
}

// smallestStep is the least distance of two windows in seconds: the length of one. A single window counts as a minute.
func smallestStep(order []int, at []time.Time) float64 {
	step := math.Inf(1)
	for i := 1; i < len(order); i++ {
		if d := seconds(at[order[i]], at[order[i-1]]); d > 0 {
			step = min(step, d)
		}
	}
	if math.IsInf(step, 1) {
		return 60
	}
	return step
}

func distinctTimes(order []int, at []time.Time) int {
	n := 1
	for i := 1; i < len(order); i++ {
		if !at[order[i]].Equal(at[order[i-1]]) {
			n++
		}
	}
	return n
}

func sameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }

// x is the start of a window in seconds after the first.
func (t *timeline) x(i int) float64 { return seconds(t.windows[i].start, t.zero) }

// name says which window a tooltip speaks of: its start, and its end when it is a bucket.
func (t *timeline) name(i int) string {
	w := t.windows[i]
	layout := "15:04"
	switch {
	case t.whole:
		layout = "2 Jan 2006"
	case t.step < 60:
		layout = "15:04:05"
	}
	from := w.start.Format(layout)
	if t.days && !t.whole {
		from = w.start.Format("2 Jan " + layout)
	}
	if !t.merged {
		return from
	}
	end := w.end
	if t.whole {
		end = end.Add(-time.Second) // the last day of the bucket, not the first of the next
	}
	if to := end.Format(layout); to != from {
		return from + "–" + to
	}
	return from
}

// note says what a bucket is, for the corner of the chart; empty without buckets.
func (t *timeline) note(lines bool) string {
	switch {
	case !t.merged:
		return ""
	case lines:
		return "last value per " + stepName(t.step)
	}
	return "sums per " + stepName(t.step)
}
