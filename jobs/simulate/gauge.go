package simulate

import (
	"fmt"
	"slices"
	"time"

	"tillflow/dag/run"
)

// gauge counts what was written and puts it into words.
type gauge struct {
	first   int64 // where the backlog began, ms
	history bool  // it is the history of an empty topic
	newest  int64 // time of the newest event gathered, ms
	written int64
	sales   int64     // gathered since the last report that was live
	since   time.Time // when that was
	told    time.Time
	note    string
}

// gauge makes the gauge of a run that begins with this leg.
func (l *leg) gauge() gauge {
	reached := max(secondOf(slices.Max(slices.Concat(l.after[:]...))), l.first*3600)
	return gauge{first: reached * secondMs, history: l.begins}
}

func (g *gauge) event(at int64, sale bool) {
	g.newest = at
	if sale {
		g.sales++
	}
}

// sent notes that n events were written and says, about once a second, how far the run is.
func (g *gauge) sent(n int, now time.Time, live bool) (run.Progress, bool) {
	g.written += int64(n)
	switch {
	case !live:
		g.note = g.backlog(now)
	case g.since.IsZero():
		g.note, g.sales, g.since = "live", 0, now
	case now.Sub(g.since) >= time.Minute:
		g.note = fmt.Sprintf("live, %.0f sales a minute", float64(g.sales)/now.Sub(g.since).Minutes())
		g.sales, g.since = 0, now
	case now.Sub(g.told) < time.Second:
		return run.Progress{}, false
	}
	g.told = now
	p := run.Progress{Rows: g.written, Lag: -1, Note: g.note}
	if g.newest > 0 {
		p.Watermark = time.UnixMilli(g.newest).UTC()
	}
	return p, true
}

// backlog says how much of the time before now is written: "history 12 of 30 days".
func (g *gauge) backlog(now time.Time) string {
	what := "catching up"
	if g.history {
		what = "history"
	}
	all := max(now.UnixMilli()-g.first, 0)
	done := min(max(g.newest-g.first, 0), all)
	if all >= 48*hourMs {
		return fmt.Sprintf("%s %d of %d days", what, done/(24*hourMs), all/(24*hourMs))
	}
	return fmt.Sprintf("%s %d of %d minutes", what, done/minuteMs, all/minuteMs)
}
