package simulate

import (
	"testing"
)

// A promotion is never 24 hours away, it multiplies its product's sales, and an outage stops them.
func TestPromotionsAndOutages(t *testing.T) {
	t.Parallel()
	h := monthShop()
	perMinute := map[[2]int64]int{}
	for _, m := range month() {
		list := m.sold
		for _, s := range list {
			perMinute[[2]int64{s.at / minuteMs, int64(s.product)}]++
		}
	}
	count := func(from, to int64, p int) (n int) {
		for m := (from + minuteMs - 1) / minuteMs; m < to/minuteMs; m++ {
			n += perMinute[[2]int64{m, int64(p)}]
		}
		return n
	}
	promotions, outages, last := 0, 0, int64(0)
	for day := hourOf(evening)/24 - 29; day < hourOf(evening)/24; day++ {
		for _, s := range h.specials(day) {
			if s.from/(24*hourMs) != day || s.to/(24*hourMs) != day {
				t.Errorf("%+v leaves day %d", s, day)
			}
			length := s.to - s.from
			if s.times > 0 {
				promotions++
				if last > 0 && s.from-last >= 24*hourMs {
					t.Errorf("no promotion for %d minutes", (s.from-last)/minuteMs)
				}
				last = s.from
				usual := float64(count(s.from-3*length, s.from, s.product)) / 3
				if got := float64(count(s.from, s.to, s.product)); got < 3*usual || got > 14*usual {
					t.Errorf("%.0f sales in a promotion of %.1f times, %.1f before", got, s.times, usual)
				}
				continue
			}
			outages++
			if length < 10*minuteMs || length > 25*minuteMs {
				t.Errorf("an outage of %d minutes", length/minuteMs)
			}
			for p := range h.products {
				if n := count(s.from, s.to, p); n > 0 && s.product == p {
					t.Errorf("%d sales in an outage", n)
				}
			}
		}
	}
	if promotions < 29 || promotions > 33 || outages < 4 || outages > 18 {
		t.Errorf("%d promotions, %d outages", promotions, outages)
	}
}

// Any seed keeps the promises of the calendar.
func TestCalendarOfAnySeed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		h := seedShop(settings{seed: seed, rate: 1, customers: 10})
		last := int64(0)
		for day := int64(20_000); day < 20_100; day++ {
			for _, s := range h.specials(day) {
				if s.times > 0 && last > 0 && s.from-last >= 24*hourMs {
					t.Fatalf("seed %d: no promotion for 24 hours before day %d", seed, day)
				}
				if s.times > 0 {
					last = s.from
				}
			}
		}
	}
}
