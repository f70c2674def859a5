package anomaly

import (
	"fmt"
	"math"
	"slices"
)

// Kind is the direction of an anomaly.
type Kind string

const (
	Spike Kind = "spike"
	Drop  Kind = "drop"
)

// Options of detection; [Defaults] fills them. Lengths are in windows.
type Options struct {
	Window    int     // previous windows that make the local baseline
	Threshold float64 // least score of one window's revenue, in standard deviations
	Chance    float64 // greatest chance by which order counts may be so far off, above 0 and below 0.5
	Ratio     float64 // a spike is at least this many times the expected, a drop at most one such part of it
	Spans     []int   // lengths of the sums tested by count, ascending
	Day       int     // windows a day; 0 = there is no daily shape
	Days      int     // days of history that make the seasonal baseline
	Around    int     // windows before and after the same time of day that count with it
	Gap       int     // events of one kind with at most this many windows between them are one
}

// Defaults are for windows of one minute.
func Defaults() Options {
	return Options{
		Window: 60, Threshold: 5, Chance: 1e-7, Ratio: 2, Spans: []int{1, 5, 10, 15, 30, 60}, Day: 1440, Days: 7, Around: 7, Gap: 5,
	}
}

// Check reports the first setting that makes no sense.
func (o Options) Check() error {
	switch {
	case o.Window < 2*minSpan:
		return fmt.Errorf("window is %d, it must be at least %d", o.Window, 2*minSpan)
	case !(o.Threshold > 0) || math.IsInf(o.Threshold, 0):
		return fmt.Errorf("threshold is %v, it must be above 0", o.Threshold)
	case !(o.Chance > 0 && o.Chance < 0.5):
		return fmt.Errorf("chance is %v, it must be above 0 and below 0.5", o.Chance)
	case !(o.Ratio >= 1) || math.IsInf(o.Ratio, 0):
		return fmt.Errorf("ratio is %v, it must be at least 1", o.Ratio)
	case len(o.Spans) == 0 || o.Spans[0] < 1 || !slices.IsSorted(o.Spans):
		return fmt.Errorf("spans are %v, they must be ascending and at least 1", o.Spans)
	case o.Day < 0 || (o.Days < 1 || o.Days > maxDays) && o.Day > 0 || o.Around < 0 || o.Gap < 0 || o.Day > 0 && o.Around >= o.Day/2:
		return fmt.Errorf("day %d, days %d, around %d, gap %d do not fit together", o.Day, o.Days, o.Around, o.Gap)
	}
	return nil
}

// History is how many windows before one have a say in whether it is an anomaly: the days of its season, as many again for
// how far sales scattered around theirs, the local baseline and the longest span. A search that begins there gives
// the same scores to a part in a hundred as one over the whole past: only windows that were flagged still reach further.
func (o Options) History() int {
	return 2*o.Days*o.Day + o.Around + 2*o.Window + o.Spans[len(o.Spans)-1]
}

// minSpan is the least number of windows a local baseline can stand on, twice.
const minSpan = 15

// Event is one anomaly: windows first to first+windows-1 of the series.
type Event struct {
	First, Windows int
	Kind           Kind
	Observed       int64   // revenue over the event, minor units
	Expected       float64 // revenue the baseline expected over the event, minor units
	Score          float64 // standard deviations, of the event as a whole or of its strongest window; negative for a drop
}

// Detect finds the anomalies of a series, in order of time. The options must pass [Options.Check].
//
// Cost: about a quarter of a microsecond a window (BenchmarkDetect); memory: 91 bytes a window.
func Detect(s Series, o Options) ([]Event, Summary) { return DetectFrom(s, o, 0) }

// DetectFrom is [Detect] for the windows from `from` on: those before it are what they are judged by, and of the events
// only those that last beyond the beginning of `from` are reported.
func DetectFrom(s Series, o Options, from int) ([]Event, Summary) {
	d := newDetector(s, o, from)
	for t := range s.Len() {
		d.step(t)
	}
	return d.events(), d.summary
}

// mark is what is known of a window after it was tested.
type mark struct {
	score float64 // of the strongest span or window that covers it; 0 = not flagged
	first int32   // that span
	last  int32
}

type detector struct {
	Series
	o       Options
	from    int     // first window whose events are reported
	recent  int     // first window of the summary
	least   float64 // score that Options.Chance has
	floor   float64 // square of a score that no rule asks for
	base    baseline
	roots   roots
	marks   []mark
	summary Summary

	spread, silent float64 // the last dispersion, and how many orders must be due under it for none to be a drop
}

func newDetector(s Series, o Options, from int) *detector {
	recent := 0
	if o.Day > 0 {
		recent = max(0, s.Len()-o.Days*o.Day)
	}
	least := deviations(o.Chance)
	floor := max(0, min(least, o.Threshold)-0.5)
	return &detector{
		Series: s, o: o, from: from, recent: recent, floor: floor * floor, least: least, base: newBaseline(s, o), roots: newRoots(o.Window),
		marks: make([]mark, s.Len()), summary: Summary{Windows: s.Len()},
	}
}

