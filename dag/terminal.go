package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"tillflow/dag/run"
	"tillflow/dag/runner"
)

// plainLog writes log lines for people: time, level when it is not plain information, message, facts.
func plainLog(w io.Writer) *slog.Logger { return slog.New(&lineHandler{w: w, mu: new(sync.Mutex)}) }

// lineHandler is a slog.Handler of one readable line a record: 12:04:05 WARN batch written rows=50 lag=3.
type lineHandler struct {
	w     io.Writer
	mu    *sync.Mutex
	attrs string
	group string
	color bool
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString(r.Time.Format("15:04:05 "))
	if r.Level != slog.LevelInfo {
		b.WriteString(h.paint(map[bool]string{true: "31", false: "33"}[r.Level >= slog.LevelError], r.Level.String()) + " ")
	}
	b.WriteString(r.Message)
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool { b.WriteString(attr(h.group, a)); return true })
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(b.Bytes())
	return err
}

func (h *lineHandler) WithAttrs(as []slog.Attr) slog.Handler {
	c := *h
	for _, a := range as {
		c.attrs += attr(h.group, a)
	}
	return &c
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

func (h *lineHandler) paint(code, s string) string {
	if !h.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func attr(group string, a slog.Attr) string {
	v := a.Value.Resolve().String()
	if v == "" {
		return ""
	}
	if strings.ContainsAny(v, " \t\n\"=") {
		v = fmt.Sprintf("%q", v)
	}
	return " " + group + a.Key + "=" + v
}

// screen is the live view of a terminal: log lines scroll above a block with one line a job, which is drawn again in
// place. Errors are log lines, so nothing scrolls them away unseen.
type screen struct {
	out    *os.File
	color  bool
	mu     sync.Mutex
	height int // lines of the block on the screen now
	head   []string
	jobs   func() []runner.Status
}

// newScreen gives a screen when w is a terminal that can redraw.
func newScreen(w io.Writer, noColor bool) *screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &screen{out: f, color: !noColor}
}

// Write puts log lines above the block.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	n, err := s.out.Write(p)
	s.draw()
	return n, err
}

// show draws the block twice a second until ctx ends, and a last time then.
func (s *screen) show(ctx context.Context, head []string, jobs func() []runner.Status) {
	s.mu.Lock()
	s.head, s.jobs = head, jobs
	s.mu.Unlock()
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		s.mu.Lock()
		s.erase()
		s.draw()
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.erase()
			s.draw()
			s.jobs, s.height = nil, 0
			s.mu.Unlock()
			return
		case <-t.C:
		}
	}
}

func (s *screen) erase() {
	if s.height > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.height)
		s.height = 0
	}
}

func (s *screen) draw() {
	if s.jobs == nil {
		return
	}
	width, rows, err := term.GetSize(int(s.out.Fd()))
	if err != nil {
		width, rows = 80, 24
	}
	lines := append([]string{""}, s.head...)
	lines = append(lines, jobLines(s.jobs(), time.Now(), s.color)...)
	if len(lines) > rows-1 { // a block taller than the screen could not be drawn over
		lines = lines[len(lines)-(rows-1):]
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(cut(l, width) + "\n")
	}
	fmt.Fprint(s.out, b.String())
	s.height = len(lines)
}

// cut shortens a line to the width of the terminal, not counting colour codes, so that it never wraps.
func cut(line string, width int) string {
	n := 0
	for i := 0; i < len(line); {
		if line[i] == 0x1b {
			if end := strings.IndexByte(line[i:], 'm'); end >= 0 {
				i += end + 1
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		if n++; n >= width {
			return line[:i] + "\x1b[0m"
		}
		i += size
	}
	return line
}

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
			add("%s/s", thousands(int64(j.Rate+0.5)))
		}
		if j.Lag >= 0 {
			add("lag %s", thousands(j.Lag))
		}
		if j.Restarts > 0 {
			add("%d restarts", j.Restarts)
		}
		if !j.Watermark.IsZero() {
			add("watermark %s", ago(now.Sub(j.Watermark)))
		}
		if j.Rows > 0 {
			add("%s rows", thousands(j.Rows))
		}
		if j.Note != "" && j.Note != j.State {
			add("%s", j.Note)
		}
	} else if !j.Last.Ended.IsZero() {
		add("%s ago, took %s", ago(now.Sub(j.Last.Ended)), j.Last.Ended.Sub(j.Last.Started).Round(time.Millisecond))
		if j.Last.Note != "" && j.Error == "" {
			add("%s", j.Last.Note)
		}
	}
	if j.Error != "" {
		add("%s", strings.Join(strings.Fields(j.Error), " "))
	}
	return strings.Join(parts, ", ")
}

func ago(d time.Duration) string {
	if d < time.Minute {
		return d.Round(time.Second).String()
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
