package analyticsbench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"tillflow/lib/anomaly"
)

// shopMinutes is what a product sells by the minute over some days: busy at noon, quiet at night, with an outage and a
// rush on the last day.
func shopMinutes(days int) anomaly.Series {
	rng := rand.New(rand.NewPCG(seed, 4))
	var s anomaly.Series
	for i := range days * 1440 {
		rate := 30 * (1 + 0.9*math.Sin(2*math.Pi*(float64(i%1440)/1440-0.25)))
		if last := i - (days-1)*1440; last >= 600 && last < 620 {
			rate = 0
		} else if last >= 900 && last < 910 {
			rate *= 5
		}
		orders, revenue := int64(math.Max(0, math.Round(rate+math.Sqrt(rate)*rng.NormFloat64()))), int64(0)
		for range orders {
			revenue += int64(rng.ExpFloat64()*2500) + 50
		}
		s.Revenue, s.Orders = append(s.Revenue, revenue), append(s.Orders, orders)
	}
	return s
}

// anomalies judges a long series. The peer only takes the rolling median and its deviation, which is a part of it.
func (b *bench) anomalies(ctx context.Context) error {
	s := shopMinutes(b.of(200, 3))
	if err := b.write(map[string]any{"revenue.i64": s.Revenue}); err != nil {
		return err
	}
	var events []anomaly.Event
	m := measure{
		name: "anomalies, " + count(s.Len()) + " minutes", task: "anomalies",
		noted: Peer{Name: "numpy, rolling median and MAD alone", Ms: 3900 * float64(s.Len()) / 1e6},
		run: func() error {
			events, _ = anomaly.Detect(s, anomaly.Defaults())
			return nil
		},
		check: func() float64 { return float64(len(events)) },
		agree: func(_, _ float64) bool { return true }, // it answers another question
	}
	m.tell = func() string { return fmt.Sprintf("%d events", len(events)) }
	if err := b.measure(ctx, m); err != nil {
		return err
	}
	if i := len(b.out) - 1; i >= 0 {
		b.out[i].Check += fmt.Sprintf(", %.0f ns a minute", b.out[i].Ms*1e6/float64(s.Len()))
	}
	return nil
}
