package chart

import (
	"math"
	"strconv"
	"time"
)

// clock is a step of the wall clock: seconds that divide a day, or whole days, or whole months. Exactly one is set.
type clock struct{ seconds, days, months int }

// clocks are the steps ticks and buckets may take, finest first.
var clocks = func() []clock {
	const minute, hour = 60, 3600
	var out []clock
	for _, s := range []int{1, 2, 5, 10, 15, 30, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute,
		hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour} {
		out = append(out, clock{seconds: s})
	}
	for _, d := range []int{1, 2, 7, 14} {
		out = append(out, clock{days: d})
	}
	for m := range 5 { // up to ten thousand years, all that a Time prints
		for _, k := range []int{1, 2, 5} {
			if m == 0 && k == 1 {
				out = append(out, clock{months: 1}, clock{months: 3}, clock{months: 6})
			}
			out = append(out, clock{months: 12 * k * int(math.Pow10(m))})
		}
	}
	return out
}()

// length is the usual length of a step in seconds.
func (c clock) length() float64 {
	return float64(c.seconds) + 86400*float64(c.days) + 30.4375*86400*float64(c.months)
}

// floor is the start of the step that holds t, on the wall clock of t's zone. Weeks start on Monday.
func (c clock) floor(t time.Time) time.Time {
	y, m, d := t.Date()
	switch {
	case c.months > 0:
		month := y*12 + int(m) - 1
		month -= mod(month, c.months)
		return time.Date(0, time.Month(month+1), 1, 0, 0, 0, 0, t.Location())
	case c.days > 0:
		day := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400) // day 4 of 1970 was a Monday
		return time.Date(y, m, d-mod(day-4, c.days), 0, 0, 0, 0, t.Location())
	}
	wall := secondsOfDay(t)
	past := wall % c.seconds
	if c.seconds > 3600 {
		return time.Date(y, m, d, 0, 0, wall-past, 0, t.Location())
	}
	// Back from t itself: in the hour that comes twice when the clocks change, the wall clock names two times.
	return t.Add(-time.Duration(past)*time.Second - time.Duration(t.Nanosecond()))
}

func secondsOfDay(t time.Time) int {
	h, m, s := t.Clock()
	return h*3600 + m*60 + s
}

// next is the start of the step after the one that starts at t.
func (c clock) next(t time.Time) time.Time {
	y, m, d := t.Date()
	var n time.Time
	switch {
	case c.months > 0:
		n = time.Date(y, m+time.Month(c.months), 1, 0, 0, 0, 0, t.Location())
	case c.days > 0:
		n = time.Date(y, m, d+c.days, 0, 0, 0, 0, t.Location())
	case c.seconds > 3600:
		n = time.Date(y, m, d, 0, 0, secondsOfDay(t)+c.seconds, 0, t.Location())
	default:
		n = c.floor(t.Add(time.Duration(c.seconds) * time.Second))
	}
	if !n.After(t) {
		n = t.Add(time.Duration(c.length()) * time.Second)
	}
	return n
}

// mod is the remainder that is never negative.
func mod(a, b int) int { return ((a % b) + b) % b }

// seconds is t minus zero in seconds. Sub would stop at 292 years.
func seconds(t, zero time.Time) float64 {
	return float64(t.Unix()-zero.Unix()) + float64(t.Nanosecond()-zero.Nanosecond())/1e9
}

// times makes a scale in seconds after zero, from lo to hi, with at most most ticks on the clock, not finer than a window
// of least seconds. A tick of a new day shows the day in place of the time, one of a new year the year.
func times(zero time.Time, lo, hi float64, most int, least float64) *scale {
	s := &scale{lo: lo, hi: hi}
	step := clocks[len(clocks)-1]
	for _, c := range clocks {
		if (hi-lo)/c.length() <= float64(most) && c.length() >= min(least, 86400)*0.99 {
			step = c
			break
		}
	}
	start := zero.Add(time.Duration(min(lo, 1e9) * 1e9))
	at, before := step.floor(start), time.Time{}
	for range most + 4 {
		if x := seconds(at, zero); x > hi+1e-9 {
			break
		} else if x >= lo-1e-9 {
			s.ticks = append(s.ticks, tick{x, step.label(at, before)})
			before = at
		}
		at = step.next(at)
	}
	return s
}

// label is the text of a tick at t; before is the tick before it, zero for the first.
func (c clock) label(t, before time.Time) tickLabel {
	newYear := !before.IsZero() && before.Year() != t.Year()
	newDay := !before.IsZero() && (before.YearDay() != t.YearDay() || newYear)
	switch {
	case c.months >= 12:
		return tickLabel{text: t.Format("2006")}
	case c.months > 0 && (newYear || t.Month() == time.January):
		return tickLabel{text: t.Format("2006"), strong: true}
	case c.months > 0:
		return tickLabel{text: t.Format("Jan")}
	case c.days > 0 && newYear:
		return tickLabel{text: t.Format("2 Jan 2006"), strong: true}
	case c.days > 0:
		return tickLabel{text: t.Format("2 Jan")}
	case newDay || secondsOfDay(t) == 0:
		return tickLabel{text: t.Format("2 Jan"), strong: true}
	case c.seconds < 60:
		return tickLabel{text: t.Format("15:04:05")}
	}
	return tickLabel{text: t.Format("15:04")}
}

// stepName is the length of a window in words that follow "per": "hour", "10 min", "2 days".
func stepName(seconds float64) string {
	count, one, many := seconds, "second", "s"
	switch {
	case seconds >= 365*86400:
		count, one, many = seconds/(365.25*86400), "year", "years"
	case seconds >= 28*86400:
		count, one, many = seconds/(30.4375*86400), "month", "months"
	case seconds >= 86400:
		count, one, many = seconds/86400, "day", "days"
	case seconds >= 3600:
		count, one, many = seconds/3600, "hour", "h"
	case seconds >= 60:
		count, one, many = seconds/60, "minute", "min"
	}
	if n := strconv.FormatFloat(math.Round(count*10)/10, 'f', -1, 64); n != "1" {
		return n + " " + many
	}
	return one
}
