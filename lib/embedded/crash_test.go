//go:build unix

package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"tillflow/lib/embedded"
	"tillflow/lib/pgtest"
)

// A test that kills its own kind needs another process: with these variables the test binary is that process.
const (
	serveVariable = "TILLFLOW_TEST_SERVE" // its state folder
	portVariable  = "TILLFLOW_TEST_PORT"  // of its broker, 0 for any
)

func TestMain(m *testing.M) {
	if state := os.Getenv(serveVariable); state != "" {
		if err := serve(context.Background(), state); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// serve starts both servers and writes numbers to both until it is killed. It prints the database server's process id
// and then each number when both have it.
func serve(ctx context.Context, state string) error {
	pg, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{State: state})
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(os.Getenv(portVariable))
	if err != nil {
		return err
	}
	k, err := embedded.StartKafka(ctx, embedded.KafkaConfig{State: state, Port: port, Partitions: 1})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, pg.SocketURL())
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "create table if not exists numbers (n integer primary key)"); err != nil {
		return err
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...), kgo.AllowAutoTopicCreation())
	if err != nil {
		return err
	}
	var pid string
	if err := conn.QueryRow(ctx, "select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").Scan(&pid); err != nil {
		return err
	}
	var first int
	if err := conn.QueryRow(ctx, "select coalesce(max(n) + 1, 0) from numbers").Scan(&first); err != nil {
		return err
	}
	fmt.Println("pid", pid)
	for n := first; ; n++ {
		record := &kgo.Record{Topic: "numbers", Value: fmt.Appendf(nil, "%09d", n)}
		if err := producer.ProduceSync(ctx, record).FirstErr(); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "insert into numbers values ($1)", n); err != nil {
			return err
		}
		fmt.Println("done", n)
	}
}

// server is a process that runs serve.
type server struct {
	cmd        *exec.Cmd
	lines      *bufio.Scanner
	stderr     strings.Builder
	postmaster int
}

func startServer(t *testing.T, program, state string, port int, as *syscall.Credential) *server {
	t.Helper()
	s := &server{cmd: exec.Command(program)}
	s.cmd.Dir = "/"
	s.cmd.Env = append(os.Environ(), serveVariable+"="+state, portVariable+"="+strconv.Itoa(port))
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.lines = bufio.NewScanner(out)
	s.postmaster = s.next(t, "pid")
	return s
}

func (s *server) next(t *testing.T, word string) int {
	t.Helper()
	if !s.lines.Scan() {
		_ = s.cmd.Wait()
		t.Fatalf("the server ended: %s", s.stderr.String())
	}
	rest, ok := strings.CutPrefix(s.lines.Text(), word+" ")
	n, err := strconv.Atoi(rest)
	if !ok || err != nil {
		t.Fatalf("the server says %q, want %s and a number", s.lines.Text(), word)
	}
	return n
}

// kill ends the process as kill -9 does and returns the last number it reported.
func (s *server) kill(t *testing.T, after int) int {
	t.Helper()
	last := 0
	for range after {
		last = s.next(t, "done")
	}
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for s.lines.Scan() {
		if n, err := strconv.Atoi(strings.TrimPrefix(s.lines.Text(), "done ")); err == nil {
			last = n
		}
	}
	_ = s.cmd.Wait() // "signal: killed"
	return last
}

// gone waits for a process to end. One that is dead and that nobody has collected counts as ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		out, _ := exec.CommandContext(t.Context(), "ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		if state := strings.TrimSpace(string(out)); state == "" || state[0] == 'Z' {
			return
		}
		time.Sleep(20 * time.Millisecond) // it is not our child: there is nothing to wait on
	}
	t.Errorf("process %d is still there", pid)
}

func TestKill9LeavesNoServerAndLosesNothing(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for round := range 3 {
		s := startServer(t, program, state, 0, nil)
		last = s.kill(t, 5)
		if round != 1 { // the next start may also come at once, while the old server is still stopping
			gone(t, s.postmaster)
		}
	}
	checkNumbers(t, state, last)
}

