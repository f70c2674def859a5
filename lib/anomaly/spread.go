package anomaly

// Block is how many windows make one residual of the dispersion. Series that begin a whole number of blocks apart are cut
// into the same ones.
const Block = 5

// prior is how many blocks of Poisson counts a series is taken to have had before it begins.
const prior = 200

// spread is how far sales scatter around what is expected, from the blocks of the last o.Days days. It forgets what is
// older altogether, so that a search which begins later comes to the same.
type spread struct {
	keep int // blocks

	residuals, residualN prefix // by block: squared residuals of counts, clipped, and their number
	amounts, amountsN    prefix // by block: squared distances of revenue from that of as many usual orders, and of how many orders

	inBlock, inBlockN float64 // amounts of the block at hand

	ofCounts  float64 // variance of counts over their mean, at least 1
	ofAmounts float64 // variance of the amounts of single orders over their squared mean
}

func newSpread(n int, o Options) spread {
	sums := func() prefix { return append(make(prefix, 0, n/Block+2), 0) }
	s := spread{keep: o.Days * o.Day / Block, residuals: sums(), residualN: sums(), amounts: sums(), amountsN: sums(), ofCounts: 1}
	if o.Day == 0 {
		s.keep = 2000
	}
	return s
}

// scatter compares how far the counts and amounts of window t lie from the expected with how far those of Poisson events
// of one amount would. Flagged windows have no say.
func (b *baseline) scatter(t int, marks []mark) {
	if n, value := float64(b.orders.sum(t, t)), b.orderValue(t); n > 0 && value > 0 && marks[t].score == 0 {
		x := float64(b.revenue.sum(t, t))/value - n
		b.inBlock += min(x*x, 9*n)
		b.inBlockN += n
	}
	if t%Block != Block-1 {
		return
	}
	b.amounts, b.amountsN = b.amounts.add(b.inBlock), b.amountsN.add(b.inBlockN)
	b.inBlock, b.inBlockN = 0, 0
	residual, n := b.residual(t-Block+1, t, marks)
	b.residuals, b.residualN = b.residuals.add(residual), b.residualN.add(n)
	first, last := max(0, len(b.residuals)-1-b.keep), len(b.residuals)-2
	b.ofCounts = max(1, (prior+b.residuals.sum(first, last))/(prior+b.residualN.sum(first, last)))
	b.ofAmounts = b.amounts.sum(first, last) / max(b.amountsN.sum(first, last), calm)
}

// residual is the squared distance of the orders of a block from the expected, in variances of Poisson counts; n is 0
// when the block says nothing.
func (b *baseline) residual(first, last int, marks []mark) (residual, n float64) {
	if !b.known(first) {
		return 0, 0
	}
	for _, m := range marks[first : last+1] {
		if m.score != 0 {
			return 0, 0
		}
	}
	low, high := b.expect(first, last)
	due := (low + high) / 2
	if due <= 0 {
		return 0, 0
	}
	x := float64(b.orders.sum(first, last)) - due
	return min(x*x/due, 9), 1
}

// add appends what the next block adds.
func (p prefix) add(x float64) prefix { return append(p, p[len(p)-1]+x) }
