package anomaly

// season adds what window t is expected to sell by the time of day. There are at least seasonStart windows before it.
func (b *baseline) season(t int) {
	days := min(b.o.Days, (t-b.o.Around)/b.o.Day)
	b.seasonOrders[t+1] = b.seasonOrders[t] + b.around(b.orders, t, days)
	b.seasonRevenues[t+1] = b.seasonRevenues[t] + b.around(b.revenue, t, days)
}

// around is what the season expects of one window: the middle of what earlier days did around the same time of day. The
// middle is the mean of the middle half: like a median it forgets the days something went wrong, and unlike one it is not
// zero wherever most days are.
func (b *baseline) around(c counts, t, days int) float64 {
	var sums [maxDays]int64
	at := sums[:max(days, 8)]
	for d, end := 0, t+b.o.Around+1; d < days; d++ {
		end -= b.o.Day
		at[d] = c[end] - c[end-2*b.o.Around-1]
	}
	if days <= 8 {
		for d := days; d < 8; d++ {
			at[d] = 1<<63 - 1 // sorts behind the others
		}
		sort8((*[8]int64)(at))
	} else {
		insertionSort(at)
	}
	at = at[(days+1)/4 : days-(days+1)/4]
	total := int64(0)
	for _, sum := range at {
		total += sum
	}
	return float64(total) / float64(len(at)*(2*b.o.Around+1))
}

// sort8 sorts by a network of 19 comparisons: no branch depends on the values, which halves the time against a loop.
//
// Source: Knuth, "The Art of Computer Programming" 3, section 5.3.4 (19 is the least possible for 8).
func sort8(a *[8]int64) {
	x0, x1, x2, x3, x4, x5, x6, x7 := a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
	x0, x2 = min(x0, x2), max(x0, x2)
	x1, x3 = min(x1, x3), max(x1, x3)
	x4, x6 = min(x4, x6), max(x4, x6)
	x5, x7 = min(x5, x7), max(x5, x7)

	x0, x4 = min(x0, x4), max(x0, x4)
	x1, x5 = min(x1, x5), max(x1, x5)
	x2, x6 = min(x2, x6), max(x2, x6)
	x3, x7 = min(x3, x7), max(x3, x7)

	x0, x1 = min(x0, x1), max(x0, x1)
	x2, x3 = min(x2, x3), max(x2, x3)
	x4, x5 = min(x4, x5), max(x4, x5)
	x6, x7 = min(x6, x7), max(x6, x7)

	x2, x4 = min(x2, x4), max(x2, x4)
	x3, x5 = min(x3, x5), max(x3, x5)

	x1, x4 = min(x1, x4), max(x1, x4)
	x3, x6 = min(x3, x6), max(x3, x6)

	x1, x2 = min(x1, x2), max(x1, x2)
	x3, x4 = min(x3, x4), max(x3, x4)
	x5, x6 = min(x5, x6), max(x5, x6)
	*a = [8]int64{x0, x1, x2, x3, x4, x5, x6, x7}
}

func insertionSort(a []int64) {
	for i := 1; i < len(a); i++ {
		x, j := a[i], i
		for ; j > 0 && a[j-1] > x; j-- {
			a[j] = a[j-1]
		}
		a[j] = x
	}
}
