package anomaly

import (
	"testing"
)

// outcome is how a shop's faults were found.
type outcome struct {
	spikes, spikesFound   int
	outages, outagesFound int // by product, of those that sell at least 2 a minute at the time
	falseAlarms           int
	productDays           int
}

func (s *shop) judge(t *testing.T, o Options) outcome {
	t.Helper()
	out := outcome{productDays: s.days * len(s.series)}
	for p, series := range s.series {
		events, _ := Detect(series, o)
		explained := make([]bool, len(events))
		for _, f := range s.faults {
			if f.product >= 0 && f.product != p {
				continue
			}
			found := false
			for i, e := range events {
				if e.First < f.first+f.minutes+1 && e.First+e.Windows > f.first-1 {
					explained[i] = true
					found = found || (e.Kind == Spike) == (f.factor > 1)
				}
			}
			switch {
			case f.factor > 1:
				out.spikes++
				if found {
					out.spikesFound++
				}
			case s.rate(f.first)*s.share[p] >= 2:
				out.outages++
				if found {
					out.outagesFound++
				}
			}
		}
		for i, e := range events {
			if !explained[i] {
				out.falseAlarms++
				t.Logf("false alarm: product %d, day %d, minute %d: %+v", p, e.First/1440, e.First%1440, e)
			}
		}
	}
	return out
}

// Six products, with a fault most days. "steps" is a shop whose rate jumps at the full hour, where the
// first days cannot know better.
func TestSimulatedShop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		days           int
		sales          float64 // a minute, of the whole shop
		step           bool
		spikes, outage float64 // least share found
		falseAlarms    float64 // most, a product and day
	}{
		{"3_a_minute", 16, 3, false, 0.6, 0, 0.02},
		{"30_a_minute", 16, 30, false, 0.9, 1, 0.05},
		{"30_a_minute_in_steps", 16, 30, true, 0.9, 1, 0.1},
		{"300_a_minute", 10, 300, false, 0.9, 1, 0.05},
		{"300_a_minute_in_steps", 10, 300, true, 0.9, 1, 0.3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &shop{
				days: tt.days, perMin: tt.sales / 2, weekend: 1.4, step: tt.step,
				share: []float64{.16, .6, .3, .4, .2, .34}, price: []float64{3500, 75, 250, 45, 1200, 320},
			}
			s.faulty(1)
			s.run(1)
			got := s.judge(t, Defaults())
			t.Logf("%+v", got)
			if float64(got.spikesFound) < tt.spikes*float64(got.spikes) {
				t.Errorf("%d of %d spikes found", got.spikesFound, got.spikes)
			}
			if float64(got.outagesFound) < tt.outage*float64(got.outages) {
				t.Errorf("%d of %d outages found", got.outagesFound, got.outages)
			}
			if float64(got.falseAlarms) > tt.falseAlarms*float64(got.productDays) {
				t.Errorf("%d false alarms in %d product-days", got.falseAlarms, got.productDays)
			}
		})
	}
}
