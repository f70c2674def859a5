// Package apriori finds items that are bought together: frequent itemsets and the association rules they give.
//
// Results are those of mlxtend (apriori, association_rules), to the last bit where its formulas allow, including at the
// exact edge of a support threshold. The way there differs: baskets are never made a dense matrix. Pairs are counted by
// first item straight from the baskets that hold it, and longer sets by AND and popcount over bitmaps only as wide as
// the first item's own baskets. A catalog of twenty frequent items or fewer needs none of that: baskets are counted by
// the mask of their items, and one superset sum over the masks gives every support at once.
//
// Values in, values out: items and baskets are numbers; the caller keeps the names. Numbering items in the order of
// their names makes results sort by name.
//
// Paper: Agrawal and Srikant, "Fast algorithms for mining association rules", VLDB 1994.
package apriori
