package apriori

import "math"

// Rule says that baskets with the antecedent tend to hold the consequent too. Both are ascending and share no item.
//
// With s for support, the metrics of A -> C are mlxtend's, in its order of operations:
//
//	Confidence       s(AC)/s(A)
//	Lift             confidence/s(C)
//	Leverage         s(AC) - s(A)s(C)
//	Conviction       (1-s(C))/(1-confidence), +Inf when confidence is 1
//	Zhang            leverage/max(s(AC)(1-s(A)), s(A)(s(C)-s(AC))), 0 when the divisor is 0
//	Jaccard          s(AC)/(s(A)+s(C)-s(AC))
//	Certainty        (confidence-s(C))/(1-s(C)), 0 when s(C) is 1
//	Kulczynski       (s(AC)/s(A) + s(AC)/s(C))/2
//	Representativity 1: no basket is missing
//
// ConfidenceLow and ConfidenceHigh are the interval of Wilson, "Probable inference, the law of succession, and
// statistical inference", JASA 22, 1927: where the confidence would lie in endlessly many such baskets.
//
// P is the one-sided p-value of Fisher's exact test: how likely so many common baskets, or more, are when A and C are
// bought without regard to each other. Q is the least false-discovery rate at which the rule is taken for true, by
// Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57, 1995: of all rules with a Q up to 0.05,
// about one in twenty is luck. The tests are all pairs of disjoint frequent sides, also those that never made a rule,
// so Q is on the safe side; it does not depend on the other options but MinConfidence and MaxConsequent.
type Rule struct {
	Antecedent, Consequent           []int32
	Count                            int64 // baskets that hold both sides
	AntecedentCount, ConsequentCount int64 // baskets that hold one side

	Support, Confidence, Lift, Leverage, Conviction, Zhang, Jaccard, Certainty, Kulczynski, Representativity float64

	ConfidenceLow, ConfidenceHigh float64
	P, Q                          float64
}

// measure works the metrics out from the counts of both sides together, of each, and of all baskets.
func measure(both, left, right int64, baskets int) Rule {
	n := float64(baskets)
	sAC, sA, sC := float64(both)/n, float64(left)/n, float64(right)/n
	r := Rule{Count: both, AntecedentCount: left, ConsequentCount: right, Support: sAC, Representativity: 1}
	r.Confidence = sAC / sA
	r.Lift = r.Confidence / sC
	r.Leverage = sAC - float64(sA*sC)
	r.Conviction = math.Inf(1)
	if r.Confidence < 1 {
		r.Conviction = (1 - sC) / (1 - r.Confidence)
	}
	if divisor := max(float64(sAC*(1-sA)), float64(sA*(sC-sAC))); divisor != 0 {
		r.Zhang = r.Leverage / divisor
	}
	r.Jaccard = sAC / (sA + sC - sAC)
	if sC != 1 {
		r.Certainty = (r.Confidence - sC) / (1 - sC)
	}
	r.Kulczynski = (r.Confidence + sAC/sC) / 2
	return r
}

// quantile is z such that a standard normal number lies within -z and z with the given probability.
func quantile(level float64) float64 { return math.Sqrt2 * math.Erfinv(level) }

// wilson is the interval of a share that was k of n, with n above 0.
func wilson(k, n int64, z float64) (low, high float64) {
	p, size := float64(k)/float64(n), float64(n)
	z2 := z * z
	middle := (p + z2/(2*size)) / (1 + z2/size)
	half := z / (1 + z2/size) * math.Sqrt(p*(1-p)/size+z2/(4*size*size))
	low, high = max(0, middle-half), min(1, middle+half)
	switch k { // exact at the ends
	case 0:
		low = 0
	case n:
		high = 1
	}
	return low, high
}
