package simulate

import (
	"cmp"
	"slices"
	"testing"
)

// Recency, frequency and what customers hold must differ enough to tell customers apart: every cell of the grid of
// quintiles of recency and frequency has somebody in it, so each of the seven segments has.
func TestCustomersDiffer(t *testing.T) {
	t.Parallel()
	type customer struct {
		last, spent int64
		n           int
	}
	all := map[int32]*customer{}
	first := map[int32]int64{}
	for _, m := range month() {
		list := m.sold
		for _, s := range list {
			c := all[s.customer]
			if c == nil {
				c = &customer{}
				all[s.customer], first[s.customer] = c, s.at
			}
			c.last, c.n, c.spent = s.at, c.n+1, c.spent+s.cents
		}
	}
	if len(all) < 14_000 || len(all) > 22_000 {
		t.Errorf("%d customers", len(all))
	}
	numbers := make([]int32, 0, len(all))
	for n := range all {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	quintiles := func(value func(c *customer) int64) map[int32]int {
		by := slices.Clone(numbers)
		slices.SortStableFunc(by, func(a, b int32) int { return cmp.Compare(value(all[a]), value(all[b])) })
		q := map[int32]int{}
		for i, n := range by {
			q[n] = i * 5 / len(by)
		}
		return q
	}
	recency, frequency := quintiles(func(c *customer) int64 { return c.last }), quintiles(func(c *customer) int64 { return int64(c.n) })
	var grid [5][5]int
	for _, n := range numbers {
		grid[recency[n]][frequency[n]]++
	}
	for r := range grid {
		for f, n := range grid[r] {
			if n < 40 {
				t.Errorf("%d customers with recency %d and frequency %d:\n%v", n, r+1, f+1, grid)
			}
		}
	}
	now := evening.UnixMilli()
	gone, came := 0, 0
	for n, c := range all {
		if now-c.last > 14*24*hourMs && c.n >= 5 {
			gone++
		}
		if now-first[n] < 7*24*hourMs {
			came++
		}
	}
	if gone < 500 || came < 500 {
		t.Errorf("%d customers stopped, %d are new", gone, came)
	}
	spent := make([]int64, 0, len(all))
	for _, c := range all {
		spent = append(spent, c.spent)
	}
	slices.Sort(spent)
	if median, top := spent[len(spent)/2], spent[len(spent)*99/100]; top < 6*median {
		t.Errorf("median %d, top hundredth %d", median, top)
	}
}

// What goes together is bought together, in one visit and by one customer.
func TestBoughtTogether(t *testing.T) {
	t.Parallel()
	type visit struct {
		at    int64
		items int
	}
	var visits, customers [1 << 6]int
	open := map[int32]visit{}
	holds := map[int32]int{}
	for _, m := range month() {
		list := m.sold
		for _, s := range list {
			v, ok := open[s.customer]
			if ok && s.at-v.at > 2*minuteMs {
				visits[v.items]++
				v = visit{}
			}
			open[s.customer] = visit{s.at, v.items | 1<<s.product}
			holds[s.customer] |= 1 << s.product
		}
	}
	for _, items := range holds {
		customers[items]++
	}
	for _, pair := range [][2]int{{laptop, mouse}, {phone, charger}, {tablet, headphones}} {
		if l := lift(visits, pair); l < 1.5 {
			t.Errorf("lift of %v in visits is %.2f", pair, l)
		}
		if l := lift(customers, pair); l < 1.25 {
			t.Errorf("lift of %v among customers is %.2f", pair, l)
		}
	}
}

func lift(sets [1 << 6]int, pair [2]int) float64 {
	var all, a, b, both float64
	for items, n := range sets {
		all += float64(n)
		hasA, hasB := items>>pair[0]&1 == 1, items>>pair[1]&1 == 1
		if hasA {
			a += float64(n)
		}
		if hasB {
			b += float64(n)
		}
		if hasA && hasB {
			both += float64(n)
		}
	}
	return both * all / a / b
}
