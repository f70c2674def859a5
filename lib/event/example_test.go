package event_test

import (
	"fmt"

	"tillflow/lib/event"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

func Example() {
	schema, err := event.NewSchema([]event.Field{
		{Name: "transaction_id", Type: event.Type{Kind: event.Int64}},
		{Name: "amount", Type: event.Type{Kind: event.Decimal, Precision: 12, Scale: 2}},
		{Name: "timestamp", Type: event.Type{Kind: event.Timestamp}, Column: "ts", EventTime: true},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	d := schema.NewDecoder(memory.DefaultAllocator)
	defer d.Release()
	for _, message := range []string{
		`{"transaction_id": 1, "amount": 19.99, "timestamp": "2025-01-01 12:34:56"}`,
		`{"timestamp": "2025-01-01T12:34:57Z", "till": {"id": 7}, "amount": "5", "transaction_id": 2}`,
		`{"transaction_id": 3, "amount": 12.345, "timestamp": "2025-01-01 12:34:58"}`,
		`{"transaction_id": 4, "amount": 1.00`,
	} {
		if err := d.Append([]byte(message)); err != nil {
			fmt.Println("reject:", err)
		}
	}
	rec := d.Seal()
	defer rec.Release()
	for i := range int(rec.NumCols()) {
		fmt.Println(rec.ColumnName(i), rec.Column(i))
	}
	// Output:
	// reject: amount: 12.345 has 3 decimals, decimal(12,2) allows 2
	// reject: not JSON: unexpected end of JSON input (byte 36)
	// transaction_id [1 2]
	// amount [{1999 0} {500 0}]
	// ts [1735734896000000 1735734897000000]
}
