package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tillflow/dag/instance"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pgtest"
)

// binary builds the command once for the tests that need real processes.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tillflow-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "dag")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" { // which starts its broker as a process of the same program
		os.Exit(execute(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path)) // a folder of ours in the temporary folder
	}
	os.Exit(code)
}

// pipeline is a folder with a dagfile, and how to start processes on it.
type pipeline struct {
	t          *testing.T
	dag        string
	state, out string
	dagfile    string
	env        []string
}

// newPipeline is the retail pipeline with its own state, any free ports and a short history.
func newPipeline(t *testing.T, history string) *pipeline {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline{t: t, dag: path, state: pgtest.StateDir(t), out: t.TempDir(), dagfile: "../dagfile.yaml", env: []string{
		"KAFKA_BROKERS=embedded:0", "DATABASE_URL=embedded:0", "DAG_LISTEN=127.0.0.1:0", "SIM_HISTORY=" + history, "SIM_RATE=30/m",
	}}
}

// process is a started dag.
type process struct {
	*exec.Cmd
	out  *output
	done chan error
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (p *pipeline) start(args ...string) *process {
	p.t.Helper()
	c := &process{Cmd: exec.Command(p.dag, append(args, "-f", p.dagfile, "--state", p.state, "--out", p.out)...), out: new(output), done: make(chan error, 1)}
	if args[0] == "sql" || args[0] == "env" || args[0] == "status" {
		c.Cmd = exec.Command(p.dag, append(args, "-f", p.dagfile, "--state", p.state)...)
	}
	c.Env = append(os.Environ(), p.env...)
	c.Stdout, c.Stderr = c.out, c.out
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { c.done <- c.Wait() }()
	p.t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, or it must
		if p.t.Failed() {
			p.t.Logf("dag %s printed:\n%s", strings.Join(args, " "), c.out)
		}
	})
	return c
}

// wait gives the exit code.
func (c *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-c.done:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode()
	case <-time.After(90 * time.Second):
		t.Fatalf("dag does not end; it printed:\n%s", c.out)
		return -1
	}
}

func (c *process) stop(t *testing.T) int {
	t.Helper()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	return c.wait(t)
}

// query runs `dag sql` and gives its rows without the header.
func (p *pipeline) query(q string) string {
	p.t.Helper()
	c := p.start("sql", q, "-o", "csv")
	if code := c.wait(p.t); code != 0 {
		p.t.Fatalf("dag sql: exit code %d\n%s", code, c.out)
	}
	_, rows, _ := strings.Cut(c.out.String(), "\n")
	return strings.TrimSpace(rows)
}

func (p *pipeline) info(role instance.Role) (instance.Info, bool) {
	f, err := instance.Open(p.state)
	if err != nil {
		p.t.Fatal(err)
	}
	return f.Read(role)
}

// until waits for a condition while c runs.
func (c *process) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-c.done:
			c.done <- err
			t.Fatalf("dag ended (%v) while waiting for: %s\n%s", err, what, c.out)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for: %s\n%s", what, c.out)
		}
	}
}

// serving waits until the reports are served and gives their address.
func (p *pipeline) serving(c *process) string {
	p.t.Helper()
	var address string
	c.until(p.t, "the reports are served", func() bool {
		i, ok := p.info(instance.RunRole)
		address = i.Address
		return ok && address != ""
	})
	return address
}

// same is a query that is true when the tables agree with each other and with the ledger.
const same = `
select (select count(*) = count(distinct transaction_id) and count(*) > 0 from transactions)
   and (select count(*) = 0 from (select date_bin('1 minute', ts, 'epoch') w, product_id, sum(amount) s, count(*) n from transactions group by 1, 2) r
        full join product_metrics_minute m on m.window_start = r.w and m.product_id = r.product_id
        where r.s is distinct from m.total_revenue or r.n is distinct from m.transaction_count)
   and (select sum(rows) = (select count(*) from transactions) + (select count(*) from refunds) from dag.stream_offsets)
   and (select bool_and(next_offset - first = n) and bool_and(duplicates + dead + held + late = 0)
        from (select min(first_offset) as first, max(next_offset) as next_offset, sum(inserted) as n, sum(duplicates) as duplicates,
                     sum(dead) as dead, sum(held) as held, sum(late) as late from dag.stream_batches group by job, topic, partition) b)`

