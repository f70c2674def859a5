//go:build chaos

package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/pgtest"
)

var (
	chaosTime  = flag.Duration("chaos", time.Minute, "how long everything is killed")
	chaosKills = flag.Int("kills", 20, "how many kills and freezes, spread over that time")
	chaosSeed  = flag.Uint64("seed", 1, "of the choice of victims and events")
)

// TestChaos runs two pipelines on a broker and a database that are processes of their own, kills and freezes all of them at
// random while events of every bad kind are produced, and then compares the tables with what was produced.
func TestChaos(t *testing.T) {
	rng := rand.New(rand.NewPCG(*chaosSeed, 1))
	x := newChaos(t)
	defer x.stop() // before the cleanups of the processes, which kill
	x.postgres.start()
	x.broker.start()
	x.prepare()
	for _, w := range x.workers {
		w.start()
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	made := make(chan *tally, 1)
	go func() { made <- x.produce(ctx, rand.New(rand.NewPCG(*chaosSeed, 2))) }()
	end := time.Now().Add(*chaosTime)
	kills := map[string]int{}
	for left := *chaosKills; left > 0; left-- {
		pause := time.Until(end) / time.Duration(left)
		time.Sleep(time.Duration(float64(pause) * (0.2 + 1.4*rng.Float64()))) // when things die is the random input
		kills[x.strike(rng)]++
	}
	x.freezes.Wait()
	stop()
	want := <-made
	x.settle()
	t.Logf("%d events produced; killed or frozen: %v", want.messages, kills)
	x.compare(want)
}

// chaos is the processes of one chaos run.
type chaos struct {
	t                *testing.T
	postgres, broker *victim
	workers          []*victim
	url, brokers     string
	freezes          sync.WaitGroup
}

// victim is a dag process that is started again whenever it ends.
type victim struct {
	name    string
	p       *pipeline
	args    []string
	ended   chan struct{} // closed when it is not started again and has ended
	mu      sync.Mutex
	c       *process
	stopped bool
}

func newChaos(t *testing.T) *chaos {
	x := &chaos{t: t}
	pgPort := freePort(t)
	kafkaPort := freePort(t, pgPort)
	x.brokers = "127.0.0.1:" + kafkaPort
	victimOf := func(name string, env []string, args ...string) *victim {
		p := newPipeline(t, "1h")
		p.dagfile, p.env = "../testdata/chaos/dagfile.yaml", env
		return &victim{name: name, p: p, args: args}
	}
	// Each service is the embedded one of a `dag up` that takes the other for a real one.
	x.postgres = victimOf("postgres", []string{"DATABASE_URL=embedded:" + pgPort, "KAFKA_BROKERS=" + x.brokers}, "up")
	x.url = fmt.Sprintf("postgres://postgres@127.0.0.1:%s/retaildb?sslmode=disable&passfile=%s", pgPort, filepath.Join(x.postgres.p.state, "postgres.password"))
	x.broker = victimOf("broker", []string{"DATABASE_URL=" + x.url, "KAFKA_BROKERS=embedded:" + kafkaPort}, "up")
	for i := range 2 {
		x.workers = append(x.workers, victimOf(fmt.Sprintf("worker-%d", i+1), []string{"DATABASE_URL=" + x.url, "KAFKA_BROKERS=" + x.brokers}, "run"))
	}
	return x
}

// stop ends all processes, the servers last, so that their folders can be removed.
func (x *chaos) stop() {
	x.freezes.Wait()
	for _, v := range append(x.workers, x.broker, x.postgres) {
		v.stop()
	}
	// The server of a `dag up` that had to be killed writes its last checkpoint when it is alone already.
	for end := time.Now().Add(time.Minute); x.postmaster() > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			x.t.Error("the Postgres server does not end")
			_ = syscall.Kill(x.postmaster(), syscall.SIGKILL)
			return
		}
	}
}

// start runs the process, and again after each end, until stop.
func (v *victim) start() {
	v.ended = make(chan struct{})
	go func() {
		defer close(v.ended)
		for {
			v.mu.Lock()
			if v.stopped {
				v.mu.Unlock()
				return
			}
			v.c = v.p.start(v.args...)
			c := v.c
			v.mu.Unlock()
			<-c.done
			time.Sleep(50 * time.Millisecond) // as a supervisor would
		}
	}()
}

func (v *victim) signal(sig os.Signal) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.c != nil {
		_ = v.c.Process.Signal(sig) // it may have ended by itself, which is chaos too
	}
}

// stop ends the process for good, and returns when it has ended.
func (v *victim) stop() {
	if v.ended == nil {
		return // never started
	}
	v.mu.Lock()
	v.stopped = true
	v.mu.Unlock()
	v.signal(syscall.SIGCONT)
	v.signal(os.Interrupt)
	select {
	case <-v.ended:
	case <-time.After(time.Minute):
		v.p.t.Errorf("%s does not stop", v.name)
		v.signal(os.Kill)
		<-v.ended
	}
}

