package rfm

import (
	"fmt"
	"slices"
)

// Frequency says what one purchase is.
type Frequency string

const (
	Rows   Frequency = "rows"   // every line is a purchase
	Orders Frequency = "orders" // lines of one order are one purchase
)

// Lines are purchases in columns, in any order; all columns that are given have the same length.
//
// A line with a negative amount is money given back: it lowers the customer's monetary value and is no purchase, so it
// changes neither recency nor frequency.
type Lines struct {
	Customer []int32 // 0 to customers-1
	Order    []int64 // the order a line belongs to; needed only to count orders
	Time     []int64 // when, in microseconds since the epoch
	Amount   []int64 // in minor units
}

// Customers are totals, one row a customer, in ascending order of customer id.
type Customers struct {
	Last      []int64 // time of the last purchase, microseconds since the epoch; of no meaning when Frequency is 0
	Frequency []int64 // number of purchases
	Monetary  []int64 // what they spent, minor units
}

// Len is the number of customers.
func (c Customers) Len() int { return len(c.Last) }

// Aggregate adds lines up per customer. The result does not depend on the order of the lines. Customers without a
// purchase have frequency 0; the caller decides what to do with them.
//
// Cost: one pass; to count orders, also a counting sort by customer and a sort inside each customer's lines.
func Aggregate(l Lines, customers int, frequency Frequency) (Customers, error) {
	n := len(l.Customer)
	if len(l.Time) != n || len(l.Amount) != n || (frequency == Orders && len(l.Order) != n) {
		return Customers{}, fmt.Errorf("columns of different length: %d customers, %d orders, %d times, %d amounts",
			n, len(l.Order), len(l.Time), len(l.Amount))
	}
	c := Customers{Last: make([]int64, customers), Frequency: make([]int64, customers), Monetary: make([]int64, customers)}
	for i, who := range l.Customer {
		if who < 0 || int(who) >= customers {
			return Customers{}, fmt.Errorf("line %d is of customer %d, there are %d", i, who, customers)
		}
		c.Monetary[who] += l.Amount[i]
		if l.Amount[i] < 0 {
			continue
		}
		if c.Frequency[who] == 0 || l.Time[i] > c.Last[who] {
			c.Last[who] = l.Time[i]
		}
		c.Frequency[who]++
	}
	if frequency == Orders {
		countOrders(l, &c)
	}
	return c, nil
}

// countOrders replaces the number of lines in c.Frequency by the number of distinct orders.
func countOrders(l Lines, c *Customers) {
	next := make([]int, len(c.Frequency)) // where the customer's next order goes
	total := 0
	for who, lines := range c.Frequency {
		next[who] = total
		total += int(lines)
	}
	orders := make([]int64, total)
	for i, who := range l.Customer {
		if l.Amount[i] >= 0 {
			orders[next[who]] = l.Order[i]
			next[who]++
		}
	}
	for who, lines := range c.Frequency {
		mine := orders[next[who]-int(lines) : next[who]]
		slices.Sort(mine)
		c.Frequency[who] = int64(len(slices.Compact(mine)))
	}
}

// Buyers drops customers without a purchase and says which are left: row i of the result is row kept[i] of c.
func (c Customers) Buyers() (buyers Customers, kept []int32) {
	for i := range c.Frequency {
		if c.Frequency[i] > 0 {
			kept = append(kept, int32(i))
			buyers.Last = append(buyers.Last, c.Last[i])
			buyers.Frequency = append(buyers.Frequency, c.Frequency[i])
			buyers.Monetary = append(buyers.Monetary, c.Monetary[i])
		}
	}
	return buyers, kept
}

const dayMicros = 24 * 60 * 60 * 1_000_000

// RecencyDays returns the whole days from each customer's last purchase to asOf (microseconds since the epoch), which
// lies after all purchases.
func (c Customers) RecencyDays(asOf int64) []int64 {
	days := make([]int64, len(c.Last))
	for i, last := range c.Last {
		days[i] = (asOf - last) / dayMicros
	}
	return days
}
