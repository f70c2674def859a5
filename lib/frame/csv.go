package frame

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Error is something wrong in a CSV file.
type Error struct {
	Line   int    // 1-based line of the file; 0 when it is about the whole file
	Column string // name of the column; "" when it is about the whole line
	Msg    string
}

func (e *Error) Error() string {
	s := e.Msg
	if e.Column != "" {
		s = e.Column + ": " + s
	}
	if e.Line > 0 {
		s = fmt.Sprintf("line %d: %s", e.Line, s)
	}
	return s
}

// ReadCSV reads a comma-separated file whose first line names the columns. types gives columns their kind; a column it
// does not name is text, and nothing is ever guessed, so the code 0012 stays 0012. An empty cell of a column that is
// not text is null; an empty cell of text is "". A leading byte order mark, as spreadsheets write, is skipped. Times
// are read as UTC: "2006-01-02", "2006-01-02 15:04:05" with or without a fraction, or RFC 3339.
//
// What is wrong with the file is an [*Error] with line and column: a cell that is not of its kind, lines of different
// length, two columns of one name, a name in types that is no column, more than [MaxRows] rows. A file with a header
// only is a frame without rows.
//
// The kinds are given by gota. Three of its habits are kept out here: it drops the line numbers, so the records are
// split before; it turns a cell it cannot read into a missing one silently, so every missing cell is compared with its
// text; and it refuses a file without rows.
func ReadCSV(r io.Reader, types map[string]Kind) (*Frame, error) {
	records, lines, err := split(r)
	if err != nil {
		return nil, err
	}
	header := records[0]
	if err := checkHeader(header, types); err != nil {
		return nil, err
	}
	f := &Frame{Columns: make([]Column, len(header)), Lines: lines}
	if len(records) == 1 {
		for i, name := range header {
			f.Columns[i] = Column{Name: name, Kind: types[name]}
		}
		return f, nil
	}
	df, err := load(records, types)
	if err != nil {
		return nil, err
	}
	for i, name := range header {
		cell := func(row int) string { return records[row+1][i] }
		c, err := column(df.Col(name), name, types[name], cell, lines)
		if err != nil {
			return nil, err
		}
		f.Columns[i] = c
	}
	return f, nil
}

// split cuts the file into records, the header first, and says at which line each of the others begins.
func split(r io.Reader) (records [][]string, lines []int, err error) {
	br := bufio.NewReader(r)
	if mark, err := br.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = br.Discard(3)
	}
	cr := csv.NewReader(br)
	for {
		record, err := cr.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, syntax(err, records, record)
		}
		if len(records) > MaxRows {
			return nil, nil, &Error{Msg: fmt.Sprintf("more than %d rows", MaxRows)}
		}
		if len(records) > 0 {
			line, _ := cr.FieldPos(0)
			lines = append(lines, line)
		}
		records = append(records, record)
	}
	if len(records) == 0 {
		return nil, nil, &Error{Msg: "empty: the first line must name the columns"}
	}
	return records, lines, nil
}

// syntax words a mistake the CSV reader found.
func syntax(err error, records [][]string, record []string) error {
	var p *csv.ParseError
	if !errors.As(err, &p) {
		return fmt.Errorf("read: %w", err)
	}
	if errors.Is(p.Err, csv.ErrFieldCount) {
		return &Error{Line: p.StartLine, Msg: fmt.Sprintf("%d cells where the header has %d", len(record), len(records[0]))}
	}
	return &Error{Line: p.Line, Msg: fmt.Sprintf("column %d: %v", p.Column, p.Err)}
}

func checkHeader(header []string, types map[string]Kind) error {
	for i, name := range header {
		if name == "" {
			return &Error{Line: 1, Msg: fmt.Sprintf("column %d has no name", i+1)}
		}
		if slices.Contains(header[:i], name) {
			return &Error{Line: 1, Msg: fmt.Sprintf("two columns are called %q", name)}
		}
	}
	for name := range types {
		if !slices.Contains(header, name) {
			return &Error{Line: 1, Msg: fmt.Sprintf("column %q is missing", name)}
		}
	}
	return nil
}

// load hands the records to gota with a type for every column. gota panics on some input it does not expect; that is
// an error here.
func load(records [][]string, types map[string]Kind) (df dataframe.DataFrame, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read table: %v", p)
		}
	}()
	as := map[Kind]series.Type{String: series.String, Int: series.Int, Float: series.Float, Bool: series.Bool, Time: series.String}
	seriesTypes := make(map[string]series.Type, len(records[0]))
	for _, name := range records[0] {
		seriesTypes[name] = as[types[name]]
	}
	df = dataframe.LoadRecords(records, dataframe.DetectTypes(false), dataframe.WithTypes(seriesTypes),
		dataframe.NaNValues(nil), dataframe.HasHeader(true))
	return df, df.Err
}

// column takes a gota series over into a Column. cell gives the text of the file, to tell an empty cell from one that
// gota could not read.
func column(s series.Series, name string, kind Kind, cell func(row int) string, lines []int) (Column, error) {
	c := Column{Name: name, Kind: kind}
	for row := range s.Len() {
		e, text := s.Elem(row), cell(row)
		null := text == "" && kind != String
		bad := !null && kind != String && kind != Time && (e.IsNA() || math.IsInf(e.Float(), 0))
		switch kind {
		case Int:
			n, _ := e.Int()
			c.Ints = append(c.Ints, int64(n))
		case Float:
			c.Floats = append(c.Floats, e.Float())
		case Bool:
			b, _ := e.Bool()
			c.Bools = append(c.Bools, b)
		case Time:
			t, ok := parseTime(text)
			bad = !null && !ok
			c.Times = append(c.Times, t)
		default:
			c.Strings = append(c.Strings, e.String())
		}
		if bad {
			return c, &Error{Line: lines[row], Column: name, Msg: fmt.Sprintf("%q is not %s", text, kind.article())}
		}
		if null && c.Null == nil {
			c.Null = make([]bool, s.Len())
		}
		if null {
			c.Null[row] = true
		}
	}
	return c, nil
}

// article names a value of the kind in an error.
func (k Kind) article() string {
	switch k {
	case Int:
		return "a whole number"
	case Float:
		return "a number"
	case Bool:
		return "true or false"
	default:
		return "a time"
	}
}

func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