// kill -9 at any moment of a backlog: nothing is lost, nothing is doubled, no server is left behind.
func TestKilledAgainAndAgain(t *testing.T) {
	p := newPipeline(t, "20d")
	rng := rand.New(rand.NewPCG(20, 26))
	for i := range 20 {
		c := p.start("run")
		c.until(t, "the services are up", func() bool { _, ok := p.info(instance.RunRole); return ok })
		time.Sleep(time.Duration(300+rng.IntN(1500)) * time.Millisecond) // the moment of the kill is the random input here
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if code := c.wait(t); code != -1 {
			t.Fatalf("round %d: dag ended by itself with %d:\n%s", i, code, c.out)
		}
	}
	if code := p.start("run", "--once").wait(t); code != 0 {
		t.Fatalf("the run after the kills ended with %d", code)
	}
	if got := p.query(same); got != "t" {
		t.Errorf("the tables disagree: %q", got)
	}
	// The log itself has each event once, and each is in the tables.
	rows, events := p.query("select (select count(*) from transactions), (select count(*) from refunds)"), p.logged("transactions", "refunds")
	if rows != events {
		t.Errorf("tables hold %s rows, the log %s events", rows, events)
	}
	var running string
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if running = p.servers(); running == "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if running != "" {
		t.Errorf("servers are left behind:\n%s", running)
	}
}

