package window_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"tillflow/lib/window"
)

// sales is a batch of a shop's sales: 25 of them a second, 50 products.
func sales(rows int) (arrow.Record, []bool, []int64) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "product_id", Type: arrow.BinaryTypes.String},
		{Name: "store_id", Type: arrow.BinaryTypes.String},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	keep, marks := make([]bool, rows), make([]int64, rows)
	for i := range rows {
		at := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * 40 * time.Millisecond).UnixMicro()
		b.Field(0).(*array.StringBuilder).Append(fmt.Sprintf("K%05d", i%50))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("STORE-%03d", i%20))
		b.Field(2).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i % 90_000)))
		b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
		keep[i], marks[i] = true, at-(5*time.Minute).Microseconds()
	}
	return b.NewRecord(), keep, marks
}

// What a batch costs in windows: adding its rows up, and sealing the deltas.
func BenchmarkWindows(b *testing.B) {
	rec, keep, marks := sales(50_000)
	defer rec.Release()
	for _, by := range [][]string{{}, {"product_id"}, {"product_id", "store_id"}} {
		for _, slide := range []time.Duration{0, 10 * time.Second} {
			b.Run(fmt.Sprintf("by=%d/slide=%v", len(by), slide), func(b *testing.B) {
				d, err := window.NewDeltas(window.Spec{Size: time.Minute, Slide: slide, Time: "ts", By: by, Totals: []window.Total{
					{Name: "revenue", Op: window.Sum, Column: "amount"}, {Name: "sales", Op: window.Count},
				}}, rec.Schema(), memory.DefaultAllocator)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					d.AddOnTime(rec, keep, marks)
					d.Seal().Release()
				}
				b.ReportMetric(float64(b.N)*float64(rec.NumRows())/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// Adding up allocates for each window and never for each row.
func TestAddingUpAllocatesNothingPerRow(t *testing.T) {
	rec, keep, marks := sales(10_000)
	defer rec.Release()
	d, err := window.NewDeltas(window.Spec{Size: time.Hour, Time: "ts", By: []string{"product_id", "store_id"}, Totals: []window.Total{
		{Name: "revenue", Op: window.Sum, Column: "amount"}, {Name: "sales", Op: window.Count},
	}}, rec.Schema(), memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(5, func() {
		d.AddOnTime(rec, keep, marks)
		d.Seal().Release()
	}); n > 500 { // 100 pairs of values in one window
		t.Errorf("%v allocations for %d rows", n, rec.NumRows())
	}
}
