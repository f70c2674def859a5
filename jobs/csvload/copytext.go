package csvload

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"

	"tillflow/lib/csvfile"
)

// errBad ends a COPY whose file has mistakes; close tells them.
var errBad = errors.New("the file has mistakes")

// copyText is a file as the text of a COPY: number and line of each row, then its cells; an empty cell is null. After
// a bad cell nothing is given any more, and the file is read on for others until there are some to tell.
//
// pgconn reads it on a goroutine that can outlive the call on a fatal error, so Read holds a lock, and after close it
// never looks at the file again.
type copyText struct {
	file   *csvfile.Reader
	source Source
	places []int // of the declared columns in the file

	mu     sync.Mutex
	closed bool
	rest   []byte // of what was made, not yet read
	buf    []byte
	cell   []byte
	bad    []error
	end    error
}

// Read gives text of whole rows, as much as fits.
func (c *copyText) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, io.ErrClosedPipe
	}
	for len(c.rest) == 0 {
		if c.end != nil {
			return 0, c.end
		}
		c.fill()
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// fill makes about 64 kB of text.
func (c *copyText) fill() {
	c.buf = c.buf[:0]
	for len(c.buf) < 1<<16 && c.end == nil {
		row, err := c.file.Next()
		switch {
		case err == io.EOF && len(c.bad) == 0:
			c.end = io.EOF
		case err == io.EOF:
			c.end = errBad
		case err != nil:
			c.bad = append(c.bad, err)
			c.end = errBad
		default:
			c.row(row)
			if len(c.bad) >= maxShown {
				c.end = errBad
			}
		}
	}
	if c.rest = c.buf; len(c.bad) > 0 {
		c.rest = nil
	}
}

func (c *copyText) row(row []string) {
	c.buf = strconv.AppendInt(c.buf, c.file.Rows, 10)
	c.buf = append(c.buf, '\t')
	c.buf = strconv.AppendInt(c.buf, int64(c.file.Line()), 10)
	for i, e := range c.source.Columns.Entries {
		c.buf = append(c.buf, '\t')
		text := row[c.places[i]]
		if text == "" {
			if slices.Contains(c.source.Key, e.Key) {
				c.wrong(i, "is empty, but it is part of the key")
			}
			c.buf = append(c.buf, '\\', 'N')
			continue
		}
		var reason string
		if c.cell, reason = e.Value.Append(c.cell[:0], text); reason != "" {
			c.wrong(i, reason)
			continue
		}
		for _, b := range c.cell {
			switch b {
			case '\\':
				c.buf = append(c.buf, '\\', '\\')
			case '\n':
				c.buf = append(c.buf, '\\', 'n')
			case '\r':
				c.buf = append(c.buf, '\\', 'r')
			case '\t':
				c.buf = append(c.buf, '\\', 't')
			default:
				c.buf = append(c.buf, b)
			}
		}
	}
	c.buf = append(c.buf, '\n')
}

func (c *copyText) wrong(column int, reason string) {
	if len(c.bad) < maxShown {
		c.bad = append(c.bad, c.file.Wrong(c.places[column], reason))
	}
}

// close ends all reading and gives what is wrong with the file.
func (c *copyText) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return errors.Join(c.bad...)
}