// freePort finds a port that nothing listens on, other than the ones given. The services need fixed ones, to be found again
// after a kill; so these lie below those that the system gives to connections, or one that is made while a service is down,
// perhaps to that very port, could take it.
func freePort(t *testing.T, others ...string) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(15_000 + rand.IntN(15_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue // somebody has it
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(others, port) {
			return port
		}
	}
	t.Fatal("no port between 15000 and 30000 is free")
	return ""
}

// strike kills or freezes one victim and tells which.
func (x *chaos) strike(rng *rand.Rand) string {
	switch n := rng.IntN(10); {
	case n < 4:
		w := x.workers[rng.IntN(len(x.workers))]
		w.signal(os.Kill)
		return w.name
	case n < 6: // frozen for longer or shorter than a lease lasts
		w := x.workers[rng.IntN(len(x.workers))]
		long := time.Duration(500+rng.IntN(7000)) * time.Millisecond
		x.freezes.Go(func() {
			w.signal(syscall.SIGSTOP)
			time.Sleep(long)
			w.signal(syscall.SIGCONT)
		})
		return w.name + " frozen"
	case n < 8:
		x.broker.signal(os.Kill)
		return x.broker.name
	case n < 9:
		x.postgres.signal(os.Kill) // its server ends with it
		return x.postgres.name
	default:
		if pid := x.postmaster(); pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return "postmaster"
	}
}

// postmaster is the pid of the server; 0 when it is between two lives. The file of one that was killed stays, and another
// process may have its number by now, which must not be harmed.
func (x *chaos) postmaster() int {
	data := filepath.Join(x.postgres.p.state, "postgres", "data")
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil || pid <= 0 {
		return 0
	}
	if !strings.Contains(commandLine(line), data) {
		return 0
	}
	return pid
}

// commandLine is what a process was started with; empty when there is none.
func commandLine(pid string) string {
	var b []byte
	if runtime.GOOS == "linux" {
		b, _ = os.ReadFile("/proc/" + pid + "/cmdline")
	} else {
		b, _ = exec.Command("ps", "-ww", "-o", "command=", "-p", pid).Output()
	}
	return string(b)
}

