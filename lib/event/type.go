package event

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Kind is the type of a field without its parameters.
type Kind uint8

// The kinds of field.
const (
	Int64 Kind = iota + 1
	Float64
	Decimal
	String
	Bool
	Timestamp
)

var kindNames = map[Kind]string{Int64: "int64", Float64: "float64", Decimal: "decimal", String: "string", Bool: "bool", Timestamp: "timestamp"}

// Type is the type of a field.
type Type struct {
	Kind             Kind
	Precision, Scale int // of a decimal: digits in all (1 to 38), and after the point
}

// String gives the type as it is written in a schema.
func (t Type) String() string {
	if t.Kind == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return kindNames[t.Kind]
}

// MarshalText gives the type as it is written in a schema.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads int64, float64, string, bool, timestamp or decimal(p,s).
func (t *Type) UnmarshalText(text []byte) error {
	s := string(text)
	for k, name := range kindNames {
		if s == name && k != Decimal {
			*t = Type{Kind: k}
			return nil
		}
	}
	if args, ok := strings.CutPrefix(s, "decimal"); ok {
		p, sc, ok := decimalArgs(args)
		if !ok {
			return fmt.Errorf("type %q: write decimal(p,s) with 1 <= p <= 38 digits, s of them after the point", s)
		}
		*t = Type{Kind: Decimal, Precision: p, Scale: sc}
		return nil
	}
	return fmt.Errorf("unknown type %q: int64, float64, decimal(p,s), string, bool or timestamp", s)
}

func decimalArgs(s string) (precision, scale int, ok bool) {
	s, open := strings.CutPrefix(s, "(")
	s, end := strings.CutSuffix(s, ")")
	a, b, comma := strings.Cut(s, ",")
	if !open || !end || !comma {
		return 0, 0, false
	}
	precision, err1 := strconv.Atoi(strings.TrimSpace(a))
	scale, err2 := strconv.Atoi(strings.TrimSpace(b))
	ok = err1 == nil && err2 == nil && 1 <= precision && precision <= 38 && 0 <= scale && scale <= precision
	return precision, scale, ok
}

// arrow gives the Arrow type of the field's column.
func (t Type) arrow() arrow.DataType {
	switch t.Kind {
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Float64:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case String:
		return arrow.BinaryTypes.String
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	default:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	}
}
