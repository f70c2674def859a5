package anomaly

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// steady sells around perMinute orders of 10.00 in each window, all day long.
func steady(seed uint64, n int, perMinute float64) Series {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := Series{Revenue: make([]int64, n), Orders: make([]int64, n)}
	for t := range n {
		s.set(t, int64(poisson(rng, perMinute)))
	}
	return s
}

func (s Series) set(t int, orders int64) {
	s.Orders[t], s.Revenue[t] = orders, 1000*orders
}

func TestConstantSeriesHasNone(t *testing.T) {
	t.Parallel()
	for _, orders := range []int64{0, 1, 7, 1000} {
		s := Series{Revenue: make([]int64, 5000), Orders: make([]int64, 5000)}
		for i := range s.Orders {
			s.set(i, orders)
		}
		if events, _ := Detect(s, Defaults()); len(events) > 0 {
			t.Errorf("%d orders in each window: %v", orders, events)
		}
	}
}

func TestOneEvent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		rate   float64
		at     int
		change func(s Series)
		want   Event
	}{
		{"one_minute_of_six_times_as_much", 10, 6000, func(s Series) { s.set(6000, 60) }, Event{First: 6000, Windows: 1, Kind: Spike}},
		{"on_the_first_day", 10, 900, func(s Series) { s.set(900, 60) }, Event{First: 900, Windows: 1, Kind: Spike}},
		{"ten_minutes_without_a_sale", 10, 6000, func(s Series) { zero(s, 6000, 10) }, Event{First: 6000, Windows: 10, Kind: Drop}},
		{"an_hour_without_a_sale", 2, 6000, func(s Series) { zero(s, 6000, 60) }, Event{First: 6000, Windows: 60, Kind: Drop}},
		{"an_outage_that_goes_on", 10, 6980, func(s Series) { zero(s, 6980, 20) }, Event{First: 6980, Windows: 20, Kind: Drop}},
		{"wrong_prices", 30, 6000, func(s Series) {
			for i := 6000; i < 6010; i++ {
				s.Revenue[i] /= 100
			}
		}, Event{First: 6000, Windows: 10, Kind: Drop}},
		{"one_order_worth_a_hundred", 10, 6000, func(s Series) { s.Revenue[6000] += 100_000 }, Event{First: 6000, Windows: 1, Kind: Spike}},
		{"two_spikes_close_by_are_one", 10, 6000, func(s Series) { s.set(6000, 60); s.set(6004, 70) }, Event{First: 6000, Windows: 5, Kind: Spike}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := steady(3, 7000, tt.rate)
			tt.change(s)
			events, _ := Detect(s, Defaults())
			if len(events) != 1 {
				t.Fatalf("%d events, want one: %+v", len(events), events)
			}
			e := events[0]
			if diff := cmp.Diff(tt.want, e, cmpopts.IgnoreFields(Event{}, "Observed", "Expected", "Score")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			observed := int64(0)
			for i := range e.Windows {
				observed += s.Revenue[e.First+i]
			}
			if e.Observed != observed {
				t.Errorf("observed %d, the windows hold %d", e.Observed, observed)
			}
			if due := 1000 * tt.rate * float64(e.Windows); math.Abs(e.Expected-due) > due/4 {
				t.Errorf("expected %v, about %v is due", e.Expected, due)
			}
			if (e.Score > 0) != (e.Kind == Spike) || math.Abs(e.Score) < 5 {
				t.Errorf("a %s with score %v", e.Kind, e.Score)
			}
		})
	}
}

func zero(s Series, first, n int) {
	for i := first; i < first+n; i++ {
		s.set(i, 0)
	}
}

// Another currency changes no score.
func TestScoresAreScaleFree(t *testing.T) {
	t.Parallel()
	s := &shop{days: 6, perMin: 20, share: []float64{.5}, price: []float64{99}, weekend: 1.4}
	s.faulty(2)
	s.run(2)
	a := s.series[0]
	b := Series{Revenue: make([]int64, a.Len()), Orders: a.Orders}
	for i, v := range a.Revenue {
		b.Revenue[i] = 375 * v
	}
	before, _ := Detect(a, Defaults())
	after, _ := Detect(b, Defaults())
	for i := range after {
		after[i].Observed /= 375
		after[i].Expected /= 375
	}
	if len(before) == 0 {
		t.Fatal("no events to compare")
	}
	if diff := cmp.Diff(before, after, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Errorf("(-one currency +another):\n%s", diff)
	}
}

