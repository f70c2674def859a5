package rfm

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The same lines give the same result however many work on them, with scores of their own for each way to treat ties.
func TestComputeIsTheSameForAnyNumberOfWorkers(t *testing.T) {
	t.Parallel()
	l := randomLines(rand.New(rand.NewPCG(3, 4)), 40_000, 10_000, 1, true)
	for _, ties := range []Ties{First, Value} {
		want, err := Compute(l, 1e15, Options{Ties: ties, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		alone := Score(want.Recency, want.Frequency, want.Monetary, ties)
		if !reflect.DeepEqual(alone, want.Scores) {
			t.Errorf("%s: Compute and Score differ", ties)
		}
		first, value := Score(want.Recency, want.Frequency, want.Monetary, First), Score(want.Recency, want.Frequency, want.Monetary, Value)
		if n := Differ(first, value); n == 0 || n != want.Differ {
			t.Errorf("%s: %d differ, counted %d", ties, want.Differ, n)
		}
		for _, workers := range []int{2, 4} {
			got, err := Compute(l, 1e15, Options{Ties: ties, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(want, got) {
				t.Errorf("%s: %d workers give another result than one", ties, workers)
			}
		}
	}
}

func TestRankWantsAscendingIDs(t *testing.T) {
	t.Parallel()
	for _, id := range [][]int64{{2, 1}, {1, 1}} {
		if _, err := Rank(Customers{ID: id, Last: []int64{1, 1}, Frequency: []int64{1, 1}, Monetary: []int64{1, 1}}, 9, Options{}); err == nil {
			t.Errorf("ids %v: no error", id)
		}
	}
}

// benchLines are order lines as a table has them: some four lines an order, orders by time, customers at random.
func benchLines(n, customers int, shuffled bool) Lines {
	return randomLines(rand.New(rand.NewPCG(1, 1)), n, customers, 1, shuffled)
}

// cpu is the processor time this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkCompute(b *testing.B) {
	for _, rows := range []int{100_000, 2_000_000} {
		for _, shuffled := range []bool{false, true} {
			l := benchLines(rows, rows/12, shuffled)
			b.Run(fmt.Sprintf("rows=%d/shuffled=%t", rows, shuffled), func(b *testing.B) {
				b.ReportAllocs()
				before := cpu(b)
				for b.Loop() {
					if _, err := Compute(l, 1e15, Options{Frequency: Orders}); err != nil {
						b.Fatal(err)
					}
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/float64(rows), "ns/line")
				b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/float64(rows), "cpu-ns/line") // holds on a busy machine too
				b.ReportMetric(float64(m.Sys)/(1<<20), "MB")
			})
		}
	}
}
