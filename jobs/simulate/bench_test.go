package simulate

import "testing"

// The whole way of an event but the broker: made, ordered, encoded, given to its partition.
func BenchmarkEvents(b *testing.B) {
	h := seedShop(settings{seed: 42, rate: 0.5, refunds: 0.1, customers: 20_000})
	f := &flow{encoder: newEncoder(h), pourer: &pourer{out: &outlet{partitions: [kinds]int{2, 2}}}}
	for kind := range f.out.batches {
		f.out.batches[kind] = make([]batch, 2)
		f.leg.after[kind] = make([]int64, 2)
	}
	f.leg.returns = &returns{shop: h, due: map[int64][]refund{}}
	first := hourOf(evening)
	events := 0
	var buf []sale
	var day *crowd
	b.ReportAllocs()
	for b.Loop() {
		for hour := first; hour < first+5*24; hour++ { // five days, so that a day's crowd is made but once
			if day == nil || day.day != hour/24 {
				day = h.crowd(hour / 24)
			}
			buf = h.sales(hour, day, buf)
			sold, back := buf, f.leg.returns.take(hour)
			for len(sold)+len(back) > 0 {
				sold, back = f.gather(sold, back, (hour+1)*hourMs)
				events += f.out.held
				f.out.held = 0
				for kind := range f.out.batches {
					for p := range f.out.batches[kind] {
						batch := &f.out.batches[kind][p]
						batch.cut(0)
						batch.text, batch.marks = batch.text[:0], batch.marks[:0]
					}
				}
			}
		}
		clear(f.leg.returns.due)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}
