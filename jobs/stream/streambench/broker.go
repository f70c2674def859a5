package streambench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tillflow/lib/cputime"
	"tillflow/lib/embedded"
)

// The broker is a process of its own, as a real one would be: its memory is not the stream's, and neither is its CPU time.

// ServeBroker is that process. It runs the embedded broker with its data in a folder until input ends, which it does
// when the bench is gone in whatever way. The first line it writes to output is the broker's address.
func ServeBroker(ctx context.Context, folder, partitions string, input io.Reader, output io.Writer) error {
	n, err := strconv.Atoi(partitions)
	if err != nil {
		return fmt.Errorf("partitions: %w", err)
	}
	debug.SetGCPercent(800) // little is alive at a time, and a fetch leaves a megabyte behind: by default it would collect all the time
	kafka, err := embedded.StartKafka(ctx, embedded.KafkaConfig{State: folder, Partitions: n})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(output, kafka.Brokers()[0])
	if err == nil {
		_, err = io.Copy(io.Discard, input)
	}
	return errors.Join(err, kafka.Stop(context.WithoutCancel(ctx)))
}

// broker is the process, seen from the bench.
type broker struct {
	cmd     *exec.Cmd
	input   io.Closer
	address string
}

// startBroker runs command with the folder and the number of partitions after it, and waits for its address.
func startBroker(ctx context.Context, command []string, folder string, partitions int, log *slog.Logger) (*broker, error) {
	if len(command) == 0 {
		return nil, errors.New("no command for the broker is given")
	}
	var said strings.Builder
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], folder, strconv.Itoa(partitions))...)
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench, which stops it last
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	b := &broker{cmd: cmd, input: input}
	given := context.AfterFunc(ctx, func() { _ = input.Close() }) // then it ends, and so does its output
	line, err := bufio.NewReader(output).ReadString('\n')
	given()
	if err != nil {
		_ = input.Close()
		return nil, fmt.Errorf("start broker: %w: %s", errors.Join(context.Cause(ctx), cmd.Wait()), strings.TrimSpace(said.String()))
	}
	b.address = strings.TrimSpace(line)
	log.Debug("broker started", "address", b.address, "pid", cmd.Process.Pid)
	return b, nil
}

// cpu is the CPU time the broker has used so far; 0 where the system does not tell.
func (b *broker) cpu() time.Duration {
	return cputime.Family(b.cmd.Process.Pid)
}

// stop ends the process and waits for it.
func (b *broker) stop() error {
	return errors.Join(b.input.Close(), b.cmd.Wait())
}
