package server

import (
	"net"
	"sync"
)

// mostConnections is how many may be open at a time: a browser takes six, a kept page one.
const mostConnections = 1024

// limit is a listener that refuses more connections than that.
type limit struct {
	*net.TCPListener
	open chan struct{}
}

func listen(address string) (*limit, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &limit{ln.(*net.TCPListener), make(chan struct{}, mostConnections)}, nil // "tcp" gives nothing else
}

// Accept closes what is too much at once: a reader that had to wait would not know why.
func (l *limit) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return nil, err
		}
		select {
		case l.open <- struct{}{}:
			return &counted{c, sync.OnceFunc(func() { <-l.open })}, nil
		default:
			_ = c.Close()
		}
	}
}

// counted gives its place back when it is closed. It has all that a TCP connection can, such as sending a file.
type counted struct {
	*net.TCPConn
	done func()
}

func (c *counted) Close() error {
	defer c.done()
	return c.TCPConn.Close()
}
