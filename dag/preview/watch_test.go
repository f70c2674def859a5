package preview

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/replace"
)

// pages is a renderer that needs no database: its pages say how often they were written.
type pages struct {
	page string
	mu   sync.Mutex
	runs int
	fail error
}

func (p *pages) Page() string { return p.page }

func (p *pages) Run(context.Context, run.Input) (run.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return run.Result{}, p.fail
	}
	p.runs++
	return run.Result{Note: "all current"}, replace.File(p.page, []byte(fmt.Sprintf("run %d", p.runs)))
}

func (p *pages) Ask(_ context.Context, page string) error {
	if page == "none.html" {
		return fs.ErrNotExist
	}
	return replace.File(filepath.Join(filepath.Dir(p.page), page), []byte("asked"))
}

func (p *pages) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

type said struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

const watched = "---\ntitle: W\nrefresh: 1s\n---\n~~~sql a\nselect 1 as n\n~~~\n~~~kpi k\ndata: a\nvalue: n\n~~~\n"

// Trouble outside the file shows in every page there is, is told once, and goes when it is over; pages of other values are
// then made anew.
func TestWatchShowsTrouble(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, page, other := filepath.Join(dir, "w.md"), filepath.Join(dir, "w.html"), filepath.Join(dir, "w.x-1.html")
	if err := os.WriteFile(file, []byte(watched), 0o600); err != nil {
		t.Fatal(err)
	}
	r, out := &pages{page: page}, &said{}
	w := &Watch{Path: file, Page: page, Out: out, Now: time.Now, New: func() (Renderer, error) { return r, nil }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	has := func(path, want string) {
		t.Helper()
		var text []byte
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if text, _ = os.ReadFile(path); want == "" && text == nil || want != "" && strings.Contains(string(text), want) {
				return
			}
		}
		t.Fatalf("%s never had %q but %q; it said\n%s", path, want, text, out)
	}
	if err := w.Ask(ctx, "w.x-1.html"); err != nil { // waits for the first page
		t.Fatal(err)
	}
	has(other, "asked")
	has(page, "run 2") // at the refresh
	if err := w.Ask(ctx, "none.html"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	r.set(errors.New("the database is away"))
	has(page, "the database is away")
	has(other, "the database is away")
	r.set(nil)
	has(page, "run ")
	has(other, "")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "w.md was not rendered\nthe database is away\n"); n != 1 {
		t.Errorf("told %d times:\n%s", n, out)
	}
	if !strings.Contains(out.String(), " all current, ") {
		t.Errorf("it said\n%s", out)
	}
}

// A file that is half written for a moment is not told as a mistake.
func TestWatchWaitsForAWholeFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "w.md")
	if err := os.WriteFile(file, []byte(watched[:30]), 0o600); err != nil {
		t.Fatal(err)
	}
	out := &said{}
	w := &Watch{Path: file, Page: filepath.Join(dir, "w.html"), Out: out, Now: time.Now}
	first, _ := w.parse()
	if err := os.WriteFile(file, []byte(watched), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.confirm(t.Context(), first); err != nil || w.report == nil || out.String() != "" {
		t.Errorf("%v, %v, %q", err, w.report, out)
	}
}
