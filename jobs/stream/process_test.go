package stream

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tillflow/dag/run"
	"tillflow/lib/strictyaml"
)

// workerEnv makes the test binary a stream worker instead: a process of its own, to be killed and frozen.
const workerEnv = "TILLFLOW_TEST_STREAM_WORKER"

// worker is what such a process is told.
type workerConfig struct {
	URL      string
	Brokers  []string
	Settings string
	Topic    string
	Instance string
	TTL      time.Duration
	Batch    int
	Session  string // settings of its writers' sessions, after its own
}

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		os.Exit(workerMain(text))
	}
	os.Exit(m.Run())
}

func workerMain(text string) int {
	var c workerConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() { <-term; cancel(run.ErrStop) }()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(c.Settings), 0, &w); len(ps) > 0 {
		fmt.Fprintln(os.Stderr, ps)
		return 2
	}
	w.Batch, w.Topic = c.Batch, c.Topic
	db, err := openWith(ctx, c.URL, afterConnect(c.Session))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer db.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	j, err := New("stream.test", w, Deps{DB: db, Brokers: c.Brokers, Log: log, Instance: c.Instance, LeaseTTL: c.TTL, RollupEvery: 50 * time.Millisecond})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, err := j.Run(ctx, run.Input{}); err != nil && err != run.ErrStop {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// process is a worker in a process of its own.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	once sync.Once
	read sync.WaitGroup

	mu    sync.Mutex
	lines []string
}

// process starts a worker; session are settings of its writers' sessions.
func (r *rig) process(instance string, ttl time.Duration, batch int, session ...string) *process {
	r.t.Helper()
	text, err := json.Marshal(workerConfig{
		URL: r.db.Config().ConnString(), Brokers: r.brokers(), Settings: r.settings, Topic: r.with.Topic, Instance: instance, TTL: ttl, Batch: batch,
		Session: strings.Join(session, "; "),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	p := &process{t: r.t, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	out, err := p.cmd.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	p.read.Go(func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, s.Text())
			p.mu.Unlock()
		}
	})
	r.t.Cleanup(p.kill)
	return p
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// kill ends the process with SIGKILL and waits for it.
func (p *process) kill() {
	p.once.Do(func() {
		_ = p.cmd.Process.Kill()
		p.read.Wait()
		_ = p.cmd.Wait()
	})
}

// said tells whether the process logged a line with text in it.
func (p *process) said(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// producer writes a log with everything in it, and knows what must come of it.
type producer struct {
	*rig
	rng  *rand.Rand
	n    int // next id
	sent [][]string

	good, dead, held, repeated int64
}

func (r *rig) producer(seed uint64, partitions int) *producer {
	return &producer{rig: r, rng: rand.New(rand.NewPCG(seed, 1)), sent: make([][]string, partitions)}
}

// produce appends about n messages: mostly new sales in about the order of time, some repeated, late, malformed, or of an
// unknown product.
func (p *producer) produce(n int) {
	p.t.Helper()
	batch := make([][]string, len(p.sent))
	for range n {
		part := p.n % len(p.sent)
		value := ""
		switch k := p.rng.IntN(200); {
		case k == 0:
			value = fmt.Sprintf(`{"transaction_id": %d`, p.n)
			p.dead++
		case k == 1:
			value = strings.Replace(makeSale(p.n, time.Duration(p.n)*time.Second), `"P`, `"UNKNOWN-`, 1)
			p.held++
		case k < 5 && len(p.sent[part]) > 0:
			value = p.sent[part][p.rng.IntN(len(p.sent[part]))]
			p.repeated++
			batch[part] = append(batch[part], value)
			p.n++
			continue
		default:
			at := time.Duration(p.n)*time.Second/10 - time.Duration(p.rng.IntN(20))*time.Second
			if k < 10 {
				at -= time.Duration(p.rng.IntN(60)) * time.Minute
			}
			value = makeSale(p.n, at)
			p.good++
			p.sent[part] = append(p.sent[part], value)
		}
		batch[part] = append(batch[part], value)
		p.n++
	}
	for part, values := range batch {
		p.send(part, values...)
	}
}

// backlog is how many messages are not stored yet.
func (p *producer) backlog() int64 {
	p.t.Helper()
	ranges, err := p.client.Offsets(p.t.Context(), p.with.Topic)
	if err != nil {
		p.t.Fatal(err)
	}
	var ends int64
	for _, r := range ranges {
		ends += r.End
	}
	return ends - p.number("select coalesce(sum(next_offset), 0) from dag.stream_offsets")
}

// exact checks that the tables hold what was produced, all of it, once.
func (p *producer) exact() {
	p.t.Helper()
	p.caughtUp()
	p.verify()
	for _, c := range []struct {
		what, sql string
		want      int64
	}{
		{"rows", "select count(*) from transactions", p.good},
		{"different sales", "select count(distinct transaction_id) from transactions", p.good},
		{"dead letters", "select count(*) from dag.dead_letters", p.dead},
		{"held rows", "select count(*) from dag.held_rows", p.held},
		{"duplicates", "select sum(duplicates) from dag.stream_batches", p.repeated},
		{"messages", "select sum(next_offset) from dag.stream_offsets", int64(p.n)},
		{"late and counted", "select (select count(*) from dag.late_rows) + (select sum(transaction_count) from product_metrics_minute)", p.good},
	} {
		if got := p.number(c.sql); got != c.want {
			p.t.Errorf("%s: %d, want %d", c.what, got, c.want)
		}
	}
}

// A worker killed at any moment of a backlog, again and again, loses and doubles nothing.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, kept)
	p := r.producer(1, 2)
	const kills = 26
	stored := func() int64 { return r.number("select coalesce(sum(next_offset), 0) from dag.stream_offsets") }
	backlogs := 0
	for i := range kills {
		if p.backlog() < 20_000 {
			p.produce(20_000)
		}
		before := stored()
		w := r.process("one", 2*time.Second, 200)
		// The moment of the kill is what varies: every other time while batches are written, else also before and at the first.
		if i%2 == 0 {
			r.until("going on", func() bool { return stored() > before })
			time.Sleep(time.Duration(p.rng.IntN(100)) * time.Millisecond)
		} else {
			time.Sleep(time.Duration(p.rng.IntN(400)) * time.Millisecond)
		}
		w.kill()
		if p.backlog() > 0 {
			backlogs++
		}
	}
	t.Logf("%d kills, %d of them with a backlog, %d messages", kills, backlogs, p.n)
	if backlogs < 20 {
		t.Errorf("only %d kills hit a backlog; the test proves too little", backlogs)
	}
	w := r.process("one", 2*time.Second, 20_000)
	p.exact()
	w.kill()
}
