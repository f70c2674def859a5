package stream

import (
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/jackc/pgx/v5/pgtype"
)

// params are the given columns of a window's deltas as arrays.
func params(rec arrow.Record, cols []int) []any {
	out := make([]any, len(cols))
	for k, c := range cols {
		out[k] = param(rec.Column(c))
	}
	return out
}

func param(col arrow.Array) any {
	n := col.Len()
	switch col := col.(type) {
	case *array.String:
		out := make([]string, n)
		for i := range out {
			out[i] = col.Value(i)
		}
		return out
	case *array.Boolean:
		out := make([]bool, n)
		for i := range out {
			out[i] = col.Value(i)
		}
		return out
	case *array.Binary:
		out := make([][]byte, n)
		for i := range out {
			out[i] = append([]byte{}, col.Value(i)...) // never nil, which would be a null
		}
		return out
	case *array.Int64:
		return nullable(col, func(i int) int64 { return col.Value(i) })
	case *array.Float64:
		return nullable(col, func(i int) float64 { return col.Value(i) })
	case *array.Timestamp:
		return nullable(col, func(i int) time.Time { return time.UnixMicro(int64(col.Value(i))).UTC() })
	case *array.Decimal128:
		out := make([]pgtype.Numeric, n)
		scale := col.DataType().(*arrow.Decimal128Type).Scale
		for i := range out {
			if col.IsValid(i) {
				out[i] = pgtype.Numeric{Int: col.Value(i).BigInt(), Exp: -scale, Valid: true}
			}
		}
		return out
	}
	panic("stream: a total of " + col.DataType().String() + " passed the check of the schema")
}

// nullable is a column as a parameter: plain values when none is null.
func nullable[T any](col arrow.Array, value func(i int) T) any {
	if col.NullN() == 0 {
		out := make([]T, col.Len())
		for i := range out {
			out[i] = value(i)
		}
		return out
	}
	out := make([]*T, col.Len())
	for i := range out {
		if col.IsValid(i) {
			v := value(i)
			out[i] = &v
		}
	}
	return out
}
