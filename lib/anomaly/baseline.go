package anomaly

import "math"

// prefix are running sums of what the baseline expects: sum(first, last) is the sum of windows first to last in two
// look-ups.
type prefix []float64

func (p prefix) sum(first, last int) float64 { return p[last+1] - p[first] }

// counts are running sums of what was sold; integers, so that no cent is lost and sums sort fast.
type counts []int64

func (c counts) sum(first, last int) int64 { return c[last+1] - c[first] }

func runningSums(values []int64) counts {
	c := make(counts, len(values)+1)
	for i, v := range values {
		c[i+1] = c[i] + v
	}
	return c
}

// baseline says what a series was expected to sell, from what it sold before.
//
// Two expectations stand side by side. The season is the middle of what earlier days did around the same time of day. The
// level is how the last o.Window windows went: against the season where there is one, in itself where not.
type baseline struct {
	o Options

	orders, revenue              counts // as sold
	seasonOrders, seasonRevenues prefix // as the season expects; 0 while there is none
	seasonStart                  int    // first window with a season
	seasonSure                   int    // first window whose season has more than two days

	cleanOrders, cleanRevenue prefix // as sold, flagged windows clipped; filled up to the window at hand

	level []float64 // by window, from the windows before it: ratio to the season, or 1 without one

	// By window, before seasonSure; later ones do without.
	localOrder []float64 // orders a window over the last o.Window
	localRev   []float64
	recent     []float64 // orders a window over the last o.Window/4

	dispersion []float64 // by window, from the windows before it: variance of counts over their mean, at least 1; Poisson has 1
	spread               // what is known so far of how far sales scatter
}

// calm is how many orders of plain expectation damp the level: a shop that sold 3 where 1 was due is not three times busier.
const calm = 20

// maxDays bounds Options.Days.
const maxDays = 32

func newBaseline(s Series, o Options) baseline {
	n := s.Len()
	b := baseline{
		o: o, orders: runningSums(s.Orders), revenue: runningSums(s.Revenue),
		seasonOrders: make(prefix, n+1), seasonRevenues: make(prefix, n+1), seasonStart: math.MaxInt, seasonSure: math.MaxInt,
		cleanOrders: make(prefix, n+1), cleanRevenue: make(prefix, n+1),
		level: make([]float64, n), dispersion: make([]float64, n), spread: newSpread(n, o),
	}
	if o.Day > 0 {
		b.seasonStart = o.Day + o.Around
	}
	if o.Day > 0 && o.Days > 2 {
		b.seasonSure = 3*o.Day + o.Around
	}
	local := min(n, b.seasonSure)
	b.localOrder, b.localRev, b.recent = make([]float64, local), make([]float64, local), make([]float64, local)
	return b
}

// known tells whether window t has anything before it to be judged by.
func (b *baseline) known(t int) bool { return t >= 2*minSpan }

// advance works out what was known before window t.
func (b *baseline) advance(t int) {
	w := min(t, b.o.Window)
	if t < b.seasonSure {
		orders, revenue := b.cleanOrders[t]-b.cleanOrders[t-w], b.cleanRevenue[t]-b.cleanRevenue[t-w]
		b.localOrder[t], b.localRev[t] = orders/float64(max(w, 1)), revenue/float64(max(w, 1))
		q := min(t, b.o.Window/4)
		b.recent[t] = (b.cleanOrders[t] - b.cleanOrders[t-q]) / float64(max(q, 1))
	}
	b.level[t], b.dispersion[t] = 1, b.ofCounts
	if t < b.seasonStart {
		return
	}
	b.season(t)
	if from := max(t-w, b.seasonStart); from < t {
		sold, due := b.cleanOrders.sum(from, t-1), b.seasonOrders.sum(from, t-1)
		b.level[t] = max(1/b.o.Ratio, min(b.o.Ratio, (sold+calm)/(due+calm)))
	}
}

// expect returns the least and the greatest number of orders that windows first to last were expected to have. A span
// that begins before there is a season is judged by its past alone.
func (b *baseline) expect(first, last int) (low, high float64) {
	n := float64(last - first + 1)
	if first < b.seasonStart {
		long, short := b.localOrder[first]*n, b.recent[first]*n
		return min(long, short), max(long, short)
	}
	return b.bounds(first, b.seasonOrders.sum(first, last), b.localOrder, n)
}

// ratio is how far off windows from first on must be. On the first day it is half as much again: nobody can know yet
// when the shop opens and closes.
func (b *baseline) ratio(first int) float64 {
	if first < b.seasonStart && b.o.Day > 0 {
		return 1.5 * b.o.Ratio
	}
	return b.o.Ratio
}

// expectMoney is expect for the revenue of one window.
func (b *baseline) expectMoney(t int) (low, high float64) {
	if t < b.seasonStart {
		return b.localRev[t], b.localRev[t]
	}
	return b.bounds(t, b.seasonRevenues.sum(t, t), b.localRev, 1)
}

// bounds are the least and the greatest of what season and level expect of n windows from window first on, and of what the
// last windows did while the season has only two days: one of them may have been the odd one.
func (b *baseline) bounds(first int, season float64, local []float64, n float64) (low, high float64) {
	level := season * b.level[first]
	low, high = min(season, level), max(season, level)
	if first < b.seasonSure {
		low, high = min(low, local[first]*n), max(high, local[first]*n)
	}
	return low, high
}

// expectRevenue is the money that windows first to last were expected to bring.
func (b *baseline) expectRevenue(first, last int) float64 {
	if first < b.seasonStart {
		return b.localRev[first] * float64(last-first+1)
	}
	return b.seasonRevenues.sum(first, last) * b.level[first]
}

func (b *baseline) seasonRevenue(t int) float64 {
	if t < b.seasonStart {
		return 0
	}
	return b.seasonRevenues.sum(t, t)
}

// orderValue is the mean money an order brought in the days before window t.
func (b *baseline) orderValue(t int) float64 {
	from := max(0, t-b.keep*Block)
	if orders := b.orders[t] - b.orders[from]; orders > 0 {
		return max(0, float64(b.revenue[t]-b.revenue[from])/float64(orders))
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
		orders, revenue := float64(b.orders.sum(u, u)), float64(b.revenue.sum(u, u))
		if marks[u].score != 0 {
			low, high := b.expect(u, u)
			due := b.expectRevenue(u, u)
			orders = max(low/b.o.Ratio, min(high*b.o.Ratio, orders))
			revenue = max(due/b.o.Ratio, min(due*b.o.Ratio, revenue))
		}
		b.cleanOrders[u+1] = b.cleanOrders[u] + orders
		b.cleanRevenue[u+1] = b.cleanRevenue[u] + revenue
	}
	b.scatter(t, marks)
}
