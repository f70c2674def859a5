package window

import (
	"fmt"
	"regexp"
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

// Op is what a total does with the values of a window.
type Op string

// The totals that can be kept by adding a delta to what is stored.
const (
	Count Op = "count" // rows
	Sum   Op = "sum"   // of an int64 or a decimal; exact
	Min   Op = "min"   // of an int64, float64, decimal or timestamp
	Max   Op = "max"
)

// Total is one total of a window: Op over the values of Column, called Name. Count has no Column.
type Total struct {
	Name   string
	Op     Op
	Column string
}

var totalExpr = regexp.MustCompile(`^\s*([a-z_]+)\s*\(\s*([^()\s]*)\s*\)\s*$`)

// ParseTotal reads a total as a dagfile writes it: count(), sum(amount), min(amount), max(ts).
func ParseTotal(name, expr string) (Total, error) {
	m := totalExpr.FindStringSubmatch(expr)
	if m == nil {
		return Total{}, fmt.Errorf("total %q is not of the form sum(field) or count()", expr)
	}
	t := Total{Name: name, Op: Op(m[1]), Column: m[2]}
	switch {
	case t.Op == Count && t.Column != "":
		return Total{}, fmt.Errorf("total %q: count() counts rows and takes no field", expr)
	case t.Op == Count, (t.Op == Sum || t.Op == Min || t.Op == Max) && t.Column != "":
		return t, nil
	case t.Op == Sum || t.Op == Min || t.Op == Max:
		return Total{}, fmt.Errorf("total %q needs a field, as in %s(amount)", expr, t.Op)
	}
	return Total{}, fmt.Errorf("total %q: a window can keep count(), sum(), min() and max() only; "+
		"an average is sum() and count() divided by whoever reads them", expr)
}

// Spec is a window as a sink declares it.
type Spec struct {
	Size   time.Duration // a whole number of microseconds
	Time   string        // the column of event time, timestamp[us]
	By     []string      // columns that split a window; never null
	Totals []Total
}

// The columns every window record begins with.
const (
	StartColumn = "window_start"
	EndColumn   = "window_end"
)

// Schema returns the schema of the deltas a spec makes from records of schema in: window_start and window_end
// (timestamp[us]), the columns of By, then the totals. A count is int64, a sum decimal128(38, scale of its column), a
// minimum or maximum has its column's type and is null where the window had no value.
func (s Spec) Schema(in *arrow.Schema) (*arrow.Schema, error) {
	if s.Size < time.Microsecond || s.Size%time.Microsecond != 0 {
		return nil, fmt.Errorf("window of %v: a window is a whole number of microseconds, at least one", s.Size)
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
		f, err := totalField(in, t)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return arrow.NewSchema(out, nil), nil
}

func totalField(in *arrow.Schema, t Total) (arrow.Field, error) {
	if t.Op == Count {
		return arrow.Field{Name: t.Name, Type: arrow.PrimitiveTypes.Int64}, nil
	}
	f, err := column(in, t.Column)
	if err != nil {
		return f, err
	}
	id := f.Type.ID()
	if t.Op == Sum {
		switch id {
		case arrow.INT64:
			return arrow.Field{Name: t.Name, Type: &arrow.Decimal128Type{Precision: 38}}, nil
		case arrow.DECIMAL128:
			d := f.Type.(*arrow.Decimal128Type)
			if d.Precision > maxSummed {
				return f, fmt.Errorf("sum(%s): a decimal of %d digits can overflow its sum; declare at most %d", t.Column, d.Precision, maxSummed)
			}
			return arrow.Field{Name: t.Name, Type: &arrow.Decimal128Type{Precision: 38, Scale: d.Scale}}, nil
		case arrow.FLOAT64:
			return f, fmt.Errorf("sum(%s): the sum of a float64 depends on the order of adding, so it would change "+
				"with the batches; declare the field as decimal(p,s)", t.Column)
		}
		return f, fmt.Errorf("sum(%s): the field is %s; only int64 and decimal can be summed", t.Column, typeName(f.Type))
	}
	switch id {
	case arrow.INT64, arrow.FLOAT64, arrow.DECIMAL128, arrow.TIMESTAMP:
		return arrow.Field{Name: t.Name, Type: f.Type, Nullable: true}, nil
	}
	return f, fmt.Errorf("%s(%s): the field is %s; only numbers and times have a smallest and a greatest", t.Op, t.Column, typeName(f.Type))
}

// maxSummed is the precision up to which a sum of a billion values stays within 38 digits.
const maxSummed = 29

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
