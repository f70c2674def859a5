package anomaly

import (
	"fmt"
	"math"
)

// Series is what one product sold, window by window, without gaps: a window without sales is a zero, or drops could not
// be seen.
type Series struct {
	Revenue []int64 // minor units
	Orders  []int64
}

// Len is the number of windows.
func (s Series) Len() int { return len(s.Orders) }

// maxWindows bounds the calendar of a series: 100 years of minutes. A date typed wrong must not eat the memory.
const maxWindows = 100 * 366 * 1440

// Fill lays out rows in any order on the calendar of windows from first (the start of the series' first window) up to
// but not including end. start, first, end and size are in one unit of time; rows must start on a window. Rows outside
// [first, end) are left out. Two rows for one window add up.
//
// Revenue may be negative (more was refunded than sold); it counts as nothing in the search and as it is in
// [Event.Observed]. Errors: slices of different lengths, a row that starts between two windows, a negative number of
// orders, amounts that add up to more than an int64 holds, a calendar of more than a hundred years of minutes.
func Fill(start, revenue, orders []int64, first, end, size int64) (Series, error) {
	if len(start) != len(revenue) || len(start) != len(orders) {
		return Series{}, fmt.Errorf("%d starts, %d revenues and %d orders: give one of each a row", len(start), len(revenue), len(orders))
	}
	if size <= 0 || end < first || (end-first)/size > maxWindows {
		return Series{}, fmt.Errorf("calendar from %d to %d in windows of %d: it must have 0 to %d windows", first, end, size, maxWindows)
	}
	n := int((end - first) / size)
	s := Series{Revenue: make([]int64, n), Orders: make([]int64, n)}
	money, sales := 0.0, 0.0
	for i, at := range start {
		if (at-first)%size != 0 {
			return Series{}, fmt.Errorf("row %d starts at %d, which is no start of a window of %d from %d", i, at, size, first)
		}
		if at < first || (at-first)/size >= int64(n) {
			continue
		}
		if orders[i] < 0 {
			return Series{}, fmt.Errorf("row %d, which starts at %d, has %d orders: a count cannot be negative", i, at, orders[i])
		}
		money, sales = money+math.Abs(float64(revenue[i])), sales+float64(orders[i])
		s.Revenue[(at-first)/size] += revenue[i]
		s.Orders[(at-first)/size] += orders[i]
	}
	if money >= math.MaxInt64 || sales >= math.MaxInt64 {
		return Series{}, fmt.Errorf("revenue of %.3g and %.3g orders in all are more than 64 bits hold", money, sales)
	}
	return s, nil
}
