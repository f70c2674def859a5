package gate

import (
	"fmt"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// CronMark is the key of Answer.Marks and Facts.Marks for the tick of a cron line that catches up on all its ticks.
const CronMark = "cron"

// every opens so long after the opening that the last run was for, not after its start: so the runs do not drift.
func every(d time.Duration, f Facts) Answer {
	if f.LastStart.IsZero() {
		a := leaf(true, "every %s, never ran", strictyaml.FormatDuration(d))
		a.Since, a.Tick = f.Since, f.Now
		return a
	}
	base := f.LastStart
	if !f.LastTick.IsZero() && f.LastTick.Before(base) && base.Sub(f.LastTick) < d {
		base = f.LastTick
	}
	next := base.Add(d)
	if behind := f.SkipTo.Sub(next); behind >= 0 {
		next = next.Add((behind/d + 1) * d)
	}
	a := leaf(!next.After(f.Now), "every %s, last began %s ago", strictyaml.FormatDuration(d), round(f.Now.Sub(f.LastStart)))
	if a.Due {
		a.Since, a.Tick = next, next.Add(f.Now.Sub(next)/d*d)
	} else {
		a.Opens = next
	}
	return a
}

// minGap holds once the last run has ended for so long.
func minGap(d time.Duration, f Facts) Answer {
	opens := f.LastEnd.Add(d)
	a := leaf(!opens.After(f.Now), "min_gap %s, last ended %s ago", strictyaml.FormatDuration(d), round(f.Now.Sub(f.LastEnd)))
	if a.Due {
		a.Since = opens
	} else {
		a.Opens = opens
	}
	return a
}

// cronLine opens at each tick of a line. What happens to ticks that nobody watched depends on catch_up: none looks at
// ticks since the engine began to watch only, latest makes one run for all that were missed, all makes one for each.
func cronLine(w *spec.When, f Facts) Answer {
	sched, err := parse(w.Cron)
	if err != nil {
		return leaf(false, "cron %q: %s", w.Cron, err)
	}
	loc := f.Location
	if loc == nil {
		loc = time.UTC
	}
	base := f.LastStart
	switch w.CatchUp {
	case "all":
		base = latest(f.LastTick, f.Marks[CronMark])
		if base.IsZero() {
			base = f.LastStart
		}
	case "none":
		base = latest(latest(base, f.Since), f.SkipTo)
	default:
		base = latest(base, f.SkipTo)
	}
	if base.IsZero() {
		base = f.Since
	}
	next := sched.Next(base.In(loc))
	if next.IsZero() {
		return leaf(false, "cron %q never comes", w.Cron)
	}
	a := leaf(!next.After(f.Now), "cron %q, next %s", w.Cron, next.Format(time.DateTime))
	if !a.Due {
		a.Opens = next
		return a
	}
	a.Since = next
	if w.CatchUp == "all" {
		ticks, left := missed(sched, next, f.Now, w.CatchUpMax)
		a.Tick, a.AsOf, a.Missed = ticks[0], ticks[0], left
		a.Marks = map[string]time.Time{CronMark: ticks[0]}
		if left > 0 {
			a.Text = fmt.Sprintf("cron %q, next %s: %d older ticks are left out, over catch_up_max %d", w.Cron, ticks[0].Format(time.DateTime), left, w.CatchUpMax)
		} else if len(ticks) > 1 {
			a.Text += fmt.Sprintf(", %d more to catch up", len(ticks)-1)
		}
		return a
	}
	a.Tick = last(sched, next, f.Now.In(loc))
	return a
}

// mostTicks bounds the search for missed ticks; a line with seconds has 31 million a year.
const mostTicks = 100_000

// missed lists the ticks from first to now, the newest limit of them, and counts those left out.
func missed(s cron.Schedule, first, now time.Time, limit int) (ticks []time.Time, left int) {
	if limit <= 0 {
		limit = 100
	}
	for t, n := first, 0; !t.IsZero() && !t.After(now) && n < mostTicks; t, n = s.Next(t), n+1 {
		if ticks = append(ticks, t); len(ticks) > 2*limit {
			left += len(ticks) - limit
			ticks = append(ticks[:0], ticks[len(ticks)-limit:]...)
		}
	}
	if over := len(ticks) - limit; over > 0 {
		left, ticks = left+over, ticks[over:]
	}
	return ticks, left
}

// last finds the newest tick up to now, of which first is one. It looks back over longer and longer stretches, so that
// a frequent line is not walked through from long ago.
func last(s cron.Schedule, first, now time.Time) time.Time {
	for back := time.Minute; now.Add(-back).After(first); back *= 16 {
		if t := s.Next(now.Add(-back)); !t.After(now) {
			first = t
			break
		}
	}
	for next := s.Next(first); !next.IsZero() && !next.After(now); next = s.Next(next) {
		first = next
	}
	return first
}

// Next gives the first time after t that a cron line names, in the zone loc. Six fields have seconds first.
func Next(line string, t time.Time, loc *time.Location) (time.Time, error) {
	sched, err := parse(line)
	if err != nil {
		return time.Time{}, err
	}
	return sched.Next(t.In(loc)), nil
}

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// parsed keeps the lines read so far: gates are judged all the time, and a dagfile has few lines.
var parsed sync.Map // string -> cron.Schedule

func parse(line string) (cron.Schedule, error) {
	if s, ok := parsed.Load(line); ok {
		return s.(cron.Schedule), nil
	}
	s, err := parser.Parse(line)
	if err == nil {
		parsed.Store(line, s)
	}
	return s, err
}

func round(d time.Duration) string {
	return strictyaml.FormatDuration(d.Round(max(time.Second, d/100).Truncate(time.Second)))
}
