package anomaly

import (
	"math"
	"slices"
)

// prefix are running sums: sum(first, last) is the sum of windows first to last in two look-ups.
type prefix []float64

func (p prefix) sum(first, last int) float64 { return p[last+1] - p[first] }

func newPrefix(values []int64) prefix {
	p := make(prefix, len(values)+1)
	for i, v := range values {
		p[i+1] = p[i] + float64(v)
	}
	return p
}

// baseline says what a series was expected to sell, from what it sold before.
//
// Two expectations stand side by side. The season is the middle of what earlier days did around the same time of day.
// The level is how the last o.Window windows went: against the season where there is one, in itself where not.
type baseline struct {
	o Options

	orders, revenue              prefix // as sold
	seasonOrders, seasonRevenues prefix // as the season expects; 0 while there is none
	seasonStart                  int    // first window with a season

	cleanOrders, cleanRevenue prefix // as sold, flagged windows clipped; filled up to the window at hand

	level      []float64 // by window, from the windows before it: ratio to the season, or 1 without one
	localOrder []float64 // by window: orders a window over the last o.Window
	localRev   []float64
	recent     []float64 // by window: orders a window over the last o.Window/4

	dispersion []float64 // by window, from the windows before it: variance of counts over their mean, at least 1; Poisson has 1
	residuals  float64   // sum of clipped squared residuals, fading
	residualN  float64   // their number, fading too
}

// calm is how many orders of plain expectation damp the level: a shop that sold 3 where 1 was due is not three times busier.
const calm = 20

// maxDays bounds Options.Days.
const maxDays = 32

// block is how many windows make one residual of the dispersion.
const block = 5

func newBaseline(s Series, o Options) baseline {
	n := s.Len()
	b := baseline{
		o: o, orders: newPrefix(s.Orders), revenue: newPrefix(s.Revenue),
		seasonOrders: make(prefix, n+1), seasonRevenues: make(prefix, n+1), seasonStart: math.MaxInt,
		cleanOrders: make(prefix, n+1), cleanRevenue: make(prefix, n+1),
		level: make([]float64, n), localOrder: make([]float64, n), localRev: make([]float64, n), recent: make([]float64, n),
		dispersion: make([]float64, n), residuals: 200, residualN: 200,
	}
	if o.Day > 0 {
		b.seasonStart = o.Day + o.Around
	}
	return b
}

// known tells whether window t has anything before it to be judged by.
func (b *baseline) known(t int) bool { return t >= 2*minSpan }

// days is how many days make the season of window t; 0 = there is none yet.
func (b *baseline) days(t int) int {
	if b.o.Day == 0 {
		return 0
	}
	return max(0, min(b.o.Days, (t-b.o.Around)/b.o.Day))
}

// advance works out what was known before window t.
func (b *baseline) advance(t int) {
	w := min(t, b.o.Window)
	orders, revenue := b.cleanOrders.sum(t-w, t-1), b.cleanRevenue.sum(t-w, t-1)
	b.localOrder[t], b.localRev[t] = orders/float64(max(w, 1)), revenue/float64(max(w, 1))
	q := min(t, b.o.Window/4)
	b.recent[t] = b.cleanOrders.sum(t-q, t-1) / float64(max(q, 1))
	b.level[t], b.dispersion[t] = 1, math.Max(1, b.residuals/b.residualN)
	if days := b.days(t); days > 0 {
		b.seasonOrders[t+1] = b.seasonOrders[t] + b.around(b.orders, t, days)
		b.seasonRevenues[t+1] = b.seasonRevenues[t] + b.around(b.revenue, t, days)
		if from := max(t-w, b.seasonStart); from < t {
			sold, due := b.cleanOrders.sum(from, t-1), b.seasonOrders.sum(from, t-1)
			b.level[t] = math.Max(1/b.o.Ratio, math.Min(b.o.Ratio, (sold+calm)/(due+calm)))
		}
	}
}

// around is what the season expects of one window: the middle of what earlier days did around the same time of day. The
// middle is the mean of the middle half: like a median it forgets the days something went wrong, and unlike one it is not
// zero wherever most days are.
func (b *baseline) around(p prefix, t, days int) float64 {
	var sums [maxDays]float64
	at := sums[:0]
	for d := 1; d <= days; d++ {
		at = append(at, p.sum(t-d*b.o.Day-b.o.Around, t-d*b.o.Day+b.o.Around))
	}
	slices.Sort(at)
	at = at[(days+1)/4 : days-(days+1)/4]
	total := 0.0
	for _, sum := range at {
		total += sum
	}
	return total / float64(len(at)*(2*b.o.Around+1))
}

