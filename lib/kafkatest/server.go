//go:build unix

package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a broker on a folder and a port; its process may come and go.
type server struct {
	java, jars string
	dir        string // holds everything of this broker
	port       int
	own        map[string]string // settings the test has asked for
	guard      *guard

	cmd  *exec.Cmd
	done chan struct{} // closed when the process is gone; nil before the first start
}

// newServer makes a formatted broker that does not run yet. settings override those below.
func newServer(ctx context.Context, settings map[string]string) (*server, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	return newNode(ctx, port, newClusterID(), settings)
}

// newNode is newServer on a port and in a cluster that are chosen.
func newNode(ctx context.Context, port int, cluster string, settings map[string]string) (s *server, err error) {
	s = &server{port: port, own: settings}
	if s.java, err = findJava(); err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	if s.jars, err = jars(ctx, cache); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "tillflow-kafka-"); err != nil {
		return nil, err
	}
	if s.guard, err = startGuard(s.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	if err := s.format(ctx, cluster); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// format writes an empty log.
func (s *server) format(ctx context.Context, cluster string) error {
	if err := s.writeSettings(ctx); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, s.java, s.args("kafka.tools.StorageTool", "format", "-t", cluster, "-c", s.settings())...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format the log folder: %w\n%s", err, lastLines(string(out)))
	}
	return nil
}

// writeSettings writes the settings for one start. Clients know the broker's port, which stays; the controller's is
// nobody else's business and is another one each time.
func (s *server) writeSettings(ctx context.Context) error {
	controller, err := freePort(ctx)
	if err != nil {
		return err
	}
	all := map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   "1",
		"controller.quorum.voters":  fmt.Sprintf("1@127.0.0.1:%d", controller),
		"controller.listener.names": "CONTROLLER",
		"listeners":                 fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", s.port, controller),
		"log.dirs":                  filepath.Join(s.dir, "data"),

		// One node has one replica of everything, and fewer internal partitions load faster.
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",

		// Compaction is looked for every 15 s otherwise.
		"log.cleaner.backoff.ms": "300",

		// Tests write old event times, which the default of seven days would delete.
		"log.retention.ms": "-1",

		// A killed broker is forgotten, and its successor taken in, sooner than after nine seconds.
		"broker.session.timeout.ms":    "2000",
		"broker.heartbeat.interval.ms": "200",

		"group.initial.rebalance.delay.ms": "0",
	}
	maps.Copy(all, s.own)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s=%s\n", k, all[k])
	}
	return os.WriteFile(s.settings(), []byte(text.String()), 0o644)
}

func (s *server) settings() string { return filepath.Join(s.dir, "kafka.properties") }
func (s *server) output() string   { return filepath.Join(s.dir, "output.log") }
func (s *server) pidFile() string  { return filepath.Join(s.dir, "pid") }

// args run a main class. The optimizing compiler costs more than it gives in the life of a test.
func (s *server) args(class string, args ...string) []string {
	return append([]string{"-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-cp", s.jars + "/*", class}, args...)
}

// start starts the process and returns when it answers requests. The kernel kills it when the thread that forked ends, so
// it is started from a goroutine that keeps its thread until the process is gone.
func (s *server) start(ctx context.Context) error {
	if err := s.writeSettings(ctx); err != nil {
		return err
	}
	out, err := os.OpenFile(s.output(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(s.java, s.args("kafka.Kafka", s.settings())...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, s.dir
	cmd.SysProcAttr = attributes()
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended shows in its output
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.done = cmd, done
	if err := os.WriteFile(s.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		return err
	}
	return s.ready(ctx)
}

// ready waits until the broker answers. It listens some time before that.
func (s *server) ready(ctx context.Context) error {
	for {
		if answers(ctx, s.address()) {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("kafka ended while it started; it said:\n%s", s.said())
		case <-ctx.Done():
			return fmt.Errorf("kafka does not answer on %s: %w; it said:\n%s", s.address(), context.Cause(ctx), s.said())
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// running says whether the process is there.
func (s *server) running() bool {
	if s.done == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// end sends a signal and waits until the process is gone.
func (s *server) end(ctx context.Context, sig syscall.Signal) error {
	if !s.running() {
		return nil
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, sig) // it may have ended this moment
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("kafka does not end: %w; it said:\n%s", context.Cause(ctx), s.said())
	}
	return os.Remove(s.pidFile()) // the number may soon be another process's
}

// close ends the process and deletes the folder.
func (s *server) close() {
	_ = s.end(context.Background(), syscall.SIGKILL) // nothing waits on a SIGKILL for long
	s.guard.dismiss()
}

// said is the end of what the broker wrote.
func (s *server) said() string {
	b, err := os.ReadFile(s.output())
	if err != nil {
		return err.Error()
	}
	return lastLines(string(b))
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// answers asks a broker which requests it knows (ApiVersions, version 0), the first thing any client asks, and says
// whether there was an answer.
func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return false
	}
	// Length, API key 18, version 0, correlation id, no client id.
	if _, err := conn.Write([]byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff}); err != nil {
		return false
	}
	var reply [10]byte // length, correlation id, error code
	_, err = io.ReadFull(conn, reply[:])
	return err == nil && reply[7] == 1 && reply[8] == 0 && reply[9] == 0
}

// freePort returns a port on loopback that nobody listens on. It is not one of those that systems hand out to outgoing
// connections, so it stays free while the broker is away.
func freePort(ctx context.Context) (int, error) {
	var last error
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(12_000))
		if err != nil {
			return 0, err
		}
		port := 20_000 + int(n.Int64())
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("find a free port: %w", last)
}

// newClusterID returns a random id as Kafka makes them. A leading dash would be taken for a flag.
func newClusterID() string {
	for {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails, says its documentation
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}
