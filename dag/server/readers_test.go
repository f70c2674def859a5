package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tillflow/dag/server"
)

// follow opens a stream of events over a socket of its own and waits for its first line.
func follow(t testing.TB, s *server.Server, query string) *bufio.Reader {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.Address(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /events%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", query)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	in := bufio.NewReader(resp.Body)
	if line, err := in.ReadString('\n'); line != "retry: 1000\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return in
}

// next is the file of the next event.
func next(t testing.TB, in *bufio.Reader) string {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if rest, ok := strings.CutPrefix(line, `data: {"file":"`); ok {
			name, _, _ := strings.Cut(rest, `"`)
			return name
		}
	}
}

// An open page hears of itself and of no other, the index hears of all, and a name that is none is refused.
func TestAPageHearsOfItself(t *testing.T) {
	out := t.TempDir()
	for _, name := range []string{"a.html", "b.html"} {
		replace(t, out, name, "one")
	}
	s := serve(t, out)
	a, all := follow(t, s, "?page=a.html"), follow(t, s, "")
	replace(t, out, "b.html", "two")
	if got := next(t, all); got != "b.html" {
		t.Errorf("all hear of %s", got)
	}
	replace(t, out, "a.html", "two")
	if got := next(t, a); got != "a.html" {
		t.Errorf("a hears of %s", got)
	}
	if got := next(t, all); got != "a.html" {
		t.Errorf("all hear of %s", got)
	}
	for _, page := range []string{"../a.html", "a.txt", ".a.html", "a%2fb.html"} {
		if code, _, _ := get(t, s.Address()+"/events?page="+page, nil); code != http.StatusBadRequest {
			t.Errorf("%s: %d", page, code)
		}
	}
}

// A page that is made on demand is made for its first visitor, and goes on being made for as long as somebody has it open.
func TestPagesOnDemand(t *testing.T) {
	out := t.TempDir()
	var mu sync.Mutex
	asked := map[string]int{}
	s := serve(t, out, func(c *server.Config) {
		c.Ask = func(_ context.Context, page string) error {
			mu.Lock()
			defer mu.Unlock()
			switch asked[page]++; page {
			case "shop.7d.html":
				if asked[page] == 1 {
					replace(t, out, page, "seven days")
				}
				return nil
			case "broken.html", "old.html":
				return fmt.Errorf("no route to postgres://me:hunter2@db")
			default:
				return fmt.Errorf("no report has such a page: %w", fs.ErrNotExist)
			}
		}
	})
	replace(t, out, "old.html", "of before")
	replace(t, out, "foreign.html", "of another program")
	for path, want := range map[string]string{
		"/shop.7d.html": "200 seven days", "/none.html": "404 404 page not found\n", "/broken.html": "503 this page could not be made now; the log says why\n",
		"/old.html": "200 of before", "/foreign.html": "200 of another program",
	} {
		code, body, _ := get(t, s.Address()+path, nil)
		if got := fmt.Sprint(code, " ", body); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	for range 3 { // as many as like
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address()+"/events?page=shop.7d.html", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return asked["shop.7d.html"] }
	for deadline := time.Now().Add(time.Minute); count() < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("an open page was asked for %d times", count())
		}
	}
	leave()
	// Once all have left, nobody asks any more: the number stands still over several turns, sooner or later.
	for deadline := time.Now().Add(time.Minute); ; {
		before := count()
		time.Sleep(2500 * time.Millisecond) // more than two turns
		if count() == before {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a page that nobody has open is asked for again and again")
		}
	}
}

// Who asks for a page and does not take it is cut off, and who never ends his request, too; others are served meanwhile.
// An open page has all the time it wants between two events.
func TestSlowReadersAreCutOff(t *testing.T) {
	const patience = 1500 * time.Millisecond
	out := t.TempDir()
	replace(t, out, "large.html", strings.Repeat("x", 12<<20)) // more than all buffers on the way hold
	s := serve(t, out, func(c *server.Config) { c.Patience = patience })
	begin := func(request string) net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", strings.TrimPrefix(s.Address(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		return c
	}
	open := follow(t, s, "?page=large.html")
	stuck := begin("GET /large.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	endless := begin("GET /large.html HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: ")
	if code, _, _ := get(t, s.Address()+"/healthz", nil); code != 200 {
		t.Errorf("another reader: %d", code)
	}
	time.Sleep(2 * patience) // this is how slow they are
	for name, c := range map[string]net.Conn{"stuck": stuck, "endless": endless} {
		if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, c)
		if n >= 12<<20 {
			t.Errorf("%s: the whole page came", name)
		}
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("%s: still connected after a minute", name)
		}
	}
	replace(t, out, "large.html", "short")
	if got := next(t, open); got != "large.html" {
		t.Errorf("an open page hears of %s", got)
	}
}

func TestALargeHeaderIsRefused(t *testing.T) {
	s := serve(t, t.TempDir())
	if code, _ := raw(t, s.Address(), "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Large: "+strings.Repeat("x", 24<<10)+"\r\n\r\n"); code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large header: %d", code)
	}
}

// A hundred pages that somebody keeps open cost next to nothing while they do not change, and all hear of a change.
func TestAHundredOpenPages(t *testing.T) {
	const pages, window = 100, 4 * time.Second
	out := t.TempDir()
	name := func(i int) string { return fmt.Sprintf("page-%02d.html", i) }
	for i := range 60 { // of which many are open twice
		replace(t, out, name(i), strings.Repeat("<p>a line", 20_000))
		replace(t, out, fmt.Sprintf("page-%02d.status.json", i), "{}")
	}
	var asked atomic.Int64
	s := serve(t, out, func(c *server.Config) {
		c.Ask = func(context.Context, string) error { asked.Add(1); return nil }
	})
	var open []*bufio.Reader
	for i := range pages {
		open = append(open, follow(t, s, "?page="+name(i%60)))
	}
	first := asked.Load()
	for deadline := time.Now().Add(time.Minute); asked.Load() < first+60; time.Sleep(10 * time.Millisecond) { // all is at rest
		if time.Now().After(deadline) {
			t.Fatal("open pages are not asked for")
		}
	}
	before, began := cpu(t), time.Now()
	time.Sleep(window) // what is measured is how little happens
	used, took := cpu(t)-before, time.Since(began)
	share := 100 * used.Seconds() / took.Seconds()
	t.Logf("%d open pages: %.2f %% of a core over %s between refreshes", pages, share, took.Round(time.Millisecond))
	if share > 5 {
		t.Errorf("%d open pages cost %.1f %% of a core between refreshes, want less than 5 %%", pages, share)
	}
	for i := range 60 {
		replace(t, out, name(i), "new")
	}
	for i, in := range open {
		if got := next(t, in); got != name(i%60) {
			t.Errorf("page %d hears of %s", i, got)
		}
	}
}

// cpu is the time that this process has computed.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
