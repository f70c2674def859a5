package kafkasrc_test

import (
	"fmt"
	"testing"
	"time"

	"tillflow/lib/kafkasrc"
)

func sales(n int) []kafkasrc.Record {
	rs := make([]kafkasrc.Record, n)
	for i := range rs {
		rs[i].Value = fmt.Appendf(nil, `{"transaction_id":%d,"product_id":"LAPTOP-%03d","store_id":"STORE-%03d","customer_id":"CUST-%d","amount":%d.99,"timestamp":"2025-01-01 12:34:56"}`, 1_000_000+i, i%50, i%20, 1000+i%9000, i%2000)
	}
	return rs
}

// The broker runs in the same process, on the same cores.
func BenchmarkProduce(b *testing.B) {
	_, c := broker(b)
	if err := c.EnsureTopic(b.Context(), "sales", 1); err != nil {
		b.Fatal(err)
	}
	p, err := c.NewProducer(b.Context(), "sales")
	if err != nil {
		b.Fatal(err)
	}
	rs := sales(20_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Send(b.Context(), 0, rs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(rs))/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkFetch(b *testing.B) {
	_, c := broker(b)
	if err := c.EnsureTopic(b.Context(), "sales", 1); err != nil {
		b.Fatal(err)
	}
	p, err := c.NewProducer(b.Context(), "sales")
	if err != nil {
		b.Fatal(err)
	}
	rs := sales(100_000)
	if err := p.Send(b.Context(), 0, rs); err != nil {
		b.Fatal(err)
	}
	f := c.NewFetcher("sales", 0)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for next := int64(0); next < int64(len(rs)); {
			got, err := f.Fetch(b.Context(), next, time.Second, func(m *kafkasrc.Message) error {
				n += len(m.Value)
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			next = got.Next
		}
		if n == 0 {
			b.Fatal("nothing read")
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(rs))/b.Elapsed().Seconds(), "rows/s")
}
