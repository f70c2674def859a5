package gate

import (
	"time"

	"tillflow/dag/spec"
	"tillflow/lib/strictyaml"
)

// rows opens when so many rows came since the last successful run.
func rows(w *spec.When, f Facts) Answer {
	s, known := f.Streams[w.Of]
	n := max(0, s.Rows-f.Cursors[w.Of]) // a run that begins moves the cursor past what the last look at the ledger saw
	a := leaf(known && n >= w.Rows, "%d of %d rows of %s", n, w.Rows, w.Of)
	switch {
	case a.Due:
		a.Since = s.Changed
	case known && s.Rate > 0:
		a.Opens, a.About = f.Now.Add(seconds(float64(w.Rows-n)/s.Rate)), true
	}
	return a
}

// watermark opens when event time is complete up to a further multiple of the step since the last successful run.
func watermark(w *spec.When, f Facts) Answer {
	s, known := f.Streams[w.Of]
	step := strictyaml.FormatDuration(w.Watermark)
	if !known || s.Watermark.IsZero() {
		return leaf(false, "watermark of %s is not known yet, wanted each %s", w.Of, step)
	}
	mark, before := s.Watermark.Truncate(w.Watermark).UTC(), f.Marks[w.Of]
	if before.IsZero() || mark.After(before) {
		a := leaf(true, "watermark of %s has passed %s", w.Of, mark.Format(time.DateTime))
		a.Since, a.AsOf, a.Marks = s.Changed, mark, map[string]time.Time{w.Of: mark}
		return a
	}
	next := before.Add(w.Watermark)
	a := leaf(false, "watermark of %s at %s, wanted %s", w.Of, s.Watermark.UTC().Format(time.DateTime), next.UTC().Format(time.DateTime))
	if s.Rate > 0 { // a stream that is read as fast as it is written moves by the clock
		a.Opens, a.About = f.Now.Add(next.Sub(s.Watermark)), true
	}
	return a
}

func lagBelow(w *spec.When, f Facts) Answer {
	s, known := f.Streams[w.Of]
	a := leaf(known && s.Lag >= 0 && s.Lag < *w.LagBelow, "lag %d of %s, wanted below %d", s.Lag, w.Of, *w.LagBelow)
	switch {
	case a.Due:
		a.Since = s.Changed
	case known && s.Lag >= 0 && s.Rate > 0:
		a.Opens, a.About = f.Now.Add(seconds(float64(s.Lag-*w.LagBelow+1)/s.Rate)), true
	}
	return a
}

func freshWithin(w *spec.When, f Facts) Answer {
	s, known := f.Streams[w.Of]
	a := leaf(known && !s.Watermark.IsZero() && f.Now.Sub(s.Watermark) <= w.FreshWithin, "watermark of %s at %s, wanted within %s",
		w.Of, s.Watermark.Format(time.DateTime), strictyaml.FormatDuration(w.FreshWithin))
	if a.Due {
		a.Since, a.Closes = s.Changed, s.Watermark.Add(w.FreshWithin+1)
	}
	return a
}

// debounce holds when the other conditions have held for so long, and no row of the stream came meanwhile.
func debounce(w *spec.When, others Answer, f Facts) Answer {
	want := strictyaml.FormatDuration(w.Debounce)
	if !others.Due {
		return leaf(false, "debounce %s begins when the rest holds", want)
	}
	opens := latest(latest(others.Since, f.Streams[w.Of].Changed), f.Since).Add(w.Debounce)
	a := leaf(!opens.After(f.Now), "quiet for %s of %s", round(f.Now.Sub(opens.Add(-w.Debounce))), want)
	if w.Of != "" {
		a.Text += " at " + w.Of
	}
	if a.Due {
		a.Since = opens
	} else {
		a.Opens = opens
	}
	return a
}

// passed holds while the last result of a check is a pass.
func passed(name string, f Facts) Answer {
	j := f.Jobs[name]
	switch {
	case j.Ended.IsZero():
		return leaf(false, "check %s has not run", name)
	case !j.OK:
		return leaf(false, "check %s did not pass %s ago", name, round(f.Now.Sub(j.Ended)))
	}
	a := leaf(true, "check %s passed %s ago", name, round(f.Now.Sub(j.Ended)))
	a.Since = j.Ended
	return a
}

// after opens when a job has succeeded since this one last began.
func after(name string, f Facts) Answer {
	j := f.Jobs[name]
	switch {
	case j.Succeeded.IsZero():
		return leaf(false, "after %s, which has not succeeded", name)
	case !j.Succeeded.After(f.LastStart):
		return leaf(false, "after %s, whose last success was %s ago, before this job's last run", name, round(f.Now.Sub(j.Succeeded)))
	}
	a := leaf(true, "after %s, which succeeded %s ago", name, round(f.Now.Sub(j.Succeeded)))
	a.Since = j.Succeeded
	return a
}

// seconds makes a duration of at most a year, so that a slow stream does not overflow it.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 365*24*3600) * float64(time.Second))
}
