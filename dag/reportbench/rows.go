package reportbench

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

var (
	money  = &arrow.Decimal128Type{Precision: 12, Scale: 2}
	total  = &arrow.Decimal128Type{Precision: 18, Scale: 2}
	number = arrow.PrimitiveTypes.Int64
	small  = arrow.PrimitiveTypes.Int16
	text   = arrow.BinaryTypes.String
	micros = arrow.FixedWidthTypes.Timestamp_us
)

// table builds a record by columns. The caller of record releases it.
type table struct{ *array.RecordBuilder }

func newTable(fields ...arrow.Field) table {
	return table{array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))}
}

func column(name string, t arrow.DataType) arrow.Field { return arrow.Field{Name: name, Type: t} }

func (t table) number(i int) *array.Int64Builder { return t.Field(i).(*array.Int64Builder) }
func (t table) small(i int) *array.Int16Builder  { return t.Field(i).(*array.Int16Builder) }
func (t table) text(i int) *array.StringBuilder  { return t.Field(i).(*array.StringBuilder) }
func (t table) time(i int, at int64) {
	t.Field(i).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
}
func (t table) cents(i int, n int64) {
	t.Field(i).(*array.Decimal128Builder).Append(decimal128.FromI64(n))
}
func (t table) record() arrow.Record        { defer t.Release(); return t.NewRecord() }
func customerID(n int32) string             { return fmt.Sprintf("CUST-%06d", n+1) }
func (f *filling) productID(p uint8) string { return f.sales.catalogue.products[p].id }
func (f *filling) storeID(s uint8) string   { return f.sales.catalogue.stores[s] }

func (f *filling) saleRecord(list []sale) arrow.Record {
	t := newTable(column("transaction_id", number), column("product_id", text), column("store_id", text), column("customer_id", text),
		column("amount", money), column("ts", micros))
	for i := range list {
		s := &list[i]
		t.number(0).Append(s.id)
		t.text(1).Append(f.productID(s.product))
		t.text(2).Append(f.storeID(s.store))
		t.text(3).Append(customerID(s.customer))
		t.cents(4, s.cents)
		t.time(5, s.at)
	}
	return t.record()
}

func (f *filling) refundRecord(list []refund) arrow.Record {
	t := newTable(column("refund_id", number), column("original_transaction_id", number), column("product_id", text), column("store_id", text),
		column("customer_id", text), column("refund_amount", money), column("reason", text), column("ts", micros))
	for i := range list {
		r := &list[i]
		t.number(0).Append(r.id)
		t.number(1).Append(r.of)
		t.text(2).Append(f.productID(r.product))
		t.text(3).Append(f.storeID(r.store))
		t.text(4).Append(customerID(r.customer))
		t.cents(5, r.cents)
		t.text(6).Append(reasons[r.reason])
		t.time(7, r.at)
	}
	return t.record()
}

func (f *filling) minuteRecord(list []minute) arrow.Record {
	t := newTable(column("window_start", micros), column("window_end", micros), column("product_id", text), column("total_revenue", total),
		column("transaction_count", number))
	for _, m := range list {
		t.time(0, m.start)
		t.time(1, m.start+minuteUs)
		t.text(2).Append(f.productID(m.product))
		t.cents(3, m.cents)
		t.number(4).Append(m.count)
	}
	return t.record()
}
