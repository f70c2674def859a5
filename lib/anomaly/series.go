package anomaly

import "fmt"

// Series is what one product sold, window by window, without gaps: a window without sales is a zero, or drops could not
// be seen.
type Series struct {
	Revenue []int64 // minor units
	Orders  []int64
}

// Len is the number of windows.
func (s Series) Len() int { return len(s.Orders) }

// Fill lays out rows in any order on the calendar of windows from first (the start of the series' first window) up to
// but not including end. start, first, end and size are in one unit of time; rows must start on a window. Rows outside
// [first, end) are left out. Two rows for one window add up.
func Fill(start, revenue, orders []int64, first, end, size int64) (Series, error) {
	if size <= 0 || end < first {
		return Series{}, fmt.Errorf("calendar from %d to %d in windows of %d", first, end, size)
	}
	n := int((end - first) / size)
	s := Series{Revenue: make([]int64, n), Orders: make([]int64, n)}
	for i, at := range start {
		if (at-first)%size != 0 {
			return Series{}, fmt.Errorf("row %d starts at %d, which is no start of a window of %d from %d", i, at, size, first)
		}
		if at < first || (at-first)/size >= int64(n) {
			continue
		}
		s.Revenue[(at-first)/size] += revenue[i]
		s.Orders[(at-first)/size] += orders[i]
	}
	return s, nil
}
