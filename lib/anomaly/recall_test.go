package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// fortnight is 14 days of one series with a daily season whose mean is perMinute orders, the amounts of which vary as much
// as their mean, and with four kinds of trouble a day from the third day on: a minute of three and one of six times as
// much, ten minutes without a sale and ten with three tenths of the sales.
func fortnight(seed uint64, perMinute float64) (Series, []fault) {
	rng := rand.New(rand.NewPCG(seed, 9))
	const days = 14
	var faults []fault
	factor := make([]float64, days*1440)
	for t := range factor {
		factor[t] = 1
	}
	for day := 3; day < days; day++ {
		for i, f := range []fault{{minutes: 1, factor: 3}, {minutes: 1, factor: 6}, {minutes: 10}, {minutes: 10, factor: .3}} {
			// Each has six hours of its own, so that one does not hide another.
			f.first = day*1440 + i*360 + 60 + rng.IntN(240)
			faults = append(faults, f)
			for m := range f.minutes {
				factor[f.first+m] = f.factor
			}
		}
	}
	s := Series{Revenue: make([]int64, days*1440), Orders: make([]int64, days*1440)}
	for t := range factor {
		season := 1 + .5*math.Sin(2*math.Pi*float64(t%1440)/1440)
		s.Orders[t] = int64(poisson(rng, perMinute*season*factor[t]))
		s.Revenue[t] = int64(20_00 * amounts(rng, s.Orders[t]))
	}
	return s, faults
}

// amounts is the sum of n amounts that are exponential around 1: as good as normal when they are many.
func amounts(rng *rand.Rand, n int64) float64 {
	if n > 50 {
		return float64(n) + math.Sqrt(float64(n))*rng.NormFloat64()
	}
	sum := 0.0
	for range n {
		sum += rng.ExpFloat64()
	}
	return sum
}

// score counts the events that no fault explains, and by a fault's factor how many of its kind were found.
func score(events []Event, faults []fault) (falseAlarms int, found, all map[float64]float64) {
	found, all = map[float64]float64{}, map[float64]float64{}
	explained := make([]bool, len(events))
	for _, f := range faults {
		hit := 0.0
		for i, e := range events {
			if e.First <= f.first+f.minutes && e.First+e.Windows >= f.first {
				explained[i] = true
				if (e.Kind == Spike) == (f.factor > 1) {
					hit = 1
				}
			}
		}
		found[f.factor] += hit
		all[f.factor]++
	}
	for i, e := range events {
		if !explained[i] && e.First >= 1440 {
			falseAlarms++
		}
	}
	return falseAlarms, found, all
}

// rollingZ is the rule that most people begin with: more than three standard deviations off the mean of the last hour.
func rollingZ(s Series) (events []Event) {
	sums, squares := make(prefix, s.Len()+1), make(prefix, s.Len()+1)
	for t, v := range s.Revenue {
		sums[t+1], squares[t+1] = sums[t]+float64(v), squares[t]+float64(v)*float64(v)
	}
	for t := 60; t < s.Len(); t++ {
		mean := sums.sum(t-60, t-1) / 60
		deviation := math.Sqrt(squares.sum(t-60, t-1)/60 - mean*mean)
		switch z := (float64(s.Revenue[t]) - mean) / deviation; {
		case z > 3:
			events = append(events, Event{First: t, Windows: 1, Kind: Spike})
		case z < -3:
			events = append(events, Event{First: t, Windows: 1, Kind: Drop})
		}
	}
	return events
}

// How often there is an alarm about nothing, and how much of the trouble is found, at three sizes of shop. The bounds are
// what a shop is promised; `go test -v` prints the figures themselves, beside those of the plain rule.
func TestFalseAlarmsAndRecall(t *testing.T) {
	t.Parallel()
	const seeds, days = 3, 13 // false alarms count from the second day on
	for _, tt := range []struct {
		perMinute   float64
		falseAlarms float64             // most, a series and day
		recall      map[float64]float64 // least share found, by factor
	}{
		{300, 0.05, map[float64]float64{3: 1, 6: 1, 0: 1, .3: 1}},
		{30, 0.05, map[float64]float64{3: 0.95, 6: 1, 0: 1, .3: 0.95}},
		{3, 0.1, map[float64]float64{3: 0, 6: 0.6, 0: 0.5, .3: 0}},
	} {
		t.Run(fmt.Sprintf("%v_orders_a_minute", tt.perMinute), func(t *testing.T) {
			t.Parallel()
			rules := []struct {
				name        string
				run         func(Series) []Event
				falseAlarms int
				found, all  map[float64]float64
			}{
				{name: "robust_sqrt and counts", run: func(s Series) []Event { events, _ := Detect(s, Defaults()); return events }},
				{name: "rolling mean, 3 deviations", run: rollingZ},
			}
			for i := range rules {
				r := &rules[i]
				r.found, r.all = map[float64]float64{}, map[float64]float64{}
				for seed := range uint64(seeds) {
					s, faults := fortnight(seed, tt.perMinute)
					falseAlarms, found, all := score(r.run(s), faults)
					r.falseAlarms += falseAlarms
					for factor := range all {
						r.found[factor] += found[factor]
						r.all[factor] += all[factor]
					}
				}
				recall := func(factor float64) float64 { return r.found[factor] / r.all[factor] }
				t.Logf("%-27s %6.2f false alarms a day, found x3 %.2f, x6 %.2f, zero %.2f, x0.3 %.2f", r.name,
					float64(r.falseAlarms)/(seeds*days), recall(3), recall(6), recall(0), recall(.3))
			}
			ours, plain := rules[0], rules[1]
			if a := float64(ours.falseAlarms) / (seeds * days); a > tt.falseAlarms {
				t.Errorf("%v false alarms a day, promised are at most %v", a, tt.falseAlarms)
			}
			for factor, least := range tt.recall {
				if share := ours.found[factor] / ours.all[factor]; share < least {
					t.Errorf("x%v: %.2f found, promised is at least %v", factor, share, least)
				}
			}
			if plain.falseAlarms < 10*ours.falseAlarms+seeds*days {
				t.Errorf("the plain rule has only %d false alarms, ours has %d", plain.falseAlarms, ours.falseAlarms)
			}
		})
	}
}