// What comes later changes nothing about what is over: detection looks back only.
func TestLaterWindowsChangeNothingBefore(t *testing.T) {
	t.Parallel()
	s := &shop{days: 8, perMin: 15, share: []float64{.4}, price: []float64{99}, weekend: 1.4}
	s.faulty(4)
	s.run(4)
	all, _ := Detect(s.series[0], Defaults())
	if len(all) < 5 {
		t.Fatalf("only %d events", len(all))
	}
	over := func(events []Event, before int) []Event {
		var out []Event
		for _, e := range events {
			if e.First+e.Windows < before-60 {
				out = append(out, e)
			}
		}
		return out
	}
	for n := 1500; n < s.series[0].Len(); n += 1999 {
		part, _ := Detect(Series{Revenue: s.series[0].Revenue[:n], Orders: s.series[0].Orders[:n]}, Defaults())
		if diff := cmp.Diff(over(all, n), over(part, n)); diff != "" {
			t.Fatalf("the first %d windows (-with later ones +alone):\n%s", n, diff)
		}
	}
}

// A change that lasts is an event, not an alarm for ever.
func TestLastingChangeEnds(t *testing.T) {
	t.Parallel()
	for _, times := range []float64{0.3, 3} {
		s := steady(5, 20*1440, 6)
		more := steady(6, 10*1440, 6*times)
		copy(s.Orders[10*1440:], more.Orders)
		copy(s.Revenue[10*1440:], more.Revenue)
		events, _ := Detect(s, Defaults())
		if len(events) == 0 || events[0].First < 10*1440-10 || events[0].First > 10*1440+10 {
			t.Fatalf("sales change to %v times at window %d: %+v", times, 10*1440, events)
		}
		last := events[len(events)-1]
		if len(events) > 12 || last.First+last.Windows > 17*1440 {
			t.Errorf("sales change to %v times: %d events, the last until window %d", times, len(events), last.First+last.Windows)
		}
	}
}

func TestSparseSeriesSaysSo(t *testing.T) {
	t.Parallel()
	events, summary := Detect(steady(7, 6*1440, 0.05), Defaults())
	if len(events) > 0 {
		t.Errorf("three orders an hour: %+v", events)
	}
	if scored := summary.Judged; summary.Unscored != 30 || summary.Sparse < scored*95/100 || summary.State() != TooSparse {
		t.Errorf("three orders an hour: %+v", summary)
	}
	if _, busy := Detect(steady(7, 6*1440, 20), Defaults()); busy.Sparse > busy.Windows/50 || busy.State() != Judged {
		t.Errorf("20 orders a minute: %+v", busy)
	}
}

func TestShortSeries(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		events, summary := Detect(steady(8, n, 5), Defaults())
		if len(events) > 0 || summary.Windows != n || summary.Unscored != min(n, 30) {
			t.Errorf("%d windows: %+v, %+v", n, events, summary)
		}
	}
}

func TestWithoutDailyShape(t *testing.T) {
	t.Parallel()
	o := Defaults()
	o.Day = 0
	s := steady(9, 5000, 10)
	s.set(4000, 60)
	zero(s, 3000, 10)
	events, _ := Detect(s, o)
	if len(events) != 2 || events[0].First != 3000 || events[0].Kind != Drop || events[1].First != 4000 || events[1].Kind != Spike {
		t.Errorf("%+v", events)
	}
}

