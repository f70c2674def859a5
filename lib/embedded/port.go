package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// PortTakenError says that another program listens on the port a server was to use. The caller knows which setting
// chose the port and adds its name.
type PortTakenError struct {
	Port    int
	Service string // "Postgres" or "Kafka"
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("start %s: port %d on 127.0.0.1 is taken by another program", e.Service, e.Port)
}

// claimPort returns a port on 127.0.0.1 that can be listened on now: the one asked for, or any free one for 0. Another
// program can still take it before the server does; the server's own failure then says so.
func claimPort(ctx context.Context, port int, service string) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, listenError(err, port, service)
	}
	got := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("probe port %d for %s: %w", port, service, err)
	}
	return got, nil
}

func listenError(err error, port int, service string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &PortTakenError{Port: port, Service: service}
	}
	return fmt.Errorf("start %s: listen on 127.0.0.1:%d: %w", service, port, err)
}

// startError says what was being done, unless the error does so itself.
func startError(service string, err error) error {
	var taken *PortTakenError
	var used *InUseError
	if errors.As(err, &taken) || errors.As(err, &used) {
		return err
	}
	return fmt.Errorf("start %s: %w", service, err)
}
