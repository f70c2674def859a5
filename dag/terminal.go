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
)

// plainLog writes log lines for people: time, level when it is not plain information, message, facts.
func (c *call) plainLog() *slog.Logger { return slog.New(c.lines(c.stderr)) }

// lines is the handler of a log on w, with the clock of the pipeline's zone.
func (c *call) lines(w io.Writer) *lineHandler {
	return &lineHandler{w: c.hidden.Writer(w), mu: new(sync.Mutex), zone: c.zone}
}

// lineHandler is a slog.Handler of one readable line a record: 12:04:05 WARN batch written rows=50 lag=3.
type lineHandler struct {
	w     io.Writer
	mu    *sync.Mutex
	attrs string
	group string
	color bool
	zone  *time.Location // of the clock; nil is the machine's
}

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	at := r.Time
	if h.zone != nil {
		at = at.In(h.zone)
	}
	b.WriteString(at.Format("15:04:05 "))
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

// screen is the live view of a terminal: log lines scroll above a block, such as one line a job, which is drawn again in
// place. Errors are log lines, so nothing scrolls them away unseen.
type screen struct {
	out    *os.File
	color  bool
	mu     sync.Mutex
	height int // lines of the block on the screen now
	block  func(width int) []string
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
func (s *screen) show(ctx context.Context, block func(width int) []string) {
	s.mu.Lock()
	s.block = block
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
			s.block, s.height = nil, 0
			s.mu.Unlock()
			return
		case <-t.C:
		}
	}
}

// during shows a block until the returned function is called.
func (s *screen) during(ctx context.Context, block func(width int) []string) (hide func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		s.show(ctx, block)
	}()
	return func() { cancel(); <-gone }
}

// widthOf is how wide tables may be: as a terminal is, from 80 columns to 140; elsewhere 80.
func widthOf(w io.Writer) int {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return min(max(width, pageWidth), 140)
		}
	}
	return pageWidth
}

func (s *screen) erase() {
	if s.height > 0 {
		fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.height)
		s.height = 0
	}
}

func (s *screen) draw() {
	if s.block == nil {
		return
	}
	width, rows, err := term.GetSize(int(s.out.Fd()))
	if err != nil {
		width, rows = 80, 24
	}
	lines := append([]string{""}, s.block(width)...)
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

// cut shortens a line to less than the width of the terminal, not counting colour codes, so that it never wraps. What is
// cut off shows as "…".
func cut(line string, width int) string {
	n, last := 0, 0
	for i := 0; i < len(line); {
		if line[i] == 0x1b {
			if end := strings.IndexByte(line[i:], 'm'); end >= 0 {
				i += end + 1
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(line[i:])
		if n++; n == width-1 {
			last = i
		} else if n >= width {
			if strings.Contains(line, "\x1b") {
				return line[:last] + "…\x1b[0m"
			}
			return line[:last] + "…"
		}
		i += size
	}
	return line
}
