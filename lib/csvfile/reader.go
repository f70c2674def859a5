package csvfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tillflow/lib/strictyaml"
)

// MaxRow is how many bytes a row may have.
const MaxRow = 16 << 20

// Error is something wrong in a file.
type Error struct {
	File      string
	Line, Col int    // 1-based, as an editor counts them; columns in bytes. 0 when it is about the whole file
	Column    string // name of the column; "" when it is about the whole row
	Msg       string
}

// Error is FILE:LINE:COL: COLUMN: what is wrong.
func (e *Error) Error() string {
	s := e.Msg
	if e.Column != "" {
		s = e.Column + ": " + s
	}
	if e.Line == 0 {
		return e.File + ": " + s
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, s)
}

// Reader reads a file. It is for one goroutine.
type Reader struct {
	Header []string // the names of the columns
	Rows   int64    // read so far

	name  string
	csv   *csv.Reader
	leash *leash
	close []io.Closer
	line  int // on which the last row began
}

// Open opens a file and reads its header. name is what errors call it.
func Open(path, name string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{name: name, close: []io.Closer{f}}
	if err := r.begin(f); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// New reads from an open file or anything else; name is what errors call it.
func New(in io.Reader, name string) (*Reader, error) {
	r := &Reader{name: name}
	if err := r.begin(in); err != nil {
		return nil, err
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error {
	var errs []error
	for _, c := range slices.Backward(r.close) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Plain gives the text of a file: unpacked when it is gzip, without a byte order mark. The error is an *Error.
func Plain(in io.Reader, name string) (io.Reader, error) {
	b := bufio.NewReaderSize(in, 1<<16)
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, &Error{File: name, Msg: "the gzip file is damaged at its begin: " + err.Error()}
		}
		b = bufio.NewReaderSize(z, 1<<16)
		if head, err = b.Peek(4); err != nil && err != io.EOF {
			return nil, &Error{File: name, Msg: "the gzip file is damaged: " + err.Error()}
		}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, &Error{File: name, Msg: "this is a zip archive; unpack it, or pack the file with gzip"}
	case strings.HasSuffix(name, ".gz") && len(head) > 0:
		return nil, &Error{File: name, Msg: "the name ends in .gz, but this is no gzip file"}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, &Error{File: name, Line: 1, Col: 1, Msg: "the text is UTF-16; save it as UTF-8"}
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = b.Discard(3) // it was peeked
	}
	return b, nil
}

func (r *Reader) begin(in io.Reader) error {
	plain, err := Plain(in, r.name)
	if err != nil {
		return err
	}
	r.leash = &leash{r: plain}
	r.csv = csv.NewReader(bufio.NewReaderSize(r.leash, 1<<16))
	r.csv.ReuseRecord = true
	header, err := r.read()
	if err == io.EOF {
		return &Error{File: r.name, Line: 1, Col: 1, Msg: "the file is empty; its first line must name the columns"}
	}
	if err != nil {
		return err
	}
	r.Header = slices.Clone(header)
	for i, name := range r.Header {
		line, col := r.csv.FieldPos(i)
		switch {
		case name == "":
			return &Error{File: r.name, Line: line, Col: col, Msg: fmt.Sprintf("column %d has no name", i+1)}
		case slices.Contains(r.Header[:i], name):
			return &Error{File: r.name, Line: line, Col: col, Msg: fmt.Sprintf("two columns are called %q", name)}
		}
	}
	return nil
}

// Column finds a column by its name.
func (r *Reader) Column(name string) (int, error) {
	if i := slices.Index(r.Header, name); i >= 0 {
		return i, nil
	}
	msg := fmt.Sprintf("there is no column %q", name)
	if s := strictyaml.Suggest(name, r.Header); s != "" {
		msg += " (" + s + ")"
	} else {
		msg += " (the file has " + strings.Join(r.Header, ", ") + ")"
	}
	return -1, &Error{File: r.name, Line: 1, Col: 1, Msg: msg}
}

// Next reads a row; io.EOF after the last. The slice is used again for the next row, its texts are not.
func (r *Reader) Next() ([]string, error) {
	row, err := r.read()
	if err == nil {
		r.Rows++
	}
	return row, err
}

// Line is the line on which the row in hand begins.
func (r *Reader) Line() int { return r.line }

// Wrong is an error about a cell of the row in hand.
func (r *Reader) Wrong(column int, msg string) error {
	line, col := r.csv.FieldPos(column)
	return &Error{File: r.name, Line: line, Col: col, Column: r.Header[column], Msg: msg}
}

// WrongRow is an error about the row in hand.
func (r *Reader) WrongRow(msg string) error {
	return &Error{File: r.name, Line: r.line, Col: 1, Msg: msg}
}

func (r *Reader) read() ([]string, error) {
	r.leash.left = MaxRow + 1<<16 // what lies in the buffer already may be of later rows
	row, err := r.csv.Read()
	if err == nil {
		r.line, _ = r.csv.FieldPos(0)
		return row, nil
	}
	var p *csv.ParseError
	switch {
	case err == io.EOF:
		return nil, err
	case errors.Is(err, errLeash):
		return nil, &Error{File: r.name, Line: r.line + 1, Col: 1, Msg: fmt.Sprintf("the row has more than %d MiB; is a quote not closed?", MaxRow>>20)}
	case errors.As(err, &p) && errors.Is(p.Err, csv.ErrFieldCount):
		return nil, &Error{File: r.name, Line: p.StartLine, Col: 1, Msg: fmt.Sprintf("%d cells where the header has %d", len(row), len(r.Header))}
	case errors.As(err, &p) && p.Line > p.StartLine:
		return nil, &Error{File: r.name, Line: p.Line, Col: p.Column, Msg: fmt.Sprintf("a quote is not closed or stands inside a cell; the row began in line %d", p.StartLine)}
	case errors.As(err, &p):
		return nil, &Error{File: r.name, Line: p.Line, Col: p.Column, Msg: "a quote is not closed or stands inside a cell; a cell with quotes is written \"so \"\"quoted\"\" it is\""}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Error{File: r.name, Line: r.line + 1, Col: 1, Msg: "the gzip file ends too early; it was not copied whole"}
	}
	return nil, &Error{File: r.name, Line: r.line + 1, Col: 1, Msg: "the file cannot be read further: " + err.Error()}
}

var errLeash = errors.New("the row is too long")

// leash lets a limited number of bytes through; the limit is lifted with each row.
type leash struct {
	r    io.Reader
	left int
}

func (l *leash) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLeash
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
