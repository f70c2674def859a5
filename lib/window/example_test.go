package window_test

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"tillflow/lib/window"
)

// Four sales, of which the last comes too late for its minute.
func Example() {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "product", Type: arrow.BinaryTypes.String},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "ts", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	tracker := window.NewTracker(5*time.Minute, time.Hour)
	var onTime []bool
	for _, sale := range []struct {
		at    string
		cents int64
	}{{"12:00:10", 1000}, {"12:00:50", 550}, {"12:09:00", 2000}, {"12:00:30", 99}} {
		at, err := time.Parse("2006-01-02 15:04:05", "2025-01-01 "+sale.at)
		if err != nil {
			panic(err)
		}
		watermark := tracker.Observe(at.UnixMicro(), at.UnixMicro())
		onTime = append(onTime, !window.Late(at.UnixMicro(), time.Minute.Microseconds(), watermark))
		b.Field(0).(*array.StringBuilder).Append("LAPTOP-001")
		b.Field(1).(*array.Decimal128Builder).Append(decimal128.FromI64(sale.cents))
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
	}
	sales := b.NewRecord()
	defer sales.Release()

	deltas, err := window.NewDeltas(window.Spec{
		Size: time.Minute, Time: "ts", By: []string{"product"},
		Totals: []window.Total{{Name: "revenue", Op: window.Sum, Column: "amount"}, {Name: "count", Op: window.Count}},
	}, schema, memory.DefaultAllocator)
	if err != nil {
		panic(err)
	}
	deltas.Add(sales, onTime)
	rec := deltas.Seal()
	defer rec.Release()
	for i := range int(rec.NumRows()) {
		start := rec.Column(0).(*array.Timestamp).Value(i).ToTime(arrow.Microsecond)
		fmt.Println(start.Format("15:04"), rec.Column(2).ValueStr(i), rec.Column(3).ValueStr(i), rec.Column(4).ValueStr(i))
	}
	// Output:
	// 12:00 LAPTOP-001 15.5 2
	// 12:09 LAPTOP-001 20 1
}
