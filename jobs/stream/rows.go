package stream

import (
	"cmp"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"tillflow/lib/dict"
)

// take returns a record of the rows of rec whose indices are given, in that order. The caller releases it.
func take(mem memory.Allocator, rec arrow.Record, rows []int32) arrow.Record {
	b := array.NewRecordBuilder(mem, rec.Schema())
	defer b.Release()
	for i := range int(rec.NumCols()) {
		takeColumn(b.Field(i), rec.Column(i), rows)
	}
	return b.NewRecord()
}

func takeColumn(b array.Builder, from arrow.Array, rows []int32) {
	b.Reserve(len(rows))
	nulls := from.NullN() > 0
	switch from := from.(type) {
	case *array.Int64:
		takeValues(b.(*array.Int64Builder), from.Int64Values(), from, nulls, rows)
	case *array.Float64:
		takeValues(b.(*array.Float64Builder), from.Float64Values(), from, nulls, rows)
	case *array.Timestamp:
		takeValues(b.(*array.TimestampBuilder), from.TimestampValues(), from, nulls, rows)
	case *array.Decimal128:
		takeValues(b.(*array.Decimal128Builder), from.Values(), from, nulls, rows)
	case *array.Boolean:
		b := b.(*array.BooleanBuilder)
		for _, r := range rows {
			if nulls && from.IsNull(int(r)) {
				b.AppendNull()
			} else {
				b.UnsafeAppend(from.Value(int(r)))
			}
		}
	case *array.String:
		b := b.(*array.StringBuilder)
		size := 0
		for _, r := range rows {
			size += from.ValueLen(int(r))
		}
		b.ReserveData(size)
		for _, r := range rows {
			if nulls && from.IsNull(int(r)) {
				b.AppendNull()
			} else {
				b.Append(from.Value(int(r)))
			}
		}
	default:
		panic("stream: a column of " + from.DataType().String() + " passed the check of the schema")
	}
}

func takeValues[T any](b interface {
	UnsafeAppend(T)
	AppendNull()
}, values []T, from arrow.Array, nulls bool, rows []int32) {
	for _, r := range rows {
		if nulls && from.IsNull(int(r)) {
			b.AppendNull()
		} else {
			b.UnsafeAppend(values[r])
		}
	}
}

// comparer orders the rows of a column. Key columns hold no nulls.
func comparer(col arrow.Array) func(a, b int32) int {
	switch col := col.(type) {
	case *array.Int64:
		v := col.Int64Values()
		return func(a, b int32) int { return cmp.Compare(v[a], v[b]) }
	case *array.Timestamp:
		v := col.TimestampValues()
		return func(a, b int32) int { return cmp.Compare(v[a], v[b]) }
	case *array.Float64:
		v := col.Float64Values()
		return func(a, b int32) int { return cmp.Compare(v[a], v[b]) }
	case *array.Decimal128:
		v := col.Values()
		return func(a, b int32) int { return v[a].Cmp(v[b]) }
	case *array.String:
		return func(a, b int32) int { return strings.Compare(col.Value(int(a)), col.Value(int(b))) }
	case *array.Boolean:
		return func(a, b int32) int {
			return cmp.Compare(bit(col.Value(int(a))), bit(col.Value(int(b))))
		}
	}
	panic("stream: a key column of " + col.DataType().String() + " passed the check of the schema")
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keys are the distinct values of a referencing column, sorted; exactly one of the slices is in use. Nulls refer to
// nothing and are left out.
type keys struct {
	texts []string
	ints  []int64
}

func (k keys) param() any {
	if k.ints != nil {
		return k.ints
	}
	return k.texts
}

func (k keys) len() int { return len(k.texts) + len(k.ints) }

// distinct collects the keys of a column. known is empty before and after; it is passed in because it is large.
func distinct(col arrow.Array, known *dict.Texts) keys {
	switch col := col.(type) {
	case *array.String:
		offsets, nulls := col.ValueOffsets(), col.NullN() > 0
		var text []byte
		if b := col.Data().Buffers()[2]; b != nil {
			text = b.Bytes()
		}
		for i := range col.Len() {
			if !nulls || col.IsValid(i) {
				known.Code(text[offsets[i]:offsets[i+1]])
			}
		}
		out := slices.Clone(known.Values())
		known.Reset()
		slices.Sort(out)
		return keys{texts: out}
	case *array.Int64:
		out := []int64{}
		seen := map[int64]struct{}{}
		for i, v := range col.Int64Values() {
			if col.IsNull(i) {
				continue
			}
			if _, ok := seen[v]; !ok {
				seen[v] = struct{}{}
				out = append(out, v)
			}
		}
		slices.Sort(out)
		return keys{ints: out}
	}
	panic("stream: a reference from a column of " + col.DataType().String() + " passed the check of the schema")
}
