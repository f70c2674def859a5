package kafkasrc_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
)

// Who asked is told of trouble while it lasts, and of its end also when the call is given up.
func TestTroubleIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil { // now nobody listens there
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []error
	ctx, cancel := context.WithCancel(t.Context())
	client, err := kafkasrc.Open([]string{addr}, kafkasrc.Options{Patience: time.Millisecond, Trouble: func(_ string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if told = append(told, err); len(told) == 3 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Topic(ctx, "sales"); err == nil {
		t.Fatal("a broker that is not there has answered")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 4 || told[0] == nil || told[2] == nil || told[3] != nil {
		t.Errorf("told %v; want three errors and then nil", told)
	}
	if !kafkasrc.Passes(told[0]) {
		t.Errorf("%v is waited for, but does not pass", told[0])
	}
}