// logged counts the events of topics, which have no gaps here.
func (p *pipeline) logged(topics ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{State: p.state, Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	defer broker.Stop(ctx)
	client, err := kafkasrc.Open(broker.Brokers(), kafkasrc.Options{Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	defer client.Close()
	var counts []string
	for _, topic := range topics {
		ranges, err := client.Offsets(ctx, topic)
		if err != nil {
			p.t.Fatal(err)
		}
		var n int64
		for _, r := range ranges {
			n += r.End - r.Start
		}
		counts = append(counts, fmt.Sprint(n))
	}
	return strings.Join(counts, ",")
}

// servers lists the processes that name this pipeline's state folder: its servers, and whatever starts them.
func (p *pipeline) servers() string {
	var lines []string
	if runtime.GOOS == "linux" {
		files, err := filepath.Glob("/proc/[0-9]*/cmdline")
		if err != nil {
			p.t.Fatal(err)
		}
		for _, file := range files {
			b, _ := os.ReadFile(file) // the process may have ended meanwhile
			lines = append(lines, string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
		}
	} else {
		out, err := exec.Command("ps", "-A", "-o", "args").Output()
		if err != nil {
			p.t.Fatal(err)
		}
		lines = strings.Split(string(out), "\n")
	}
	if len(lines) == 0 {
		p.t.Fatal("no process is seen, not even this one")
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return !strings.Contains(l, p.state) })
	return strings.Join(lines, "\n")
}

// A full run, commands beside it, a second one refused, Ctrl-C, and a start that goes on.
func TestFullRun(t *testing.T) {
	p := newPipeline(t, "2d")
	c := p.start("run")
	address := p.serving(c)
	var page string
	c.until(t, "the page shows sales and every analysis", func() bool {
		page = fetch(address + "/dashboard.html")
		return strings.Contains(page, "Champions") && !strings.Contains(page, "No sales")
	})

	second := p.start("run")
	if code := second.wait(t); code != 1 || !strings.Contains(second.out.String(), fmt.Sprintf("pid %d, at %s", c.Process.Pid, address)) {
		t.Errorf("a second full run: exit code %d\n%s", code, second.out)
	}
	if code := p.start("run", "ml.segmentation").wait(t); code != 0 {
		t.Errorf("a job beside a full run: exit code %d", code)
	}
	if got := p.query("select count(*) from dag.runs where job = 'ml.segmentation' and trigger = 'dag run' and state = 'succeeded'"); got != "1" {
		t.Errorf("%s runs of the job are recorded, want 1", got)
	}

	var jobs []struct{ Job, State string }
	if err := json.Unmarshal([]byte(fetch(address+"/api/status")), &jobs); err != nil || len(jobs) != 11 {
		t.Errorf("status %v: %v", jobs, err)
	}
	status := p.start("status")
	if code := status.wait(t); code != 0 || !strings.Contains(status.out.String(), "stream.transactions") {
		t.Errorf("dag status: %d\n%s", code, status.out)
	}

	// psql, as the README says.
	env := p.start("env")
	if code := env.wait(t); code != 0 {
		t.Fatalf("dag env: %d\n%s", code, env.out)
	}
	psql := exec.Command("sh", "-c", `eval "$1"; psql "$DATABASE_URL" -Atc "select count(*) > 0 from (select * from anomalies order by created_at desc limit 10) a"`, "sh", env.out.String())
	if out, err := psql.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "t" {
		t.Errorf("psql: %v %s", err, out)
	}
	if i, _ := p.info(instance.ServicesRole); strings.Contains(env.out.String()+page+c.out.String(), password(t, i.PassFile)) {
		t.Error("the password of the database is shown")
	}

	rows := p.query("select count(*) from transactions")
	if !strings.Contains(p.servers(), "postgres") {
		t.Error("the server of a running pipeline is not seen, so that of a stopped one would not be")
	}
	c.until(t, "the figures move", func() bool { return p.query("select count(*) from transactions") != rows })
	if code := c.stop(t); code != 0 {
		t.Errorf("Ctrl-C ended with %d\n%s", code, c.out)
	}
	if left := p.servers(); left != "" {
		t.Errorf("left behind after Ctrl-C:\n%s", left)
	}
	if got := p.query(same); got != "t" {
		t.Errorf("the tables disagree after the stop: %q", got)
	}

	before := p.query("select max(transaction_id), max(ts) from transactions")
	c = p.start("run")
	p.serving(c)
	c.until(t, "the next start goes on", func() bool { return p.query("select max(transaction_id), max(ts) from transactions") > before })
	if code := c.stop(t); code != 0 {
		t.Errorf("the second Ctrl-C ended with %d\n%s", code, c.out)
	}
	if got := p.query(same); got != "t" {
		t.Errorf("the tables disagree after the second run: %q", got)
	}
	if code := p.start("run", "ml.segmentation").wait(t); code != 0 {
		t.Errorf("a job alone: exit code %d", code)
	}
}

// password reads the last field of a password file's first line.
func password(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	secret := line[strings.LastIndex(line, ":")+1:]
	if len(secret) < 16 {
		t.Fatalf("%s holds no password", file)
	}
	return secret
}

func fetch(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		return ""
	}
	return string(b)
}

// `dag up` starts the services alone; a full run beside it shares them.
func TestUpAndRunShareServices(t *testing.T) {
	p := newPipeline(t, "1h")
	up := p.start("up")
	up.until(t, "the services are up", func() bool { return strings.Contains(up.out.String(), "ready;") })
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p.env = append(p.env, "DAG_LISTEN="+taken.Addr().String()) // a run that ends serves nothing, so it is in no one's way
	if code := p.start("run", "--once").wait(t); code != 0 {
		t.Errorf("a run beside `dag up` ended with %d", code)
	}
	if c := p.start("run"); c.wait(t) != 1 || !strings.Contains(c.out.String(), "DAG_LISTEN") {
		t.Errorf("a full run on a taken port:\n%s", c.out)
	}
	if got := p.query("select count(*) > 0 from transactions"); got != "t" {
		t.Error("the run beside `dag up` wrote nothing")
	}
	if code := up.stop(t); code != 0 {
		t.Errorf("dag up ended with %d", code)
	}
}

// Short commands at the same moment share the services that the first of them starts, to the end of the last.
func TestShortCommandsShareServices(t *testing.T) {
	p := newPipeline(t, "1h")
	var all []*process
	for i := range 6 {
		all = append(all, p.start("sql", fmt.Sprintf("select pg_sleep(%d * 0.1), 'answer'", i%3), "-o", "csv"))
	}
	for _, c := range all {
		if code := c.wait(t); code != 0 || !strings.Contains(c.out.String(), "answer") {
			t.Errorf("exit code %d\n%s", code, c.out)
		}
	}
	if left := p.servers(); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// Two pipelines with other states and ports do not see each other, and a taken port is named with its variable.
func TestPorts(t *testing.T) {
	a, b := newPipeline(t, "1h"), newPipeline(t, "1h")
	up := a.start("up")
	up.until(t, "the first is up", func() bool { return strings.Contains(up.out.String(), "ready;") })
	other := b.start("up")
	other.until(t, "the second is up beside it", func() bool { return strings.Contains(other.out.String(), "ready;") })
	if code := other.stop(t); code != 0 {
		t.Fatal(code)
	}
	i, _ := a.info(instance.ServicesRole)
	_, port, _ := strings.Cut(i.Brokers[0], ":")
	for variable, value := range map[string]string{"KAFKA_BROKERS": "embedded:" + port, "DATABASE_URL": "embedded:" + port} {
		b.env = append(b.env, variable+"="+value)
		c := b.start("up")
		if code := c.wait(t); code != 1 || !strings.Contains(c.out.String(), port) || !strings.Contains(c.out.String(), variable) {
			t.Errorf("%s on a taken port: exit code %d\n%s", variable, code, c.out)
		}
		b.env = append(b.env, variable+"=embedded:0")
	}
	if code := up.stop(t); code != 0 {
		t.Fatal(code)
	}
}

// An interrupted run says so by its exit code and leaves nothing running.
func TestInterruptedOnce(t *testing.T) {
	p := newPipeline(t, "30d")
	c := p.start("run", "--once")
	c.until(t, "it works", func() bool { i, ok := p.info(instance.ServicesRole); return ok && i.Ready })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := c.wait(t); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, c.out)
	}
	if left := p.servers(); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}
