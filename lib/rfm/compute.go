package rfm

import "fmt"

// Options say how customers are scored. The zero value counts rows, breaks ties by customer id and leaves refunds out.
type Options struct {
	Frequency Frequency // default Rows
	Ties      Ties      // default First
	Net       bool      // lines with a negative amount lower what a customer spent; otherwise they are left out
	Workers   int       // goroutines; 0 is one for each processor
}

// Result are scored customers: row i of each column is one customer.
type Result struct {
	Customers
	Scores
	Recency []int64 // whole days from the last purchase
	Differ  int     // customers who would get another score with the other way to treat ties
}

// Compute adds lines up and scores the customers as of a time, in microseconds since the epoch. It is an error when a
// purchase does not lie before asOf: what is to be left out is the caller's choice.
func Compute(l Lines, asOf int64, o Options) (Result, error) {
	c, err := Aggregate(l, o)
	if err != nil {
		return Result{}, err
	}
	return Rank(c, asOf, o)
}

// Rank is Compute for customers whose lines were added up elsewhere; they are in ascending order of id.
func Rank(c Customers, asOf int64, o Options) (Result, error) {
	if o.Ties != "" && o.Ties != First && o.Ties != Value {
		return Result{}, fmt.Errorf("ties is %q, it must be %s or %s", o.Ties, First, Value)
	}
	for i, last := range c.Last {
		if last >= asOf {
			return Result{}, fmt.Errorf("customer %d bought at or after the time of the scores", c.ID[i])
		}
		if i > 0 && c.ID[i] <= c.ID[i-1] {
			return Result{}, fmt.Errorf("customer %d comes after customer %d: ids must be distinct and ascending", c.ID[i], c.ID[i-1])
		}
	}
	r := Result{Customers: c, Recency: c.RecencyDays(asOf)}
	ways := []Ties{First, Value}
	if o.Ties == Value {
		ways = []Ties{Value, First}
	}
	var scores [2]Scores
	columns := [][]int64{r.Recency, c.Frequency, c.Monetary}
	var bins [2][3][]uint8
	w := o.workers(c.Len())
	parallel(w, func(worker int) {
		for i := worker; i < 6; i += w {
			bins[i/3][i%3] = Bins(columns[i%3], Quintiles, ways[i/3])
		}
	})
	for i, b := range bins {
		scores[i] = scoresOf(b[0], b[1], b[2])
	}
	r.Scores, r.Differ = scores[0], Differ(scores[0], scores[1])
	return r, nil
}
