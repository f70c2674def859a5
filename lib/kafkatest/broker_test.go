//go:build unix && kafka

package kafkatest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tillflow/lib/kafkatest"
)

// With this variable the test binary is one that will be killed: it starts a broker and waits.
const waitVariable = "TILLFLOW_TEST_WAIT"

// TestWait is not a test: it is what the binary below runs.
func TestWait(t *testing.T) {
	if os.Getenv(waitVariable) == "" {
		return
	}
	fmt.Println("broker at", kafkatest.Shared(t)[0])
	select {}
}

func listens(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

// running says whether the command of a process names a folder.
func running(t *testing.T, folder string) bool {
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(out), folder)
}

func TestBrokerAndFilesGoWithAKilledTestBinary(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestWait$")
	cmd.Env = append(os.Environ(), waitVariable+"=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(strings.TrimPrefix(line, "broker at "))
	if !listens(address) || !running(t, temp) {
		t.Fatalf("no broker at %q", address)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		if !listens(address) && !running(t, temp) && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("listens: %v, runs: %v, left: %v", listens(address), running(t, temp), left)
		}
	}
}

func TestBrokerStopsIsKilledAndRestarts(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, nil)
	address := b.Brokers()[0]
	for _, end := range []func(){b.Stop, b.Kill} {
		end()
		if listens(address) {
			t.Error("it still listens")
		}
		b.Restart()
		if b.Brokers()[0] != address || !listens(address) {
			t.Errorf("was at %s, is at %v", address, b.Brokers())
		}
		end()
		end() // nothing to do
		b.Restart()
	}
}
