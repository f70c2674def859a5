package apriori

import (
	"cmp"
	"math"
	"slices"
)

// fisher is the probability that, when a and c of n baskets are drawn without regard to each other, both or more are
// drawn twice: the upper tail of the hypergeometric distribution.
//
// Its first term comes from Loader's saddle-point form, "Fast and accurate computation of binomial probabilities", 2000,
// as R's dhyper does it, because differences of log-factorials lose as many digits as n has; the others by their ratio.
// The sum runs away from the mode, so that it is short and nothing underflows before it is negligible.
func fisher(both, a, c, n int64) float64 {
	if both <= max(0, a+c-n) {
		return 1
	}
	x, k, draws, rest := float64(both), float64(c), float64(a), float64(n-c-a)
	if x > k*draws/float64(n) {
		sum, term := 1.0, 1.0
		for x, top := x, float64(min(a, c)); x < top && term > sum*1e-18; x++ {
			term *= (k - x) / (x + 1) * ((draws - x) / (rest + x + 1))
			sum += term
		}
		return min(1, math.Exp(logHypergeometric(both, a, c, n))*sum)
	}
	sum, term := 1.0, 1.0
	x--
	for low := float64(max(0, a+c-n)); x > low && term > sum*1e-18; x-- {
		term *= x / (k - x + 1) * ((rest + x) / (draws - x + 1))
		sum += term
	}
	return max(0, 1-math.Exp(logHypergeometric(both-1, a, c, n))*sum)
}

// logHypergeometric is the logarithm of the probability that exactly x are drawn twice; 0 < a < n.
func logHypergeometric(x, a, c, n int64) float64 {
	p := float64(a) / float64(n)
	q := float64(n-a) / float64(n)
	return logBinomial(float64(x), float64(c), p, q) + logBinomial(float64(a-x), float64(n-c), p, q) - logBinomial(float64(a), float64(n), p, q)
}

// logBinomial is the logarithm of the probability of x successes in n draws of probability p = 1-q.
func logBinomial(x, n, p, q float64) float64 {
	switch {
	case n == 0:
		return 0
	case x == 0:
		if p < 0.1 {
			return -deviance(n, n*q) - n*p
		}
		return n * math.Log(q)
	case x == n:
		if q < 0.1 {
			return -deviance(n, n*p) - n*q
		}
		return n * math.Log(p)
	}
	parts := stirlingError(n) - stirlingError(x) - stirlingError(n-x) - deviance(x, n*p) - deviance(n-x, n*q)
	return parts - 0.5*(math.Log(2*math.Pi)+math.Log(x)+math.Log1p(-x/n))
}

// stirlingError is log(n!) less Stirling's formula for it.
func stirlingError(n float64) float64 {
	if n <= 15 {
		g, _ := math.Lgamma(n + 1)
		return g - (n+0.5)*math.Log(n) + n - 0.5*math.Log(2*math.Pi)
	}
	n2 := n * n
	return (1.0/12 - (1.0/360-(1.0/1260-(1.0/1680-1.0/1188/n2)/n2)/n2)/n2) / n
}

// deviance is x*log(x/m) + m - x, without loss where x is near m.
func deviance(x, m float64) float64 {
	d := x - m
	if math.Abs(d) >= 0.1*(x+m) {
		return x*math.Log(x/m) - d
	}
	v := d / (x + m)
	sum, term := d*v, 2*x*v
	for j := 3.0; ; j += 2 {
		term *= v * v
		next := sum + term/j
		if next == sum {
			return sum
		}
		sum = next
	}
}

// discoveries fills the rules' Q from their P, by the step-up procedure of Benjamini and Hochberg among so many tests.
// Tests without a rule count as if their p-value were 1, which only raises Q.
func discoveries(rules []Rule, tests float64) {
	order := make([]int32, len(rules))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(rules[a].P, rules[b].P) })
	least := 1.0
	for i := len(order) - 1; i >= 0; i-- {
		r := &rules[order[i]]
		least = min(least, r.P*tests/float64(i+1))
		r.Q = least
	}
}
