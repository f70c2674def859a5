package replay

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"tillflow/lib/csvfile"
	"tillflow/lib/event"
)

// maxMessage is how long a message may be, so that the broker's limit, 1 MiB unless it is set, is told with a line.
const maxMessage = 1_000_000

// source reads the file's rows as messages.
type source struct {
	file   *csvfile.Reader
	fields []field
	key    int   // of fields; -1 is none
	time   int   // of fields; -1 is none
	shift  int64 // microseconds, added to every timestamp

	cell, text, value []byte // room for the key, a text and the message
}

type field struct {
	name  []byte // with the comma or brace before it: `{"id":`
	place int    // of the column in the file; -1 is the row's number
	typ   csvfile.Type
}

// message is a row as it goes into the topic. Its slices are used again for the next one.
type message struct {
	row   int64
	key   []byte // nil when there is none
	value []byte
	at    int64 // event time in microseconds, shifted; 0 when the row has none
	timed bool  // at is known
}

func (j *Job) open(shift int64) (*source, error) {
	path := j.with.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(j.deps.Dir, path)
	}
	file, err := csvfile.Open(path, j.with.File)
	if err != nil {
		return nil, err
	}
	s := &source{file: file, key: -1, time: -1, shift: shift}
	for i, e := range j.with.Fields.Entries {
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		f := field{name: append(appendText([]byte{before}, []byte(e.Key)), ':'), place: -1, typ: e.Value.Type}
		if !e.Value.Row {
			if f.place, err = file.Column(e.Value.Column); err != nil {
				_ = file.Close()
				return nil, err
			}
		}
		s.fields = append(s.fields, f)
		if e.Key == j.with.Key {
			s.key = i
		}
		if e.Key == j.with.Time {
			s.time = i
		}
	}
	return s, nil
}

// next reads a row; io.EOF after the last. want tells by the row and its key whether the message is wanted at all: one
// that is in the log already need not be made.
func (s *source) next(want func(row int64, key []byte) bool) (m message, ok bool, err error) {
	row, err := s.file.Next()
	if err != nil {
		return m, false, err
	}
	m.row = s.file.Rows
	if s.key >= 0 {
		if m.key, err = s.plain(&s.fields[s.key], row, s.cell[:0]); err != nil {
			return m, false, err
		}
		s.cell = m.key[:0]
	}
	if !want(m.row, m.key) {
		return m, false, nil
	}
	s.value = s.value[:0]
	for i := range s.fields {
		if err := s.add(&m, i, row); err != nil {
			return m, false, err
		}
	}
	s.value = append(s.value, '}')
	if len(s.value) > maxMessage {
		return m, false, s.file.WrongRow(fmt.Sprintf("the message would have %d bytes, %d are the most", len(s.value), maxMessage))
	}
	m.value = s.value
	return m, true, nil
}

// plain is a field's value without quotes, as a key has it; empty when the cell is.
func (s *source) plain(f *field, row []string, dst []byte) ([]byte, error) {
	if f.place < 0 {
		return strconv.AppendInt(dst, s.file.Rows, 10), nil
	}
	if row[f.place] == "" {
		return dst, nil
	}
	if f.typ.Kind == event.Timestamp && s.shift != 0 {
		micros, err := s.micros(f, row)
		return csvfile.AppendTime(dst, micros), err
	}
	out, reason := f.typ.Append(dst, row[f.place])
	if reason != "" {
		return dst, s.file.Wrong(f.place, reason)
	}
	return out, nil
}

// micros is a timestamp, shifted.
func (s *source) micros(f *field, row []string) (int64, error) {
	micros, ok := csvfile.ParseTime(row[f.place])
	if !ok {
		_, reason := f.typ.Append(nil, row[f.place])
		if reason == "" { // white space around it
			reason = "is not a time"
		}
		return 0, s.file.Wrong(f.place, reason)
	}
	return micros + s.shift, nil
}

// add appends a field to the value. An empty cell is null.
func (s *source) add(m *message, i int, row []string) (err error) {
	f := &s.fields[i]
	s.value = append(s.value, f.name...)
	if f.place >= 0 && row[f.place] == "" {
		s.value = append(s.value, "null"...)
		return nil
	}
	if f.place >= 0 && len(row[f.place]) > maxMessage {
		return s.file.Wrong(f.place, fmt.Sprintf("has %d bytes, a message may have %d", len(row[f.place]), maxMessage))
	}
	if f.place >= 0 && f.typ.Kind == event.Timestamp {
		micros, err := s.micros(f, row)
		if err != nil {
			return err
		}
		if i == s.time {
			m.at, m.timed = micros, true
		}
		s.value = append(csvfile.AppendTime(append(s.value, '"'), micros), '"')
		return nil
	}
	quoted := f.typ.Kind == event.String || f.typ.Date
	if !quoted {
		s.value, err = s.plain(f, row, s.value)
		return err
	}
	if s.text, err = s.plain(f, row, s.text[:0]); err != nil {
		return err
	}
	s.value = appendText(s.value, s.text)
	return nil
}

// appendText appends UTF-8 text as a JSON string.
func appendText(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, b := range text {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b == '\n':
			dst = append(dst, '\\', 'n')
		case b < 0x20:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}

// bounds are the first and the greatest time of the file, in microseconds; ok is false when no row has one.
func (s *source) bounds() (first, last int64, ok bool, err error) {
	f := &s.fields[s.time]
	for {
		row, err := s.file.Next()
		if err == io.EOF {
			return first, last, ok, nil
		}
		if err != nil {
			return 0, 0, false, err
		}
		if row[f.place] == "" {
			continue
		}
		at, err := s.micros(f, row)
		if err != nil {
			return 0, 0, false, err
		}
		if !ok {
			first, last, ok = at, at, true
		}
		last = max(last, at)
	}
}