// step tests the spans that end with window t.
func (d *detector) step(t int) {
	counted, known := t >= d.recent, d.base.known(t)
	if counted {
		d.summary.Orders += d.Orders[t]
	}
	d.base.advance(t)
	if known {
		d.countRule(t)
		d.rootRule(t)
	} else {
		d.roots.push(d.root(t), d.Orders[t] > 0)
	}
	switch {
	case counted && known:
		d.summary.Judged++
	case counted:
		d.summary.Unscored++
	}
	d.base.learn(t, d.marks)
}

// root is the square root of the revenue of window t less that of the revenue the season expects: the daily shape is
// out of it, and without a season it is the square root itself.
func (d *detector) root(t int) float64 {
	return math.Sqrt(math.Max(float64(d.Revenue[t]), 0)) - math.Sqrt(d.base.seasonRevenue(t))
}

// countRule tests order counts over each span that ends with window t, longest the one that a lack of sales shows best.
func (d *detector) countRule(t int) {
	first := t
	for _, span := range d.o.Spans {
		from := t - span + 1
		if from < 0 || !d.base.known(from) || from < d.base.seasonStart && span > d.o.Window/4 {
			break
		}
		first = from
		if score := d.score(first, t); score >= d.least || score <= -d.least {
			d.flag(first, t, score)
		}
	}
	if t < d.recent {
		return
	}
	if spread := d.base.dispersion[t]; spread != d.spread {
		d.spread, d.silent = spread, silence(d.least*math.Sqrt(spread))
	}
	if longest, _ := d.base.expect(first, t); longest < d.silent {
		d.summary.Sparse++
	}
}

// score rates the orders of windows first to last, against the baseline that was known before first. It is 0 when they
// are not far enough from every expectation, or so near that no rule would ask: twice the shortfall, and the square of the
// surplus over the expected, are never less than the deviance, and cost no logarithm.
func (d *detector) score(first, last int) float64 {
	observed := float64(d.base.orders.sum(first, last))
	ratio := d.base.ratio(first)
	if first >= d.base.seasonStart { // the season alone is an expectation that most windows are near, and the cheapest
		if season := d.base.seasonOrders.sum(first, last); observed < ratio*season && observed*ratio > season {
			return 0
		}
	}
	low, high := d.base.expect(first, last)
	spread := d.base.dispersion[first]
	high = max(high, 1) // a span in which nothing is expected is no reason to call two orders a spike
	// What is rarely so is asked first: which of more and less it is nobody can guess.
	switch more, less := observed-high, low-observed; {
	case observed >= ratio*high && more > 0 && more*more >= d.floor*spread*high:
		return tail(observed, high, spread)
	case observed*ratio <= low && less > 0 && 2*less >= d.floor*spread:
		return tail(observed, low, spread)
	}
	return 0
}

// rootRule tests the revenue of window t against the median and MAD of the windows before it, where most of those have
// sales. It sees what counts do not: prices that are wrong, one order worth a hundred.
//
// The root of a small count is not normal: where nine orders are due, none at all lies six deviations low and yet happens
// once in 8,000 windows. So the score is at most what the same revenue would get as a number of orders of usual value, of
// which the amounts vary as they did before.
//
// The deviation is worked out only where revenue is far off: it costs as much as all the rest.
func (d *detector) rootRule(t int) {
	x, median := d.root(t), d.roots.median()
	revenue := math.Max(0, float64(d.Revenue[t]))
	low, high := d.base.expectMoney(t)
	switch ratio := d.base.ratio(t); {
	case revenue >= ratio*high && x > median:
		d.rateRoot(t, x-median, revenue, high)
	case revenue*ratio <= low && x < median:
		d.rateRoot(t, x-median, revenue, low)
	}
	if d.marks[t].score != 0 { // a flagged window must not teach the baseline its own size
		scale := d.scale(t, median)
		x = max(median-3*scale, min(median+3*scale, x))
	}
	d.roots.push(x, d.Orders[t] > 0)
}

// rateRoot flags window t when its root lies far enough off the median.
func (d *detector) rateRoot(t int, off, revenue, due float64) {
	order := d.base.orderValue(t)
	if order <= 0 || !d.roots.dense() {
		return
	}
	score := off / d.scale(t, d.roots.median()) // scale is above 0 because order is
	if math.Abs(score) < d.o.Threshold {
		return
	}
	asOrders := tail(revenue/order, due/order, d.base.dispersion[t]+d.base.ofAmounts)
	if least := min(math.Abs(score), math.Abs(asOrders)); sameKind(score, asOrders) && least >= d.o.Threshold {
		d.flag(t, t, math.Copysign(least, score))
	}
}

// scale is one deviation of the roots around their median, as known before window t.
func (d *detector) scale(t int, median float64) float64 {
	return d.roots.scale(median, math.Sqrt(math.Max(0, d.base.expectRevenue(t, t))), math.Sqrt(d.base.orderValue(t)))
}

// flag marks the windows of a span, keeping the strongest span for each.
func (d *detector) flag(first, last int, score float64) {
	for t := first; t <= last; t++ {
		if math.Abs(score) > math.Abs(d.marks[t].score) {
			d.marks[t] = mark{score, int32(first), int32(last)}
		}
	}
}
