// Package frame holds small typed tables: what an SQL cell of a report gave, or what a seed file says, before it
// becomes a chart, a page's table or rows in Postgres.
//
// It exists for two reasons. A chart and a table need columns with one kind each, times and gaps included, and it keeps
// gota, whose tables have neither times nor a safe idea of a missing value, behind one door (see [ReadCSV]). Frames
// live in memory and are small by design, at most [MaxRows] rows: joins and sums over more belong in SQL.
package frame

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// MaxRows is the most rows [ReadCSV] and [Frame.Pivot] make.
const MaxRows = 10_000

// TimeLayout is how a time is written as text: UTC, to the microsecond, without trailing zeros.
const TimeLayout = "2006-01-02 15:04:05.999999"

// Kind is what the values of a column are.
type Kind int

// The kinds of a column.
const (
	String Kind = iota
	Int
	Float
	Bool
	Time
)

// String names the kind as error texts do.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Int:
		return "int"
	case Float:
		return "float"
	case Bool:
		return "bool"
	case Time:
		return "time"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Frame is a table: columns of equal length with names of their own. A Frame that more than one goroutine holds is
// read only.
type Frame struct {
	Columns []Column
	Lines   []int // line of the file at which each row begins, 1-based; nil when the frame was not read from a file
}

// Column is one column; the slice of its Kind holds the values, the others are nil.
type Column struct {
	Name    string
	Kind    Kind
	Strings []string
	Ints    []int64
	Floats  []float64
	Bools   []bool
	Times   []time.Time
	Null    []bool // true where the value is missing; nil when none is
}

// Rows is the number of rows.
func (f *Frame) Rows() int {
	if f == nil || len(f.Columns) == 0 {
		return 0
	}
	return f.Columns[0].Len()
}

// Column returns the column of that name, or nil when there is none.
func (f *Frame) Column(name string) *Column {
	for i := range f.Columns {
		if f.Columns[i].Name == name {
			return &f.Columns[i]
		}
	}
	return nil
}

// Names are the columns' names in order.
func (f *Frame) Names() []string {
	names := make([]string, len(f.Columns))
	for i := range f.Columns {
		names[i] = f.Columns[i].Name
	}
	return names
}

// Check says what is wrong with a frame that was built by hand: columns without or of the same name, or of different
// lengths. A frame from this package is never wrong.
func (f *Frame) Check() error {
	seen := make(map[string]bool, len(f.Columns))
	for i := range f.Columns {
		c := &f.Columns[i]
		switch {
		case c.Name == "":
			return fmt.Errorf("column %d has no name", i+1)
		case seen[c.Name]:
			return fmt.Errorf("two columns are called %q", c.Name)
		case c.Len() != f.Rows():
			return fmt.Errorf("column %q has %d rows, %q has %d", c.Name, c.Len(), f.Columns[0].Name, f.Rows())
		case c.Null != nil && len(c.Null) != c.Len():
			return fmt.Errorf("column %q has %d rows but marks %d as null or not", c.Name, c.Len(), len(c.Null))
		}
		seen[c.Name] = true
	}
	if f.Lines != nil && len(f.Lines) != f.Rows() {
		return fmt.Errorf("%d rows but lines for %d", f.Rows(), len(f.Lines))
	}
	return nil
}

// Len is the number of values.
func (c *Column) Len() int {
	switch c.Kind {
	case Int:
		return len(c.Ints)
	case Float:
		return len(c.Floats)
	case Bool:
		return len(c.Bools)
	case Time:
		return len(c.Times)
	default:
		return len(c.Strings)
	}
}

// IsNull reports whether value i is missing.
func (c *Column) IsNull(i int) bool { return c.Null != nil && c.Null[i] }

// Text is value i as text: numbers without an exponent and as short as they round-trip, times by [TimeLayout], and ""
// for a missing one.
func (c *Column) Text(i int) string {
	if c.IsNull(i) {
		return ""
	}
	switch c.Kind {
	case Int:
		return strconv.FormatInt(c.Ints[i], 10)
	case Float:
		return strconv.FormatFloat(c.Floats[i], 'f', -1, 64)
	case Bool:
		return strconv.FormatBool(c.Bools[i])
	case Time:
		return c.Times[i].UTC().Format(TimeLayout)
	default:
		return c.Strings[i]
	}
}

// Float is value i as a number for a chart: a time as seconds since the Unix epoch, false and true as 0 and 1, text as
// the number it spells. What is missing or spells none is NaN, which charts draw as a gap.
func (c *Column) Float(i int) float64 {
	if c.IsNull(i) {
		return math.NaN()
	}
	switch c.Kind {
	case Int:
		return float64(c.Ints[i])
	case Float:
		return c.Floats[i]
	case Bool:
		if c.Bools[i] {
			return 1
		}
		return 0
	case Time:
		return float64(c.Times[i].UnixMicro()) / 1e6
	default:
		x, err := strconv.ParseFloat(c.Strings[i], 64)
		if err != nil {
			return math.NaN()
		}
		return x
	}
}