// connect waits until the database answers.
func (x *chaos) connect() *pgx.Conn {
	x.t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		c, err := pgx.Connect(ctx, x.url)
		cancel()
		if err == nil {
			return c
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("the database does not answer: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (x *chaos) exec(sql string) {
	x.t.Helper()
	c := x.connect()
	defer c.Close(context.Background())
	deadline := time.Now().Add(2 * time.Minute) // the tables are made by a process that has just started
	for {
		_, err := c.Exec(context.Background(), sql)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("%s: %v", sql, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// prepare fills the dimensions once the tables are there.
func (x *chaos) prepare() {
	x.exec(`insert into dim_products select 'P-' || i, 'Product ' || i, 'c', 1 from generate_series(1, 20) i`)
	x.exec(`insert into dim_stores select 'S-' || i, 'Store ' || i, 'c', 'r', 1 from generate_series(1, 5) i`)
}

// tally is what was produced.
type tally struct {
	messages   int
	rows       map[int64]string // transaction id -> product, of the valid events
	cents      int64            // of the valid events, repeats left out
	dead, held int
	repeats    int
}

// produce writes events of every kind until ctx ends, each acknowledged before the next, however often the broker dies. What
// was begun is finished, so that the tally is exact, unless the broker has gone for good.
func (x *chaos) produce(ctx context.Context, rng *rand.Rand) *tally {
	w := &tally{rows: map[int64]string{}}
	client, err := kafkasrc.Open([]string{x.brokers}, kafkasrc.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		x.t.Error(err)
		return w
	}
	defer client.Close()
	always, cancel := context.WithTimeout(context.WithoutCancel(ctx), *chaosTime+3*time.Minute)
	defer cancel()
	if err := client.EnsureTopic(always, "transactions", 4); err != nil {
		x.t.Error(err)
		return w
	}
	p, err := client.NewProducer(always, "transactions")
	if err != nil {
		x.t.Error(err)
		return w
	}
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	var id int64
	var sent []string // for repeats
	for ctx.Err() == nil {
		parts := make([][]kafkasrc.Record, 4)
		for range 200 + rng.IntN(800) {
			at = at.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
			value := ""
			switch n := rng.IntN(1000); {
			case n < 5:
				value = []string{"not JSON", "{}", `{"transaction_id":1}`, "", "null"}[rng.IntN(5)]
				w.dead++
			case n < 15 && len(sent) > 0:
				value = sent[rng.IntN(len(sent))]
				w.repeats++
			default:
				id++
				product, ts := fmt.Sprintf("P-%d", 1+rng.IntN(20)), at
				switch {
				case n < 20:
					product = "UNKNOWN"
				case n < 60: // out of order, some of it too late
					ts = at.Add(-time.Duration(rng.IntN(900)) * time.Second)
				}
				cents := int64(1 + rng.IntN(500_000))
				value = fmt.Sprintf(`{"transaction_id":%d,"product_id":"%s","store_id":"S-%d","customer_id":"C-%d","amount":%d.%02d,"timestamp":"%s"}`,
					id, product, 1+rng.IntN(5), rng.IntN(1000), cents/100, cents%100, ts.Format(time.DateTime))
				if product == "UNKNOWN" {
					w.held++
				} else {
					w.rows[id] = product
					w.cents += cents
					if len(sent) < 10_000 {
						sent = append(sent, value)
					}
				}
			}
			k := rng.IntN(4)
			parts[k] = append(parts[k], kafkasrc.Record{Value: []byte(value), TimeMs: at.UnixMilli()})
			w.messages++
		}
		for k, msgs := range parts {
			if err := p.Send(always, k, msgs); err != nil {
				x.t.Error(err)
				return w
			}
		}
		time.Sleep(20 * time.Millisecond) // so that at most about 20,000 events come in a second
	}
	return w
}

// settle stops the killing and waits until the streams have read everything.
func (x *chaos) settle() {
	x.t.Helper()
	for _, v := range append(x.workers, x.broker, x.postgres) {
		v.signal(syscall.SIGCONT)
	}
	client, err := kafkasrc.Open([]string{x.brokers}, kafkasrc.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		x.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	ends, err := client.Offsets(ctx, "transactions")
	if err != nil {
		x.t.Fatal(err)
	}
	var end int64
	for _, r := range ends {
		end += r.End
	}
	for {
		c := x.connect()
		var at int64
		err := c.QueryRow(ctx, "select coalesce(sum(next_offset), 0)::bigint from dag.stream_offsets where topic = 'transactions'").Scan(&at)
		_ = c.Close(ctx) // read only
		if err == nil && at == end {
			return
		}
		if ctx.Err() != nil {
			x.t.Fatalf("the streams stand at %d of %d (%v)", at, end, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// compare holds the tables against the tally, and lets `dag verify` judge too.
func (x *chaos) compare(w *tally) {
	x.t.Helper()
	c := x.connect()
	defer c.Close(context.Background())
	check := func(what, query string, want int64) {
		x.t.Helper()
		var got int64
		if err := c.QueryRow(context.Background(), query).Scan(&got); err != nil {
			x.t.Errorf("%s: %v", what, err)
		} else if got != want {
			x.t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	check("rows", "select count(*) from transactions", int64(len(w.rows)))
	check("distinct ids", "select count(distinct transaction_id) from transactions", int64(len(w.rows)))
	check("cents", "select (sum(amount) * 100)::bigint from transactions", w.cents)
	check("dead letters", "select count(*) from dag.dead_letters", int64(w.dead))
	check("held rows", "select count(*) from dag.held_rows", int64(w.held))
	check("repeats", "select sum(duplicates)::bigint from dag.stream_batches", int64(w.repeats))
	check("conflicts", "select sum(conflicts)::bigint from dag.stream_batches", 0)
	check("messages", "select sum(messages)::bigint from dag.stream_batches", int64(w.messages))
	check("rows in windows and late rows", `select (select sum(transaction_count) from product_metrics_minute)::bigint + (select count(*) from dag.late_rows)`, int64(len(w.rows)))
	check("windows that differ from the raw rows less the late ones", `
		select count(*) from (
			select date_bin('1 minute', ts, 'epoch') w, product_id, sum(amount) s, count(*) n from transactions group by 1, 2
		) r full join product_metrics_minute m on m.window_start = r.w and m.product_id = r.product_id
		where r.n is null or m.transaction_count > r.n or m.total_revenue > r.s`, 0)
	for id := range w.rows { // a sample by id is enough beside the counts and the sum
		check("row", fmt.Sprintf("select count(*) from transactions where transaction_id = %d and product_id = '%s'", id, w.rows[id]), 1)
		if id%1000 == 0 {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	verify := exec.CommandContext(ctx, x.workers[0].p.dag, "verify", "-f", x.workers[0].p.dagfile, "--state", pgtest.StateDir(x.t))
	verify.Env = append(os.Environ(), x.workers[0].p.env...)
	if out, err := verify.CombinedOutput(); err != nil {
		x.t.Errorf("dag verify: %v\n%s", err, out)
	}
}
