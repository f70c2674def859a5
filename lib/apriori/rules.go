package apriori

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// RuleOptions choose rules. The zero value keeps all.
type RuleOptions struct {
	MinConfidence float64 // 0 to 1
	MinCount      int64   // baskets that hold both sides, at least
	MaxConsequent int     // items on the right side; 0 = no limit. 1 gives the rules R's arules gives

	MaxRules int // more with enough confidence are an error, before memory runs out; 0 = no limit

	// DropRedundant leaves a rule out when a part of its antecedent already gives the same consequent with at least the
	// same confidence: the items more narrow the rule without making it surer. Confidences are compared exactly, as
	// fractions of counts, and the shorter rule needs not be among those kept.
	DropRedundant bool

	// MaxFDR keeps rules up to this false-discovery rate, 0 to 1; 0 = all. See Rule.Q.
	MaxFDR float64

	// Level of the interval of the confidence, above 0 and below 1; 0 = 0.95.
	Level float64
}

func (o RuleOptions) check() error {
	switch {
	case !(o.MinConfidence >= 0 && o.MinConfidence <= 1):
		return fmt.Errorf("min confidence is %v, it must be from 0 to 1", o.MinConfidence)
	case !(o.MaxFDR >= 0 && o.MaxFDR <= 1):
		return fmt.Errorf("max false-discovery rate is %v, it must be from 0 to 1", o.MaxFDR)
	case !(o.Level >= 0 && o.Level < 1):
		return fmt.Errorf("level of the interval is %v, it must be above 0 and below 1, such as 0.95", o.Level)
	}
	return nil
}

// maxRuleItems keeps the masks over a set's items in one word and their number within reason.
const maxRuleItems = 30

// Rules splits every itemset into antecedent and consequent and keeps the rules with enough confidence, compared as
// float64. They come by lift, confidence and support, all descending, and then by antecedent and consequent.
//
// Cost: two look-ups for each of the up to 2^n-2 splits of a set of n items (n splits with MaxConsequent 1), and a sum
// over a tail for each rule kept; DropRedundant looks the up to 2^n parts of each antecedent up.
func Rules(s *Itemsets, o RuleOptions) ([]Rule, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.MaxConsequent <= 0 {
		o.MaxConsequent = maxRuleItems
	}
	if len(s.levels) > maxRuleItems {
		return nil, fmt.Errorf("an itemset of %d items has too many rules, mine sets of up to %d", len(s.levels), maxRuleItems)
	}
	known := indexed(s)
	rules, err := split(s, known, o)
	if err != nil {
		return nil, err
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	z := quantile(o.Level)
	for i := range rules {
		r := &rules[i]
		r.ConfidenceLow, r.ConfidenceHigh = wilson(r.Count, r.AntecedentCount, z)
		r.P = fisher(r.Count, r.AntecedentCount, r.ConsequentCount, int64(s.Baskets))
	}
	discoveries(rules, s.candidates(o.MaxConsequent))
	rules = slices.DeleteFunc(rules, func(r Rule) bool {
		return r.Count < o.MinCount || o.MaxFDR > 0 && r.Q > o.MaxFDR || o.DropRedundant && known.redundant(&r)
	})
	sortRules(rules)
	return rules, nil
}

// sortRules puts the rules in order. Rules are large, so numbers are sorted and each rule is then moved once.
func sortRules(rules []Rule) {
	order := make([]int32, len(rules))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		a, b := &rules[x], &rules[y]
		if c := cmp.Compare(b.Lift, a.Lift); c != 0 {
			return c
		}
		if c := cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Support, a.Support)); c != 0 {
			return c
		}
		return cmp.Or(slices.Compare(a.Antecedent, b.Antecedent), slices.Compare(a.Consequent, b.Consequent))
	})
	for start := range order {
		first, at := rules[start], start
		for int(order[at]) != start { // follows the cycle of moves; a place that is done points to itself
			from := int(order[at])
			rules[at] = rules[from]
			order[at] = int32(at)
			at = from
		}
		rules[at] = first
		order[at] = int32(at)
	}
}

// split makes the rules that have enough confidence.
func split(s *Itemsets, known *index, o RuleOptions) ([]Rule, error) {
	var rules []Rule
	var parts [maxRuleItems]int32
	for items, count := range s.All() {
		if len(items) < 2 {
			continue
		}
		for mask := range splits(len(items), o.MaxConsequent) {
			left, right := parts[:0:len(items)-bits.OnesCount(mask)], parts[len(items)-bits.OnesCount(mask):][:0]
			for i, item := range items {
				if mask>>i&1 == 1 {
					right = append(right, item)
				} else {
					left = append(left, item)
				}
			}
			both, all := known.count(left), float64(s.Baskets)
			if (float64(count)/all)/(float64(both)/all) < o.MinConfidence {
				continue
			}
			if o.MaxRules > 0 && len(rules) == o.MaxRules {
				return nil, fmt.Errorf("more than %d rules: raise min support or min confidence, or allow fewer items a rule or a consequent", o.MaxRules)
			}
			r := measure(count, both, known.count(right), s.Baskets)
			sides := slices.Clone(parts[:len(items)])
			r.Antecedent, r.Consequent = sides[:len(left):len(left)], sides[len(left):]
			rules = append(rules, r)
		}
	}
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

// candidates is how many rules could be asked about, with an antecedent and a consequent that are frequent and share no
// item: the tests among which the false-discovery rate is held. Choosing sides by their own counts tells nothing of how
// they go together, so sides that are rare need not be counted; pairs of frequent sides that turned out rare must be, up
// to one item more than the longest set, where Mine found none. For longer consequents sides that share items are counted
// too, which makes the rate an upper bound.
func (s *Itemsets) candidates(maxConsequent int) float64 {
	sizes := s.Sizes()
	longest := min(s.maxLen, len(sizes)+1)
	if s.Stopped != "" {
		longest = len(sizes)
	}
	n := 0.0
	for left := 1; left <= len(sizes) && left < longest; left++ {
		n += float64(sizes[left-1]) * float64(sizes[0]-left)
		for right := 2; right <= min(maxConsequent, longest-left, len(sizes)); right++ {
			n += float64(sizes[left-1]) * float64(sizes[right-1])
		}
	}
	return n
}
