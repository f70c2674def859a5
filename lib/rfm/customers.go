package rfm

import (
	"cmp"
	"math/bits"
	"slices"
)

// Customers are totals, one row a customer, in ascending order of id.
type Customers struct {
	ID        []int64
	Last      []int64 // time of the last purchase, microseconds since the epoch
	Frequency []int64 // number of purchases, at least 1 after Aggregate
	Monetary  []int64 // what they spent, minor units
}

// Len is the number of customers.
func (c Customers) Len() int { return len(c.ID) }

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

// customer is a row of Customers while it is made.
type customer struct{ id, last, frequency, cents int64 }

// columns puts the rows with a purchase in columns.
func columns(rows []customer) Customers {
	n := 0
	for i := range rows {
		if rows[i].frequency > 0 {
			n++
		}
	}
	c := Customers{ID: make([]int64, 0, n), Last: make([]int64, 0, n), Frequency: make([]int64, 0, n), Monetary: make([]int64, 0, n)}
	for i := range rows {
		if r := &rows[i]; r.frequency > 0 {
			c.ID, c.Last = append(c.ID, r.id), append(c.Last, r.last)
			c.Frequency, c.Monetary = append(c.Frequency, r.frequency), append(c.Monetary, r.cents)
		}
	}
	return c
}

// byID sorts rows by id, ids being distinct: a radix sort from the lowest 11 bits up, over the bits in which ids differ.
func byID(rows []customer) []customer {
	const digit = 11
	if len(rows) < 1<<digit {
		slices.SortFunc(rows, func(a, b customer) int { return cmp.Compare(a.id, b.id) })
		return rows
	}
	least, most := rows[0].id, rows[0].id
	for i := range rows {
		least, most = min(least, rows[i].id), max(most, rows[i].id)
	}
	spare := make([]customer, len(rows))
	for shift := 0; shift < bits.Len64(uint64(most)-uint64(least)); shift += digit {
		var start [1<<digit + 1]int
		place := func(id int64) int { return int((uint64(id) - uint64(least)) >> shift & (1<<digit - 1)) }
		for i := range rows {
			start[place(rows[i].id)+1]++
		}
		for d := range 1 << digit {
			start[d+1] += start[d]
		}
		for i := range rows {
			d := place(rows[i].id)
			spare[start[d]] = rows[i]
			start[d]++
		}
		rows, spare = spare, rows
	}
	return rows
}
