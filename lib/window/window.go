package window

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// Start returns the start of the tumbling window that holds ts.
//
// Windows are half-open, [start, start+size), aligned to the Unix epoch in UTC: an event falls in the same window in
// every run and on every partition. ts, size and the result are event time in microseconds, the unit of our
// timestamp[us] columns. Times before the epoch round down. It panics if size <= 0; config is checked before a job starts.
func Start(ts, size int64) int64 {
	if size <= 0 {
		panic(fmt.Sprintf("window: size %d", size))
	}
	r := ts % size
	if r < 0 {
		r += size
	}
	return ts - r
}

// Spec is a window as a sink declares it.
type Spec struct {
	Size   time.Duration // a whole number of microseconds
	Slide  time.Duration // a window begins at each multiple of it; it divides Size; 0 is Size: windows follow each other
	Time   string        // the column of event time, timestamp[us]
	By     []string      // columns that split a window; never null
	Totals []Total
}

// Step is how far apart the windows begin: the slide, or the size.
func (s Spec) Step() time.Duration {
	if s.Slide > 0 {
		return s.Slide
	}
	return s.Size
}

// maxOverlap is in how many windows a row may fall: a day by the minute.
const maxOverlap = 1440

// Check says what is wrong with the size and the slide.
func (s Spec) Check() error {
	step := s.Step()
	switch {
	case s.Size < time.Microsecond || s.Size%time.Microsecond != 0:
		return fmt.Errorf("window of %v: a window is a whole number of microseconds, at least one", s.Size)
	case s.Slide < 0 || step%time.Microsecond != 0 || s.Size%step != 0:
		return fmt.Errorf("slide of %v: it must divide the window of %v, in whole microseconds", s.Slide, s.Size)
	case s.Size/step > maxOverlap:
		return fmt.Errorf("slide of %v: each row would fall in %d windows of %v, at most %d are allowed", s.Slide, s.Size/step, s.Size, maxOverlap)
	}
	return nil
}

// The columns every window record begins with.
const (
	StartColumn = "window_start"
	EndColumn   = "window_end"
)

// Schema returns the schema of the deltas a spec makes from records of schema in: window_start and window_end
// (timestamp[us]), the columns of By, then the parts of the totals. A count is int64, a sum decimal128(38, scale of its
// column), a minimum or maximum has its column's type and is null where the window had no value, a sketch is binary.
func (s Spec) Schema(in *arrow.Schema) (*arrow.Schema, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	ts, err := column(in, s.Time)
	if err != nil {
		return nil, err
	}
	if ts.Type.ID() != arrow.TIMESTAMP {
		return nil, fmt.Errorf("column %q is %s; event time is a timestamp", s.Time, typeName(ts.Type))
	}
	out := []arrow.Field{{Name: StartColumn, Type: ts.Type}, {Name: EndColumn, Type: ts.Type}}
	for _, by := range s.By {
		f, err := column(in, by)
		if err != nil {
			return nil, err
		}
		if !keyType(f.Type) {
			return nil, fmt.Errorf("column %q is %s; a window can be split by strings, int64 and bools", by, typeName(f.Type))
		}
		out = append(out, arrow.Field{Name: by, Type: f.Type})
	}
	for _, t := range s.Totals {
		if err := t.check(in); err != nil {
			return nil, err
		}
		for _, p := range t.Parts() {
			out = append(out, p.field(in))
		}
	}
	return arrow.NewSchema(out, nil), nil
}

func keyType(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRING, arrow.INT64, arrow.BOOL:
		return true
	}
	return false
}

// typeName is a type as a dagfile calls it.
func typeName(t arrow.DataType) string {
	if t.ID() == arrow.STRING {
		return "string"
	}
	return t.Name()
}

func column(s *arrow.Schema, name string) (arrow.Field, error) {
	i := s.FieldIndices(name)
	if len(i) != 1 {
		return arrow.Field{}, fmt.Errorf("no column %q", name)
	}
	return s.Field(i[0]), nil
}
