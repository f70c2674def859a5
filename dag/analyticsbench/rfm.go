package analyticsbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"tillflow/lib/rfm"
)

const (
	day    = 86_400_000_000      // microseconds
	until  = 20_000 * int64(day) // the time of the scores; all sales are before it
	period = 730                 // days of sales
	seed   = 20_111_209          // of all data
)

// orderLines are a shop's sales in the order they happened: orders of one to six lines, by customers of whom a few come
// often and many once.
func orderLines(lines, customers int) rfm.Lines {
	rng := rand.New(rand.NewPCG(seed, 1))
	l := rfm.Lines{
		Customer: make([]int64, 0, lines), Order: make([]int64, 0, lines), Time: make([]int64, 0, lines), Amount: make([]int64, 0, lines),
	}
	for order := int64(1); len(l.Customer) < lines; order++ {
		u := rng.Float64()
		customer := int64(u * math.Sqrt(u) * float64(customers))
		at := until - period*day + int64(float64(len(l.Customer))/float64(lines)*(period-1)*day)
		for range 1 + rng.IntN(6) {
			if len(l.Customer) == lines {
				break
			}
			// Ids of a shop have gaps and follow no order of arrival.
			l.Customer = append(l.Customer, customer*7919%int64(customers)+1_000_000)
			l.Order = append(l.Order, order)
			l.Time = append(l.Time, at)
			l.Amount = append(l.Amount, int64(rng.ExpFloat64()*2500)+50)
		}
	}
	return l
}

// scoreSum is one number for all scores; the peers make the same one.
func scoreSum(r rfm.Result) float64 {
	sum := int64(0)
	for i, id := range r.ID {
		sum += id % 1009 * int64(100*int(r.R[i])+10*int(r.F[i])+int(r.M[i]))
	}
	return float64(sum)
}

// rfm scores the customers of order lines that are in memory.
func (b *bench) rfm(ctx context.Context) error {
	n, customers := b.of(10_000_000, 20_000), b.of(800_000, 1600)
	lines := orderLines(n, customers)
	err := b.write(map[string]any{"customer.i64": lines.Customer, "order.i64": lines.Order, "ts.i64": lines.Time, "cents.i64": lines.Amount})
	if err != nil {
		return err
	}
	var result rfm.Result
	return b.measure(ctx, measure{
		name: "rfm, " + count(n) + " order lines in memory", task: "rfm", args: []string{fmt.Sprint(until)}, noted: Peer{Name: "polars", Ms: 1480},
		run: func() (err error) {
			result, err = rfm.Compute(lines, until, rfm.Options{Frequency: rfm.Orders})
			return err
		},
		check: func() float64 { return scoreSum(result) },
		tell:  func() string { return fmt.Sprintf("%d customers, check sum %.0f", result.Len(), scoreSum(result)) },
	})
}

// count writes a number with thousands separated.
func count(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
