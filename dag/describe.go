package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tillflow/dag/gate"
	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// markOf gives a sign and a colour; the sign alone tells the same without colour.
func markOf(j runner.Status) (mark, code string) {
	switch j.State {
	case string(run.Live), string(run.Succeeded):
		return "✓", "32"
	case string(run.Warned):
		return "!", "33"
	case string(run.Failed), string(run.TimedOut), string(run.BackingOff), string(run.CrashLooped), string(run.Stalled):
		return "✗", "31"
	case string(run.Lagging):
		return "!", "33"
	case string(run.Running), string(run.CatchingUp), string(run.Starting), string(run.Draining):
		return "▸", "36"
	default:
		return "·", "2"
	}
}

// describe says in a few words what a job is doing.
func describe(j runner.Status, now time.Time) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if j.Paused != "" {
		add("paused: %s", j.Paused)
	}
	if j.Stream {
		if j.Rows > 0 {
			add("%s rows/s", thousands(int64(j.Rate+0.5)))
		}
		if j.Lag >= 0 {
			add("lag %s", thousands(j.Lag))
		}
		if j.Restarts > 0 {
			add("%s", restarts(j.Restarts))
		}
		if !j.Watermark.IsZero() {
			add("watermark %s ago", ago(now.Sub(j.Watermark)))
		}
		if j.Rows > 0 {
			add("%s rows", thousands(j.Rows))
		}
		if j.Note != "" && j.Note != j.State {
			add("%s", j.Note)
		}
	} else if j.State == string(run.Running) && !j.Began.IsZero() {
		add("for %s", ago(now.Sub(j.Began)))
		if j.Trigger != "" {
			add("because %s", grouped(j.Trigger))
		}
	} else if !j.Last.Ended.IsZero() {
		add("%s ago, took %s", ago(now.Sub(j.Last.Ended)), short(j.Last.Ended.Sub(j.Last.Started)))
		if j.Last.Note != "" && j.Error == "" {
			add("%s", grouped(j.Last.Note))
		}
	}
	if j.Error != "" {
		add("%s", strings.Join(strings.Fields(j.Error), " "))
	}
	if len(parts) == 0 && j.State == string(run.Waiting) {
		add("%s", grouped(obstacle(j.Why)))
	}
	return strings.Join(parts, ", ")
}

// obstacle is the first thing that is false and has nothing below it: what a job waits for.
func obstacle(a gate.Answer) string {
	for _, s := range a.Sub {
		if !s.Due {
			return obstacle(s)
		}
	}
	if a.Due {
		return ""
	}
	return a.Text
}

func restarts(n int) string {
	if n == 1 {
		return "1 restart"
	}
	return thousands(int64(n)) + " restarts"
}

// grouped writes the counts in a sentence, which stand before the plural of what they count, with marks between
// thousands: 1657950 of 5000 rows, lag 48286, below 2000.
func grouped(text string) string {
	return countsIn.ReplaceAllStringFunc(text, func(s string) string {
		return digits.ReplaceAllStringFunc(s, func(d string) string {
			n, err := strconv.ParseInt(d, 10, 64)
			if err != nil {
				return d
			}
			return thousands(n)
		})
	})
}

var (
	countsIn = regexp.MustCompile(`\b\d+( of \d+)? [a-z]+s\b|\b(lag|below) \d+\b`)
	digits   = regexp.MustCompile(`\d{4,}`)
)

func ago(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
	}
	if d >= 48*time.Hour {
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func thousands(n int64) string {
	s := fmt.Sprint(n)
	start := len(s) % 3
	if n < 0 {
		return "-" + thousands(-n)
	}
	var b strings.Builder
	b.WriteString(s[:start])
	for i := start; i < len(s); i += 3 {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(s[i : i+3])
	}
	return b.String()
}
