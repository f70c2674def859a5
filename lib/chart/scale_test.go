package chart

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Ticks of any range hold it, are evenly apart, few, and named differently.
func TestNumberTicks(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		lo := (rng.Float64() - 0.5) * math.Pow(10, float64(rng.IntN(14)-4))
		hi := lo + rng.Float64()*math.Pow(10, float64(rng.IntN(14)-4))
		whole := rng.IntN(2) == 0
		if whole {
			lo, hi = math.Round(lo), math.Round(hi)
		}
		most := 3 + rng.IntN(4)
		s := number(lo, hi, whole, most, nil)
		n := len(s.ticks)
		if near := 1e-8 * (s.hi - s.lo); s.lo > lo+near || s.hi < hi-near || n < 2 || n > most {
			t.Fatalf("number(%g, %g, %v, %d) is %v with %d ticks", lo, hi, whole, most, s, n)
		}
		seen := map[string]bool{}
		for i, k := range s.ticks {
			if whole && math.Abs(k.at-math.Round(k.at)) > 1e-6 {
				t.Fatalf("number(%g, %g) has a tick at %g between whole numbers", lo, hi, k.at)
			}
			if i > 0 && k.at <= s.ticks[i-1].at {
				t.Fatalf("number(%g, %g): ticks do not rise: %v", lo, hi, s.ticks)
			}
			if seen[k.label.text] && hi-lo > 1e-6*math.Abs(hi) {
				t.Fatalf("number(%g, %g): two ticks are named %q: %v", lo, hi, k.label.text, s.ticks)
			}
			seen[k.label.text] = true
		}
	}
}

func texts(s *scale) []string {
	var out []string
	for _, k := range s.ticks {
		out = append(out, k.label.text)
	}
	return out
}

