package anomaly

import (
	"math"
	"math/rand/v2"
)

// shop makes sales like a real one's, minute by minute: opening hours with two peaks, weekends that are busier and start
// later, prices that vary, and things that go wrong. Orders come one by one, so counts are Poisson.
type shop struct {
	days    int
	perMin  float64   // visits a minute, averaged over a week
	share   []float64 // chance that a visit buys the product
	price   []float64
	step    bool // hours change in steps and not smoothly
	faults  []fault
	series  []Series
	rng     *rand.Rand
	weekend float64
}

// fault multiplies the sales of one product, or of all (-1), for some minutes.
type fault struct {
	product, first, minutes int
	factor                  float64
}

var hours = [24]float64{.15, .06, .03, .02, .02, .04, .1, .3, .7, 1.1, 1.4, 1.5, 1.3, 1.1, 1, 1.1, 1.5, 1.9, 2.3, 2.5, 2.4, 1.9, 1.1, .5}

// rate is the shop's visits in minute t.
func (s *shop) rate(t int) float64 {
	day, minute := t/1440, t%1440
	at := float64(minute) / 60
	shape := 0.0
	if s.step {
		shape = hours[int(at)]
	} else {
		h := int(at - .5 + 24)
		f := at - .5 + 24 - float64(h)
		shape = hours[h%24]*(1-f) + hours[(h+1)%24]*f
	}
	if w := day % 7; w == 4 || w == 5 {
		shape *= s.weekend
	}
	return s.perMin * shape
}

func (s *shop) run(seed uint64) {
	s.rng = rand.New(rand.NewPCG(seed, 7))
	n := s.days * 1440
	s.series = make([]Series, len(s.share))
	for p := range s.series {
		s.series[p] = Series{Revenue: make([]int64, n), Orders: make([]int64, n)}
	}
	factor := make([]float64, n)
	for p, share := range s.share {
		for t := range factor {
			factor[t] = 1
		}
		for _, f := range s.faults {
			for t := f.first; (f.product < 0 || f.product == p) && t < min(n, f.first+f.minutes); t++ {
				factor[t] *= f.factor
			}
		}
		for t := range n {
			orders := float64(poisson(s.rng, s.rate(t)*share*factor[t]))
			s.series[p].Orders[t] = int64(orders)
			s.series[p].Revenue[t] = int64(100 * s.price[p] * (orders + math.Sqrt(orders)*.1*s.rng.NormFloat64())) // prices vary by a tenth
		}
	}
}

func poisson(rng *rand.Rand, mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	limit, n := math.Exp(-mean), 0
	for p := rng.Float64(); p > limit; p *= rng.Float64() {
		n++
	}
	return n
}

// faulty breaks a shop at random: in each day one spike of one product and, every other day, an outage of all.
func (s *shop) faulty(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 8))
	s.faults = nil
	for d := range s.days {
		at := d*1440 + 9*60 + rng.IntN(12*60)
		s.faults = append(s.faults, fault{rng.IntN(len(s.share)), at, 3 + rng.IntN(8), 4 + 4*rng.Float64()})
		if d%2 == 1 {
			at := d*1440 + 9*60 + rng.IntN(12*60)
			s.faults = append(s.faults, fault{-1, at, 10 + rng.IntN(21), 0})
		}
	}
}
