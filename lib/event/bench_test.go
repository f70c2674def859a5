package event_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"tillflow/lib/event"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// sales gives the retail schema and n messages of it, with keys in the declared order or shuffled in each.
func sales(t testing.TB, n int, shuffled bool) (*event.Schema, [][]byte) {
	s, err := event.NewSchema([]event.Field{
		{Name: "transaction_id", Type: event.Type{Kind: event.Int64}},
		{Name: "product_id", Type: event.Type{Kind: event.String}},
		{Name: "store_id", Type: event.Type{Kind: event.String}},
		{Name: "customer_id", Type: event.Type{Kind: event.String}},
		{Name: "amount", Type: event.Type{Kind: event.Decimal, Precision: 12, Scale: 2}},
		{Name: "timestamp", Type: event.Type{Kind: event.Timestamp}, Column: "ts", EventTime: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	msgs := make([][]byte, n)
	for i := range msgs {
		sec := i / 10
		parts := []string{
			fmt.Sprintf(`"transaction_id":%d`, 1_000_000+i),
			fmt.Sprintf(`"product_id":"LAPTOP-%03d"`, rng.IntN(50)),
			fmt.Sprintf(`"store_id":"STORE-%03d"`, rng.IntN(20)),
			fmt.Sprintf(`"customer_id":"CUST-%d"`, 1000+rng.IntN(9000)),
			fmt.Sprintf(`"amount":%d.%02d`, rng.IntN(2000), rng.IntN(100)),
			fmt.Sprintf(`"timestamp":"2025-01-%02d %02d:%02d:%02d"`, 1+sec/86400%28, sec/3600%24, sec/60%60, sec%60),
		}
		if shuffled {
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		}
		m := []byte("{")
		for j, p := range parts {
			if j > 0 {
				m = append(m, ',')
			}
			m = append(m, p...)
		}
		msgs[i] = append(m, '}')
	}
	return s, msgs
}

// cpuTime is what this process has used so far.
func cpuTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkDecode(b *testing.B) {
	for _, order := range []string{"declared", "shuffled"} {
		b.Run("keys="+order, func(b *testing.B) {
			s, msgs := sales(b, 50_000, order == "shuffled")
			d := s.NewDecoder(memory.DefaultAllocator)
			defer d.Release()
			b.ReportAllocs()
			begun := cpuTime(b)
			for b.Loop() {
				for _, m := range msgs {
					if err := d.Append(m); err != nil {
						b.Fatal(err)
					}
				}
				d.Seal().Release()
			}
			rows := float64(b.N) * float64(len(msgs))
			b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(rows/(cpuTime(b)-begun).Seconds(), "rows/CPU-s") // the same on a machine that others use too
		})
	}
}