func TestNumberLabels(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		lo, hi float64
		whole  bool
		format func(float64) string
		want   []string
	}{
		{"counts", 0, 91, true, nil, []string{"0", "20", "40", "60", "80", "100"}},
		{"few", 0, 3, true, nil, []string{"0", "1", "2", "3"}},
		{"none", 0, 0, true, nil, []string{"0", "1"}},
		{"equal", 42, 42, true, nil, []string{"0", "10", "20", "30", "40", "50"}},
		{"equal_below_zero", -4, -4, false, nil, []string{"−4", "−3", "−2", "−1", "0"}},
		{"thousands_share_a_unit", 0, 190_000, true, nil, []string{"0", "50K", "100K", "150K", "200K"}},
		{"halves", 0, 2_400_000, true, nil, []string{"0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"}},
		{"far_from_zero", 1004, 1008, true, nil, []string{"1,004", "1,005", "1,006", "1,007", "1,008"}},
		{"report_format", 0, 10_000_000, true, sarCompact, []string{"SAR 0", "SAR 2M", "SAR 4M", "SAR 6M", "SAR 8M", "SAR 10M"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, texts(number(c.lo, c.hi, c.whole, 6, c.format))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEvenDecimals(t *testing.T) {
	t.Parallel()
	cases := []struct{ in, want []string }{
		{[]string{"0", "SAR 25.0K", "SAR 50.0K", "SAR 125K"}, []string{"0", "SAR 25K", "SAR 50K", "SAR 125K"}},
		{[]string{"0", "2.50M", "5.00M", "7.50M"}, []string{"0", "2.5M", "5.0M", "7.5M"}},
		{[]string{"1.2.3", "1.0"}, []string{"1.2.3", "1.0"}},
		{[]string{"1.00e+20", "2.00e+20"}, []string{"1.00e+20", "2.00e+20"}},
		{[]string{".50", "1.00"}, []string{".50", "1.00"}},
		{[]string{"10.0%", "20.0%"}, []string{"10%", "20%"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, evenDecimals(c.in)); diff != "" {
			t.Errorf("%v (-want +got)\n%s", c.in, diff)
		}
	}
}

func TestTimeTicks(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	at := func(loc *time.Location, y int, m time.Month, d, h, mi int) time.Time {
		return time.Date(y, m, d, h, mi, 0, 0, loc)
	}
	cases := []struct {
		name string
		from time.Time
		span time.Duration
		most int
		want []string
	}{
		{"minutes", at(riyadh, 2026, 11, 22, 18, 34), 100 * time.Minute, 6, []string{"19:00", "19:30", "20:00"}},
		{"over_midnight", at(riyadh, 2026, 11, 22, 21, 10), 5 * time.Hour, 6, []string{"22:00", "23:00", "23 Nov", "01:00", "02:00"}},
		{"day_changes_between_ticks", at(riyadh, 2026, 11, 22, 20, 0), 10 * time.Hour, 3, []string{"23 Nov", "06:00"}},
		{"seconds", at(riyadh, 2026, 11, 22, 20, 0), 40 * time.Second, 5, []string{"20:00:00", "20:00:10", "20:00:20", "20:00:30", "20:00:40"}},
		{"weeks_start_on_monday", at(riyadh, 2026, 11, 1, 0, 0), 35 * 24 * time.Hour, 6, []string{"2 Nov", "9 Nov", "16 Nov", "23 Nov", "30 Nov"}},
		{"months", at(riyadh, 2026, 10, 5, 0, 0), 150 * 24 * time.Hour, 6, []string{"Nov", "Dec", "2027", "Feb", "Mar"}},
		{"years", at(riyadh, 2020, 3, 5, 0, 0), 5 * 365 * 24 * time.Hour, 6, []string{"2021", "2022", "2023", "2024", "2025"}},
		{"clocks_forward", at(berlin, 2026, 3, 29, 0, 0), 8 * time.Hour, 8, []string{"29 Mar", "01:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00"}},
		{"clocks_forward_coarse", at(berlin, 2026, 3, 28, 20, 0), 30 * time.Hour, 6, []string{"29 Mar", "06:00", "12:00", "18:00", "30 Mar"}},
		{"clocks_back", at(berlin, 2026, 10, 24, 20, 0), 30 * time.Hour, 6, []string{"25 Oct", "06:00", "12:00", "18:00", "26 Oct"}},
		{"clocks_back_fine", at(berlin, 2026, 10, 25, 1, 0), 4 * time.Hour, 5, []string{"01:00", "02:00", "02:00", "03:00", "04:00"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := times(c.from, 0, c.span.Seconds(), c.most, 1)
			if diff := cmp.Diff(c.want, texts(s)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Ticks of any span in any zone rise, stand on the wall clock, and are few.
func TestTimeTicksAnywhere(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(8, 9))
	zones := []*time.Location{time.UTC, riyadh, zone(t, "Europe/Berlin"), zone(t, "America/St_Johns"), zone(t, "Australia/Lord_Howe")}
	for range 3000 {
		from := time.Unix(rng.Int64N(4e9), 0).In(zones[rng.IntN(len(zones))])
		span := math.Pow(10, 1+rng.Float64()*8.5)
		most := 3 + rng.IntN(10)
		s := times(from, 0, span, most, 1)
		if n := len(s.ticks); n > most+2 || n < most/7 {
			t.Fatalf("%v for %g s: %d ticks, at most %d asked for", from, span, n, most)
		}
		for i, k := range s.ticks {
			at := from.Add(time.Duration(k.at * 1e9)).Round(time.Second)
			if at.Second()%5 != 0 && span > 100 {
				t.Fatalf("%v for %g s: tick at %v", from, span, at)
			}
			if i > 0 && k.at <= s.ticks[i-1].at {
				t.Fatalf("%v for %g s: ticks do not rise: %v", from, span, s.ticks)
			}
			if k.at < -1e-6 || k.at > span+1e-6 {
				t.Fatalf("%v for %g s: tick at %g", from, span, k.at)
			}
		}
	}
}