func TestOptionsCheck(t *testing.T) {
	t.Parallel()
	if err := Defaults().Check(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for name, change := range map[string]func(*Options){
		"window":          func(o *Options) { o.Window = 10 },
		"threshold":       func(o *Options) { o.Threshold = 0 },
		"threshold_nan":   func(o *Options) { o.Threshold = math.NaN() },
		"threshold_inf":   func(o *Options) { o.Threshold = math.Inf(1) },
		"chance":          func(o *Options) { o.Chance = 0 },
		"chance_of_half":  func(o *Options) { o.Chance = 0.5 },
		"chance_nan":      func(o *Options) { o.Chance = math.NaN() },
		"ratio_nan":       func(o *Options) { o.Ratio = math.NaN() },
		"ratio":           func(o *Options) { o.Ratio = 0.5 },
		"no_spans":        func(o *Options) { o.Spans = nil },
		"spans_unordered": func(o *Options) { o.Spans = []int{5, 1} },
		"days":            func(o *Options) { o.Days = 0 },
		"too_many_days":   func(o *Options) { o.Days = 33 },
		"around":          func(o *Options) { o.Around = 720 },
	} {
		o := Defaults()
		change(&o)
		if o.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What is older than Options.History may move a score a little, and nothing else: a search may begin there.
func TestHistoryIsEnough(t *testing.T) {
	t.Parallel()
	s := &shop{days: 11, perMin: 15, share: []float64{.4, .1}, price: []float64{99, 20}, weekend: 1.4}
	s.faulty(5)
	s.run(5)
	o := Defaults()
	o.Days = 3
	compared := 0
	for p, all := range s.series {
		for from := o.History(); from+1440 < all.Len(); from += 1500 {
			cut := from - o.History()
			want, _ := DetectFrom(all, o, from)
			got, summary := DetectFrom(Series{Revenue: all.Revenue[cut:], Orders: all.Orders[cut:]}, o, from-cut)
			for i := range got {
				got[i].First += cut
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0.01, 0)); diff != "" {
				t.Errorf("product %d, from window %d (-all before it +history only):\n%s", p, from, diff)
			}
			if summary.Judged != 3*1440 || summary.Unscored != 0 {
				t.Errorf("product %d, from window %d of %d: %+v", p, from, all.Len(), summary)
			}
			compared += len(got)
		}
	}
	if compared < 20 {
		t.Errorf("only %d events compared", compared)
	}
}

// An event that lasts into the windows that are reported is reported whole; one that ended before is not.
func TestDetectFrom(t *testing.T) {
	t.Parallel()
	s := steady(3, 7000, 10)
	zero(s, 5000, 10)
	zero(s, 6000, 20)
	for from, want := range map[int][]int{0: {5000, 6000}, 5009: {5000, 6000}, 5010: {6000}, 6019: {6000}, 6020: nil} {
		var firsts []int
		events, _ := DetectFrom(s, Defaults(), from)
		for _, e := range events {
			firsts = append(firsts, e.First)
		}
		if diff := cmp.Diff(want, firsts); diff != "" {
			t.Errorf("from %d (-want +got):\n%s", from, diff)
		}
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	ended := steady(7, 10*1440, 5)
	zero(ended, 2*1440, 8*1440)
	for _, tt := range []struct {
		name string
		s    Series
		from int
		want State
	}{
		{"no_window", Series{}, 0, TooNew},
		{"half_an_hour", steady(7, 30, 5), 0, TooNew},
		{"three_hours", steady(7, 180, 5), 0, Judged},
		{"busy", steady(7, 3000, 5), 0, Judged},
		{"three_an_hour", steady(7, 3000, 0.05), 0, TooSparse},
		{"never_sold", steady(7, 3000, 0), 0, Silent},
		{"ended_eight_days_ago", ended, 0, Silent},
		{"reported_from_the_end", steady(7, 3000, 5), 3000, Judged},
	} {
		if _, summary := DetectFrom(tt.s, Defaults(), tt.from); summary.State() != tt.want {
			t.Errorf("%s: %q, want %q: %+v", tt.name, summary.State(), tt.want, summary)
		}
	}
}

// Money that is nonsense is no reason to fail: refunds above sales count as nothing sold, amounts near the end of int64 as
// what they are.
func TestOddMoney(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s Series){
		"all_negative": func(s Series) {
			for i := range s.Revenue {
				s.Revenue[i] *= -1
			}
		},
		"all_free": func(s Series) { clear(s.Revenue) },
		"huge": func(s Series) {
			for i := range s.Revenue {
				s.Revenue[i] *= 10_000_000_000
			}
		},
	} {
		s := steady(3, 7000, 10)
		change(s)
		s.Orders[6000] = 60
		events, _ := Detect(s, Defaults())
		if len(events) != 1 || events[0].First != 6000 || events[0].Kind != Spike {
			t.Errorf("%s: %+v", name, events)
		}
		for _, e := range events {
			if math.IsNaN(e.Score+e.Expected) || math.IsInf(e.Score+e.Expected, 0) || e.Expected < 0 {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	for _, rate := range []float64{0.5, 5, 50} {
		s := steady(1, 30*1440, rate)
		b.Run(fmt.Sprintf("windows=%d/orders=%v", s.Len(), rate), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Detect(s, Defaults())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*s.Len()), "ns/window")
		})
	}
}

// One step of the rolling median and deviation over 60 values, both worked out for each: what the search does without is
// the deviation of windows that are near the median.
func BenchmarkRollingDeviation(b *testing.B) {
	s := steady(1, 4096, 30)
	values := make([]float64, s.Len())
	for i, v := range s.Revenue {
		values[i] = math.Sqrt(float64(v)) + float64(i%97)/1e3 // few equal ones
	}
	r := newRoots(60)
	sum, i := 0.0, 0
	b.ReportAllocs()
	for b.Loop() {
		median := r.median()
		sum += r.scale(median, 0, 0)
		r.push(values[i%len(values)], true)
		i++
	}
	if sum == 0 {
		b.Fatal("no deviation")
	}
}
