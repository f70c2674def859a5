package rfm

import (
	"fmt"
	"math"
	"math/bits"
)

// Frequency says what one purchase is.
type Frequency string

const (
	Rows   Frequency = "rows"   // every line is a purchase
	Orders Frequency = "orders" // lines of one customer and one order are one purchase
)

// Lines are purchases in columns, in any order; all columns that are given have the same length.
//
// A line with a negative amount is money given back. It is never a purchase: it changes neither recency nor frequency.
// Whether it lowers what the customer spent is a choice, [Options.Net].
type Lines struct {
	Customer []int64 // any numbers; their order breaks ties
	Order    []int64 // the order a line belongs to; needed only to count orders
	Time     []int64 // when, in microseconds since the epoch; math.MinInt64 is no time
	Amount   []int64 // in minor units
}

// Len is the number of lines.
func (l Lines) Len() int { return len(l.Customer) }

// check tells what is wrong with the columns.
func (l Lines) check(f Frequency) error {
	n := len(l.Customer)
	if len(l.Time) != n || len(l.Amount) != n || (f == Orders && len(l.Order) != n) {
		return fmt.Errorf("columns of different length: %d customers, %d orders, %d times, %d amounts",
			n, len(l.Order), len(l.Time), len(l.Amount))
	}
	return nil
}

// checkSums refuses amounts that add up past an int64. Most data cannot, which one pass tells; only where it could are the
// sums of each customer made in twice the width.
func (l Lines) checkSums(net bool) error {
	var all uint64
	for _, a := range l.Amount {
		all |= magnitude(a)
	}
	if bits.Len64(all)+bits.Len(uint(len(l.Amount))) < 64 {
		return nil
	}
	type wide struct{ hi, lo uint64 } // two's complement
	sums := map[int64]wide{}
	for i, a := range l.Amount {
		if a < 0 && !net {
			continue
		}
		s := sums[l.Customer[i]]
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, uint64(a), 0)
		s.hi, _ = bits.Add64(s.hi, uint64(a>>63), carry)
		sums[l.Customer[i]] = s
	}
	worst, found := int64(0), false
	for customer, s := range sums {
		if s.hi != uint64(int64(s.lo)>>63) && (!found || customer < worst) {
			worst, found = customer, true
		}
	}
	if found {
		return fmt.Errorf("the amounts of customer %d add up past %d minor units", worst, int64(math.MaxInt64))
	}
	return nil
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}
