package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/notify"
	"tillflow/dag/plan"
	"tillflow/dag/run"
	"tillflow/dag/spec"
)

var kinds = map[string]spec.Kind{
	"stream": {Stream: true, With: func() any { return new(struct{}) }},
	"batch":  {With: func() any { return new(struct{}) }},
}

func planOf(t *testing.T, dagfile string) *plan.Plan {
	t.Helper()
	s, ps := spec.Parse("dagfile.yaml", []byte("version: 1\nname: shop\n"+dagfile), kinds, nil)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p, ps := plan.New(s)
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	return p
}

const jobs = `
jobs:
  orders: { uses: stream }
  ml.a: { uses: batch, when: { every: 1h }, slow_after: 5m, opens_within: 2h }
  report: { uses: batch }
`

// hook is a webhook that keeps what it gets.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	got    []notify.Message
	answer func(n int) int // status of the nth request, from 1
	n      int
}

func newHook(t *testing.T) *hook {
	h := &hook{answer: func(int) int { return http.StatusNoContent }}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.n++
		status := h.answer(h.n)
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("the webhook got no JSON: %v", err)
		}
		if status < 300 {
			h.got = append(h.got, m)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(h.Close)
	return h
}

// said is what the hook got, a message a line: kind, job and text.
func (h *hook) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b strings.Builder
	for _, m := range h.got {
		b.WriteString(m.On + " " + m.Job + ": " + m.Text + "\n")
	}
	return b.String()
}

func (h *hook) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// clock is a time that a test moves on.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// start runs a notifier until the returned function has stopped it; all that was noted is sent then.
func start(t *testing.T, p *plan.Plan, now func() time.Time) (n *notify.Notifier, logs *bytes.Buffer, stop func()) {
	t.Helper()
	logs = new(bytes.Buffer)
	n, err := notify.New(notify.Config{Plan: p, Log: slog.New(slog.NewTextHandler(logs, nil)), Now: now, Tick: time.Millisecond, Wait: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	t.Cleanup(stop)
	return n, logs, stop
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// However often a job fails, its incident is told once, and its end once.
func TestOneMessageForAnIncident(t *testing.T) {
	h := newHook(t)
	c := &clock{t: time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)}
	p := planOf(t, "notify: [{ on: [failed, recovered, stalled, slow, silent], webhook: "+h.URL+" }]\n"+jobs)
	n, _, stop := start(t, p, c.now)
	ran := func(job string, s run.State, err string) {
		n.Started(job, "r")
		c.add(time.Minute)
		n.Ended(run.Run{ID: "r", Job: job, State: s, Error: err})
	}
	ran("ml.a", run.Succeeded, "")
	ran("ml.a", run.Failed, "no luck")
	ran("ml.a", run.TimedOut, "timed out after 5m")
	ran("ml.a", run.Canceled, "stopped")
	ran("ml.a", run.Skipped, "orders did not succeed")
	ran("ml.a", run.Warned, "")
	ran("ml.a", run.Succeeded, "")
	for _, s := range []run.Health{run.CatchingUp, run.Live, run.Stalled, run.BackingOff, run.Stalled, run.CrashLooped, run.CatchingUp, run.Live, run.Lagging, run.Live} {
		n.Health("orders", s, "lag 12,345")
	}
	ran("report", run.Failed, "no page")
	stop()
	want := `failed ml.a: ml.a has failed: no luck
recovered ml.a: ml.a has succeeded, 4m after it was told as failed
stalled orders: orders makes no progress: lag 12,345
failed orders: orders fails again and again: lag 12,345
recovered orders: orders is live, 0s after it was told as failed
failed report: report has failed: no page
`
	if diff := cmp.Diff(want, h.said()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if m := h.got[0]; m.Schema != notify.Schema || m.Pipeline != "shop" || m.Run != "r" || m.Error != "no luck" {
		t.Errorf("the first message: %+v", m)
	}
}

// Time alone brings about two kinds of incidents: a run that goes on for too long, and a gate that does not open.
func TestSlowRunsAndSilentGates(t *testing.T) {
	h := newHook(t)
	c := &clock{t: time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)}
	p := planOf(t, "notify: [{ on: [recovered, slow, silent], webhook: "+h.URL+" }]\n"+jobs)
	n, _, stop := start(t, p, c.now)
	n.Started("ml.a", "r1")
	c.add(5*time.Minute + time.Second)
	until(t, "slow", func() bool { return strings.Count(h.said(), "slow") == 1 })
	n.Ended(run.Run{ID: "r1", Job: "ml.a", State: run.Succeeded})
	c.add(2*time.Hour + time.Second)
	until(t, "silent", func() bool { return strings.Count(h.said(), "silent") == 1 })
	c.add(time.Hour)
	n.Started("ml.a", "r2")
	n.Ended(run.Run{ID: "r2", Job: "ml.a", State: run.Succeeded})
	stop()
	want := "slow ml.a: ml.a has been running for more than 5m\n" +
		"silent ml.a: ml.a has not run for more than 2h; `dag why ml.a` says what it waits for\n" +
		"recovered ml.a: ml.a runs again, 1h after it was told as silent\n"
	if diff := cmp.Diff(want, h.said()); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// A failure that an earlier process has told is not told again; its end is.
func TestAnIncidentOutlivesTheProcess(t *testing.T) {
	h := newHook(t)
	n, _, stop := start(t, planOf(t, "notify: [{ on: [failed, recovered], webhook: "+h.URL+" }]\n"+jobs), time.Now)
	n.Remember(run.Run{Job: "ml.a", State: run.Failed, Ended: time.Now().Add(-time.Hour)})
	n.Remember(run.Run{Job: "report", State: run.Succeeded, Ended: time.Now().Add(-time.Hour)})
	n.Ended(run.Run{Job: "ml.a", State: run.Failed})
	n.Ended(run.Run{Job: "ml.a", State: run.Succeeded})
	stop()
	if got := h.said(); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "recovered ml.a") {
		t.Errorf("messages: %s", got)
	}
}

// Who is told of what is chosen by kind and by job; a command gets the same message on its standard input.
func TestTargetsAndCommands(t *testing.T) {
	h := newHook(t)
	file := filepath.Join(t.TempDir(), "told.json")
	p := planOf(t, "notify:\n- { on: [failed], webhook: "+h.URL+", jobs: \"ml.*\" }\n- { on: [failed, recovered], command: [sh, -c, 'cat >> "+file+"'] }\n"+jobs)
	n, logs, stop := start(t, p, time.Now)
	for _, job := range []string{"ml.a", "report"} {
		n.Ended(run.Run{Job: job, State: run.Failed, Error: "no luck"})
		n.Ended(run.Run{Job: job, State: run.Succeeded})
	}
	stop()
	if got := h.said(); got != "failed ml.a: ml.a has failed: no luck\n" {
		t.Errorf("the webhook got: %s", got)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err, logs)
	}
	var told []string
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		var m notify.Message
		if err := dec.Decode(&m); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		told = append(told, m.On+" "+m.Job)
	}
	if diff := cmp.Diff([]string{"failed ml.a", "recovered ml.a", "failed report", "recovered report"}, told); diff != "" {
		t.Errorf("the command was told (-want +got):\n%s", diff)
	}
}