// checkNumbers starts the servers in this process: both have all numbers up to last, and maybe the one in hand.
func checkNumbers(t *testing.T, state string, last int) {
	t.Helper()
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	rows, err := connect(t, pg.SocketURL()).Query(t.Context(), "select n from numbers order by n")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) < last+1 || len(stored) > last+2 {
		t.Errorf("Postgres has %d numbers, %d were reported", len(stored), last+1)
	}
	for i, n := range stored {
		if i != n {
			t.Fatalf("Postgres lacks %d: %v", i, stored)
		}
	}
	k := startKafka(t, embedded.KafkaConfig{State: state})
	var want []string
	for i := range last + 1 {
		want = append(want, fmt.Sprintf("%09d", i))
	}
	produce(t, kafkaClient(t, k.Brokers()), "numbers", "end")
	sent := consumeUntil(t, k.Brokers(), "numbers", func(got []string) bool { return slices.Contains(got, "end") })
	slices.Sort(sent)
	sent = slices.Compact(sent) // a number in hand at a kill is sent again
	for _, n := range want {
		if !slices.Contains(sent, n) {
			t.Errorf("Kafka lacks %s: %q", n, sent)
		}
	}
}

// Most people are not root: then the server runs as they do, and all else is the same.
func TestOrdinaryUserRunsTheServerHimself(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	uid := os.Geteuid()
	var as *syscall.Credential
	if uid == 0 {
		nobody, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ = strconv.Atoi(nobody.Uid)
		gid, _ := strconv.Atoi(nobody.Gid)
		as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		program = copyProgram(t, program)
		if err := os.Chown(state, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t, program, state, 0, as)
	last := s.kill(t, 3)
	gone(t, s.postmaster)
	info, err := os.Stat(filepath.Join(state, "postgres", "data"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != uid {
		t.Errorf("the data belongs to user %d, want %d", owner, uid)
	}
	// Data made by one user can be used by root later, who runs the server as that user.
	checkNumbers(t, state, last)
}

// copyProgram copies the test binary to where every user can run it: go test builds it in a closed folder.
func copyProgram(t *testing.T, program string) string {
	t.Helper()
	in, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(pgtest.StateDir(t), "embedded.test")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Tills are other processes: their idempotent producers outlive the broker and go on where they were, without losing or
// doubling a message.
func TestProducerGoesOnAfterKill9(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	l, port := listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	brokers := []string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	till := kafkaClient(t, brokers, kgo.RecordRetries(1000))
	var want []string
	for round := range 3 {
		s := startServer(t, program, state, port, nil)
		for i := range 20 {
			value := fmt.Sprintf("%d-%02d", round, i)
			produce(t, till, "tills", value)
			want = append(want, value)
		}
		s.kill(t, 1)
		gone(t, s.postmaster)
	}
	startKafka(t, embedded.KafkaConfig{State: state, Port: port})
	produce(t, till, "tills", "end")
	got := consumeUntil(t, brokers, "tills", func(got []string) bool { return slices.Contains(got, "end") })
	if diff := cmp.Diff(append(want, "end"), got); diff != "" {
		t.Errorf("messages (-sent +stored):\n%s", diff)
	}
}

// The children of a killed postmaster hold its shared memory for a moment; the next start waits for them.
func TestStartAfterTheServerWasKilled(t *testing.T) {
	t.Parallel()
	state := pgtest.StateDir(t)
	pg := startPostgres(t, embedded.PostgresConfig{State: state})
	execute(t, pg.SocketURL(), "create table kept as select 'here' as note")
	// A session that is at work does not see at once that its server has died.
	busy := connect(t, pg.SocketURL())
	working := make(chan error, 1)
	go func() {
		_, err := busy.Exec(context.WithoutCancel(t.Context()), "select count(*) from generate_series(1, 2000000) a, generate_series(1, 1) b")
		working <- err
	}()
	if err := syscall.Kill(postmaster(t, pg), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-pg.Done()
	pg = startPostgres(t, embedded.PostgresConfig{State: state})
	if got := queryText(t, pg.SocketURL(), "select note from kept"); got != "here" {
		t.Errorf("after the kill: %q", got)
	}
	<-working
}
