// Package rfm scores customers by recency, frequency and monetary value and names the segment each belongs to.
//
// The scores are those of the habit that fills public notebooks, pandas.qcut on ranks, and equal them bin for bin; SQL's
// NTILE does not, since it puts the remainder of an uneven division into the first bins. Two things are better here than
// in a notebook: money is summed in integer minor units, so that the order of the rows cannot move a customer across an
// edge, and ties can be made fair ([Value]), so that equal customers get equal scores.
//
// [Compute] does all of it: lines of purchases in columns in, one row a customer out, in ascending order of customer id,
// which is also the order that breaks ties. It is made of [Aggregate], which adds the lines up, and [Score], which ranks.
// The same lines give the same result in any order of lines and with any number of workers.
//
//	Lines (n lines)                      Result (m customers)
//	  Customer, Order, Time, Amount  ->    ID, Last, Frequency, Monetary, Recency, R, F, M
//
// How it works, and what it costs. Lines are dealt by a hash of the customer into 512 parts, so that the hash table of a
// part stays in the processor's cache; neighbouring lines of one order are folded into one on the way (32 bytes a line
// that is left). The cut between two scores is one customer, and a histogram of the values finds him without a sort. Time
// is O(n + m); 10 million shuffled lines of 0.8 million customers take about half a second on two cores.
//
// Nothing here knows a database or a clock.
package rfm
