package apriori

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// measured runs fn once an iteration and reports the processor time of all threads beside the wall's, and the most
// memory in use at the end of an iteration.
func measured(b *testing.B, fn func()) {
	b.ReportAllocs()
	before := processorTime(b)
	var peak uint64
	for b.Loop() {
		fn()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse)
	}
	b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(peak>>20), "heap-MB")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkOnlineRetail(b *testing.B) {
	invoices, _ := onlineRetail(b)
	for _, support := range []float64{0.01, 0.005, 0.002} {
		sets := mustMine(b, invoices, Options{MinSupport: support})
		b.Run(fmt.Sprintf("mine/support=%v", support), func(b *testing.B) {
			measured(b, func() { mustMine(b, invoices, Options{MinSupport: support}) })
		})
		b.Run(fmt.Sprintf("rules/support=%v", support), func(b *testing.B) {
			measured(b, func() {
				mustRules(b, sets, RuleOptions{MinConfidence: 0.5})
			})
		})
	}
}

// synthetic makes about 10 items a basket of 5,000, in the manner of the Quest generator of Agrawal and Srikant: baskets
// are put together from patterns, some of which are far more popular than others, and lose items.
func synthetic(baskets int) (basket, item []int32) {
	rng := rand.New(rand.NewPCG(1, 1))
	const items, patterns = 5000, 2000
	pattern := make([][]int32, patterns)
	for i := range pattern {
		for range 2 + rng.IntN(6) {
			pattern[i] = append(pattern[i], int32(items*rng.Float64()*rng.Float64()*rng.Float64()))
		}
	}
	basket, item = make([]int32, 0, 11*baskets), make([]int32, 0, 11*baskets)
	for i := range baskets {
		for want := 1 + int(rng.ExpFloat64()*10); want > 0; {
			for _, x := range pattern[int(patterns*rng.Float64()*rng.Float64())] {
				if rng.IntN(4) > 0 {
					basket, item = append(basket, int32(i)), append(item, x)
					want--
				}
			}
		}
	}
	return basket, item
}

func BenchmarkMillionBaskets(b *testing.B) {
	if testing.Short() {
		return
	}
	const n = 1_000_000
	basket, item := synthetic(n)
	baskets, err := FromPairs(basket, item, n, 5000)
	if err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("from_pairs/lines=%d", len(item)), func(b *testing.B) {
		measured(b, func() {
			if _, err := FromPairs(basket, item, n, 5000); err != nil {
				b.Fatal(err)
			}
		})
	})
	for _, support := range []float64{0.01, 0.001} {
		b.Run(fmt.Sprintf("mine/support=%v", support), func(b *testing.B) {
			sets := 0
			measured(b, func() { sets = mustMine(b, baskets, Options{MinSupport: support}).Len() })
			b.ReportMetric(float64(sets), "sets")
		})
	}
}