// A webhook that is down for a moment gets its message; one that refuses is asked once. Errors tell neither the secret
// part of an address nor the arguments of a command.
func TestTroubleWithTargets(t *testing.T) {
	for name, c := range map[string]struct {
		answer   func(n int) int
		requests int
		told     bool
		log      string
	}{
		"down_for_a_moment": {func(n int) int { return map[bool]int{true: 503, false: 200}[n < 3] }, 3, true, ""},
		"down":              {func(int) int { return 500 }, 3, false, "answers 500"},
		"refused":           {func(int) int { return 404 }, 1, false, "answers 404"},
		"elsewhere":         {func(int) int { return 302 }, 1, false, "answers 302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			h.answer = c.answer
			n, logs, stop := start(t, planOf(t, "notify: [{ on: [failed], webhook: '"+h.URL+"/s3cret?key=s3cret' }]\n"+jobs), time.Now)
			n.Ended(run.Run{Job: "ml.a", State: run.Failed, Error: "no luck"})
			stop()
			if h.requests() != c.requests || (h.said() != "") != c.told {
				t.Errorf("%d requests, want %d; got %q", h.requests(), c.requests, h.said())
			}
			if got := logs.String(); !strings.Contains(got, c.log) || c.log == "" && got != "" || strings.Contains(got, "s3cret") {
				t.Errorf("the log says %q", got)
			}
		})
	}
	t.Run("nobody_listens_and_the_command_fails", func(t *testing.T) {
		t.Parallel()
		h := newHook(t)
		h.Close()
		n, logs, stop := start(t, planOf(t, "notify: [{ on: [failed], webhook: "+h.URL+"/s3cret, command: [sh, -c, 'echo not today; exit 3', s3cret] }]\n"+jobs), time.Now)
		n.Ended(run.Run{Job: "ml.a", State: run.Failed, Error: "no luck"})
		stop()
		if got := logs.String(); !strings.Contains(got, "connection refused") || !strings.Contains(got, "exit status 3: not today") || strings.Contains(got, "s3cret") {
			t.Errorf("the log says %q", got)
		}
	})
}

// A dagfile that tells nobody has no notifier, and nil does nothing.
func TestNobodyIsTold(t *testing.T) {
	n, err := notify.New(notify.Config{Plan: planOf(t, jobs), Log: slog.New(slog.DiscardHandler)})
	if n != nil || err != nil {
		t.Fatal(n, err)
	}
	n.Remember(run.Run{Job: "ml.a", State: run.Failed})
	n.Started("ml.a", "r")
	n.Ended(run.Run{Job: "ml.a", State: run.Failed})
	n.Health("orders", run.Stalled, "")
	n.Run(t.Context())
}
