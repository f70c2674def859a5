// Package apriori finds items that are bought together: frequent itemsets and the association rules they give.
//
//	FromPairs(basket, item, baskets, items) -> *Baskets   // rows as they come, in any order
//	Mine(ctx, baskets, Options)             -> *Itemsets  // sets and their counts, by size and item order
//	Rules(itemsets, RuleOptions)            -> []Rule     // by lift, each with its metrics
//
// Itemsets and rules are those of mlxtend (apriori, association_rules), to the last bit where its formulas allow,
// including at the exact edge of a support threshold; with MaxConsequent 1 they are those of R's arules. What a shop needs
// before it acts on a rule comes with it: an interval for the confidence, the p-value of Fisher's exact test and the
// false-discovery rate it stands for, and whether a shorter rule says the same.
//
// The way there differs from both: baskets are never made a dense matrix. Items are ranked by ascending count and baskets
// rewritten in ranks, the most frequent item first; what many baskets share from there on is kept once, with their number.
// Pairs are counted by first item, straight from what stands before it in the baskets, in one row of counters that stays
// in the processor's first cache; longer sets by AND and popcount over bitmaps only as wide as the first
// item's own baskets. A catalog of few frequent items needs none of that: baskets are counted by the mask of their items,
// and one superset sum over the masks gives every support at once.
//
// Values in, values out: items and baskets are numbers; the caller keeps the names. Numbering items in the order of
// their names makes results sort by name. No result depends on the number of workers.
//
// What is at the edges: no baskets, or no item that is frequent, give no sets and no rules; one basket gives all its
// subsets, with support 1 and lift 1; one item gives one set and no rule. A support of 0 or above 1, NaN, and a number
// that is no basket or item are errors.
//
// Papers: Agrawal and Srikant, "Fast algorithms for mining association rules", VLDB 1994; Zaki, "Scalable algorithms for
// association mining", TKDE 12(3), 2000 (classes and vertical lists); Han, Pei and Yin, "Mining frequent patterns without
// candidate generation", SIGMOD 2000 (the tree of shared prefixes; theirs is walked, ours only numbers the baskets).
package apriori
