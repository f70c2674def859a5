package kmeans

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// million are customers as a shop has them: recency, frequency and monetary value, of which the latter two go together,
// log1p and standardised. They fill one cloud; there are no clusters that would be easy to find.
func million(n int) Points {
	rng := rand.New(rand.NewPCG(1, 2))
	columns := make([][]float64, 3)
	for range n {
		keen := rng.NormFloat64()
		often := math.Floor(1 + math.Exp(0.9*keen+0.3*rng.NormFloat64()+0.5))
		columns[0] = append(columns[0], math.Floor(rng.ExpFloat64()*90/(1+0.3*often)))
		columns[1] = append(columns[1], often)
		columns[2] = append(columns[2], often*math.Exp(3+0.7*rng.NormFloat64()))
	}
	for _, column := range columns {
		Log1p(column)
		Standardize(column)
	}
	return FromColumns(columns...)
}

// cpu is the processor time this process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs f and reports the processor time of each call.
func measure(b *testing.B, f func() error) {
	b.Helper()
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}

// A fit from nothing: the tree is made each time.
func BenchmarkFit(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		p := million(n)
		b.Run(fmt.Sprintf("rows=%d/k=7/starts=10", n), func(b *testing.B) {
			var m *Model
			measure(b, func() (err error) {
				m, err = Fit(p, Defaults(7))
				return err
			})
			b.ReportMetric(m.Inertia, "inertia")
		})
	}
}

func BenchmarkFitFrom(b *testing.B) {
	p := million(1_000_000)
	first := Points{D: 3}
	for j := range 7 {
		first.X = append(first.X, p.At(j*p.Len()/7)...)
	}
	measure(b, func() error {
		_, err := FitFrom(p, first, Defaults(0))
		return err
	})
}

func BenchmarkPrepare(b *testing.B) {
	p := million(1_000_000)
	measure(b, func() error {
		_, err := Prepare(p, Defaults(1).Workers)
		return err
	})
}

func BenchmarkSweep(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		p := million(n)
		for _, starts := range []int{2, 10} {
			b.Run(fmt.Sprintf("rows=%d/k=2..10/starts=%d", n, starts), func(b *testing.B) {
				o := Defaults(0)
				o.Starts = starts
				measure(b, func() error {
					s, err := Prepare(p, o.Workers)
					if err != nil {
						return err
					}
					_, err = s.Sweep(2, 10, 10_000, o)
					return err
				})
			})
		}
	}
}
