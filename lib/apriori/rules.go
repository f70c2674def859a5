package apriori

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// RuleOptions choose rules.
type RuleOptions struct {
	MinConfidence float64 // 0 to 1
	MaxConsequent int     // items on the right side; 0 = no limit. 1 gives the rules R's arules gives
}

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
//
// Representativity, which mlxtend lists too, is 1 for data without missing values.
type Rule struct {
	Antecedent, Consequent           []int32
	Count                            int64 // baskets that hold both sides
	AntecedentCount, ConsequentCount int64 // baskets that hold one side

	Support, Confidence, Lift, Leverage, Conviction, Zhang, Jaccard, Certainty, Kulczynski float64
}

// maxRuleItems keeps the masks over a set's items in one word and their number within reason.
const maxRuleItems = 30

// Rules splits every itemset into antecedent and consequent and keeps the rules with enough confidence, compared as
// float64. They come by lift, confidence and support, all descending, and then by antecedent and consequent.
//
// Cost: a look-up by binary search for each of the up to 2^n-2 splits of a set of n items, n with MaxConsequent 1.
func Rules(s *Itemsets, o RuleOptions) ([]Rule, error) {
	if !(o.MinConfidence >= 0 && o.MinConfidence <= 1) {
		return nil, fmt.Errorf("min confidence is %v, it must be from 0 to 1", o.MinConfidence)
	}
	if o.MaxConsequent <= 0 {
		o.MaxConsequent = maxRuleItems
	}
	var rules []Rule
	for items, count := range s.All() {
		if len(items) < 2 {
			continue
		}
		if len(items) > maxRuleItems {
			return nil, fmt.Errorf("an itemset of %d items has too many rules, mine sets of up to %d", len(items), maxRuleItems)
		}
		for mask := range splits(len(items), o.MaxConsequent) {
			var left, right []int32
			for i, item := range items {
				if mask>>i&1 == 1 {
					right = append(right, item)
				} else {
					left = append(left, item)
				}
			}
			r := measure(count, s.Count(left...), s.Count(right...), s.Baskets)
			if r.Confidence >= o.MinConfidence {
				r.Antecedent, r.Consequent = left, right
				rules = append(rules, r)
			}
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		return cmp.Or(
			cmp.Compare(b.Lift, a.Lift), cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Support, a.Support),
			slices.Compare(a.Antecedent, b.Antecedent), slices.Compare(a.Consequent, b.Consequent))
	})
	return rules, nil
}

// splits yields the masks of consequents with 1 to most items that leave an antecedent.
func splits(items, most int) func(yield func(uint) bool) {
	return func(yield func(uint) bool) {
		if most == 1 { // the usual case: n masks, not 2^n
			for i := range items {
				if !yield(1 << i) {
					return
				}
			}
			return
		}
		for mask := uint(1); mask < 1<<items-1; mask++ {
			if bits.OnesCount(mask) <= most && !yield(mask) {
				return
			}
		}
	}
}

// measure works the metrics out from the counts of both sides together, of each, and of all baskets.
func measure(both, left, right int64, baskets int) Rule {
	n := float64(baskets)
	sAC, sA, sC := float64(both)/n, float64(left)/n, float64(right)/n
	r := Rule{Count: both, AntecedentCount: left, ConsequentCount: right, Support: sAC}
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
