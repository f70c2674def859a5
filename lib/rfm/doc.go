// Package rfm scores customers by recency, frequency and monetary value and names the segment each belongs to.
//
// The scores are those of the habit that fills public notebooks, pandas.qcut on ranks, and equal them bin for bin; SQL's
// NTILE does not, since it puts the remainder of an uneven division into the first bins. Two things are better here than
// in a notebook: money is summed in integer minor units, so that the order of the rows cannot move a customer across an
// edge, and ties can be made fair ([Value]), so that equal customers get equal scores.
//
// Values in, values out: customers are numbered 0 to n-1 in ascending order of their id, which is also the order that
// breaks ties. Nothing here knows a database or a clock.
package rfm