// expect returns the least and the greatest number of orders that windows first to last were expected to have. A span
// that begins before there is a season is judged by its past alone.
func (b *baseline) expect(first, last int) (low, high float64) {
	n := float64(last - first + 1)
	if b.days(first) == 0 {
		long, short := b.localOrder[first]*n, b.recent[first]*n
		return math.Min(long, short), math.Max(long, short)
	}
	return b.bounds(first, b.seasonOrders.sum(first, last), b.localOrder[first]*n)
}

// ratio is how far off windows from first on must be. On the first day it is half as much again: nobody can know yet
// when the shop opens and closes.
func (b *baseline) ratio(first int) float64 {
	if b.days(first) == 0 && b.o.Day > 0 {
		return 1.5 * b.o.Ratio
	}
	return b.o.Ratio
}

// expectMoney is expect for the revenue of one window.
func (b *baseline) expectMoney(t int) (low, high float64) {
	if b.days(t) == 0 {
		return b.localRev[t], b.localRev[t]
	}
	return b.bounds(t, b.seasonRevenues.sum(t, t), b.localRev[t])
}

// bounds are the least and the greatest of what season and level expect from window first on, and of what the last
// windows did while the season has only two days: one of them may have been the odd one.
func (b *baseline) bounds(first int, season, local float64) (low, high float64) {
	level := season * b.level[first]
	low, high = math.Min(season, level), math.Max(season, level)
	if b.days(first) <= 2 {
		low, high = math.Min(low, local), math.Max(high, local)
	}
	return low, high
}

// expectRevenue is the money that windows first to last were expected to bring.
func (b *baseline) expectRevenue(first, last int) float64 {
	if b.days(first) == 0 {
		return b.localRev[first] * float64(last-first+1)
	}
	return b.seasonRevenues.sum(first, last) * b.level[first]
}

func (b *baseline) seasonRevenue(t int) float64 {
	if b.days(t) == 0 {
		return 0
	}
	return b.seasonRevenues.sum(t, t)
}

// orderValue is the mean money an order brought before window t.
func (b *baseline) orderValue(t int) float64 {
	if orders := b.orders[t]; orders > 0 {
		return math.Max(0, b.revenue[t]/orders)
	}
	return 0
}

// learn takes window t into the baseline of later ones. A flagged window enters as at most Ratio times off what was
// expected: an outage does not drag the baseline down with it, yet a change that lasts becomes the new normal.
func (b *baseline) learn(t int, marks []mark) {
	// A span that was flagged only now reaches back over windows that were taken in as sold.
	from := t
	for from > max(0, t-b.o.Spans[len(b.o.Spans)-1]) && marks[from].score != 0 && marks[from-1].score != 0 {
		from--
	}
	for u := from; u <= t; u++ {
		orders, revenue := b.orders.sum(u, u), b.revenue.sum(u, u)
		if marks[u].score != 0 {
			low, high := b.expect(u, u)
			due := b.expectRevenue(u, u)
			orders = math.Max(low/b.o.Ratio, math.Min(high*b.o.Ratio, orders))
			revenue = math.Max(due/b.o.Ratio, math.Min(due*b.o.Ratio, revenue))
		}
		b.cleanOrders[u+1] = b.cleanOrders[u] + orders
		b.cleanRevenue[u+1] = b.cleanRevenue[u] + revenue
	}
	b.disperse(t, marks)
}

// disperse compares, every few windows, how far counts lie from the expected with how far Poisson counts would.
func (b *baseline) disperse(t int, marks []mark) {
	first := t - block + 1
	if t%block != block-1 || first < 0 || !b.known(first) {
		return
	}
	for _, m := range marks[first : t+1] {
		if m.score != 0 {
			return
		}
	}
	low, high := b.expect(first, t)
	due := (low + high) / 2
	if due <= 0 {
		return
	}
	x := b.orders.sum(first, t) - due
	const memory = 2000 // blocks; a week of minutes
	b.residuals += math.Min(x*x/due, 9) - b.residuals/memory
	b.residualN += 1 - b.residualN/memory
}
