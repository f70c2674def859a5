package window

import (
	"fmt"
	"regexp"

	"github.com/apache/arrow/go/v17/arrow"
)

// Op is what a total does with the values of a window.
type Op string

// The totals that can be kept by merging a delta into what is stored.
const (
	Count    Op = "count"           // rows
	Sum      Op = "sum"             // of an int64 or a decimal; exact
	Min      Op = "min"             // of an int64, float64, decimal or timestamp
	Max      Op = "max"             // likewise
	Avg      Op = "avg"             // of an int64 or a decimal; kept as a sum and a number of values, so it is exact
	Distinct Op = "approx_distinct" // how many different values, of any type; standard error 1.6 % (package hll)
)

// What only parts of totals do.
const (
	Values Op = "values" // values that are not null
	Sketch Op = "sketch" // the bytes of a sketch of package hll
)

// Total is one total of a window: Op over the values of Column, called Name. Count has no Column.
type Total struct {
	Name   string
	Op     Op
	Column string
}

// Part is one column of the deltas that a total is made of, and how two of its values merge: Count, Sum and Values add,
// Min and Max choose, sketches unite. A Distinct part is the estimate of the sketch beside it.
type Part struct {
	Name   string
	Op     Op
	Column string
}

// Parts are the columns a total is kept in. An average is x_sum and x_count, whose quotient it is; approx_distinct is x
// and x_sketch; the others are one column of their own name.
func (t Total) Parts() []Part {
	switch t.Op {
	case Avg:
		return []Part{{t.Name + "_sum", Sum, t.Column}, {t.Name + "_count", Values, t.Column}}
	case Distinct:
		return []Part{{t.Name, Distinct, t.Column}, {t.Name + "_sketch", Sketch, t.Column}}
	}
	return []Part{Part(t)}
}

var totalExpr = regexp.MustCompile(`^\s*([a-z_]+)\s*\(\s*([^()\s]*)\s*\)\s*$`)

// ParseTotal reads a total as a dagfile writes it: count(), sum(amount), min(amount), max(ts), avg(amount),
// approx_distinct(customer_id).
func ParseTotal(name, expr string) (Total, error) {
	m := totalExpr.FindStringSubmatch(expr)
	if m == nil {
		return Total{}, fmt.Errorf("total %q is not of the form sum(field) or count()", expr)
	}
	t := Total{Name: name, Op: Op(m[1]), Column: m[2]}
	switch t.Op {
	case Count:
		if t.Column != "" {
			return Total{}, fmt.Errorf("total %q: count() counts rows and takes no field", expr)
		}
	case Sum, Min, Max, Avg, Distinct:
		if t.Column == "" {
			return Total{}, fmt.Errorf("total %q needs a field, as in %s(amount)", expr, t.Op)
		}
	default:
		return Total{}, fmt.Errorf("total %q: a window can keep count(), sum(), min(), max(), avg() and approx_distinct() only", expr)
	}
	return t, nil
}

// check says why a total cannot be kept of the records of schema in.
func (t Total) check(in *arrow.Schema) error {
	if t.Op == Count {
		return nil
	}
	f, err := column(in, t.Column)
	if err != nil {
		return err
	}
	id := f.Type.ID()
	switch t.Op {
	case Sum, Avg:
		switch id {
		case arrow.INT64:
			return nil
		case arrow.DECIMAL128:
			if d := f.Type.(*arrow.Decimal128Type); d.Precision > maxSummed {
				return fmt.Errorf("%s(%s): a decimal of %d digits can overflow its sum; declare at most %d", t.Op, t.Column, d.Precision, maxSummed)
			}
			return nil
		case arrow.FLOAT64:
			return fmt.Errorf("%s(%s): the sum of a float64 depends on the order of adding, so it would change "+
				"with the batches; declare the field as decimal(p,s)", t.Op, t.Column)
		}
		return fmt.Errorf("%s(%s): the field is %s; only int64 and decimal can be summed", t.Op, t.Column, typeName(f.Type))
	case Min, Max:
		switch id {
		case arrow.INT64, arrow.FLOAT64, arrow.DECIMAL128, arrow.TIMESTAMP:
			return nil
		}
		return fmt.Errorf("%s(%s): the field is %s; only numbers and times have a smallest and a greatest", t.Op, t.Column, typeName(f.Type))
	}
	return nil
}

// field is the column of a part of a total that passed its check.
func (p Part) field(in *arrow.Schema) arrow.Field {
	switch p.Op {
	case Count, Values, Distinct:
		return arrow.Field{Name: p.Name, Type: arrow.PrimitiveTypes.Int64}
	case Sketch:
		return arrow.Field{Name: p.Name, Type: arrow.BinaryTypes.Binary}
	}
	f := in.Field(in.FieldIndices(p.Column)[0])
	if p.Op == Sum {
		sum := &arrow.Decimal128Type{Precision: 38}
		if d, ok := f.Type.(*arrow.Decimal128Type); ok {
			sum.Scale = d.Scale
		}
		return arrow.Field{Name: p.Name, Type: sum}
	}
	return arrow.Field{Name: p.Name, Type: f.Type, Nullable: true}
}

// maxSummed is the precision up to which a sum of a billion values stays within 38 digits.
const maxSummed = 29
