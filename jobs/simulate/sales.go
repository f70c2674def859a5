package simulate

import "slices"

// sale is one line of a receipt, a message of the topic transactions.
type sale struct {
	at       int64 // ms since the epoch
	cents    int64
	customer int32
	product  uint16
	store    uint16
	place    uint16 // among the sales of its second
}

// sales makes all sales of an hour, in order of time, into the given buffer. They are a function of the shop and the
// hour: nothing that happened before matters. day must be the crowd of the hour's day.
//
// Visits come as a Poisson process whose rate follows the pace, minute by minute. A visit that begins in the hour
// ends in it: the lines of the last one are pulled back before the full hour, so that hours can be made one by one.
func (h *shop) sales(hour int64, day *crowd, buf []sale) []sale {
	out := buf[:0]
	specials := h.specials(hour / 24)
	end := (hour+1)*hourMs - 1
	r := seeded(h.seed, aboutSales, hour, 0)
	arrivals(&r, hour*hourMs, (hour+1)*hourMs, func(minute int64) float64 { return h.rate / h.perVisit * h.pace(minute) }, func(at int64) {
		c := &day.people[day.who.draw(&r)]
		var basket [maxBasket]int
		n := h.fill(&r, int(c.taste), &basket)
		where := c.home
		if r.unit() >= 0.88 {
			where = uint16(h.where.draw(&r))
		}
		for i, p := range basket[:n] {
			if i > 0 {
				at += int64(1500 + r.below(9000))
			}
			cents := h.amount(&r, p, c.big, discount(specials, at, p))
			out = append(out, sale{at: min(at, end), cents: cents, customer: c.number, product: uint16(p), store: where})
		}
	})
	for i, s := range specials {
		if s.times > 0 {
			out = h.rush(hour, i, s, day, out)
		}
	}
	out = slices.DeleteFunc(out, func(s sale) bool {
		return slices.ContainsFunc(specials, func(o special) bool { return o.times == 0 && o.covers(s.at, int(s.product)) })
	})
	return inOrder(out, hour)
}

// rush adds what a promotion brings in an hour beside the usual sales: visits for the one product.
func (h *shop) rush(hour int64, nth int, s special, day *crowd, out []sale) []sale {
	from, to := max(s.from, hour*hourMs), min(s.to, (hour+1)*hourMs)
	r := seeded(h.seed, aboutPromotion, hour, int64(nth))
	extra := h.rate * h.share[s.product] * (s.times - 1)
	if extra == 0 {
		return out
	}
	arrivals(&r, from, to, func(minute int64) float64 { return extra * h.pace(minute) }, func(at int64) {
		c := &day.people[day.who.draw(&r)]
		out = append(out, sale{at: at, cents: h.amount(&r, s.product, c.big, s.off), customer: c.number, product: uint16(s.product), store: c.home})
	})
	return out
}

// arrivals calls each at the times of a Poisson process in [from, to), in order. rate is per second, asked for each minute.
func arrivals(r *random, from, to int64, rate func(minute int64) float64, each func(at int64)) {
	need := r.wait()
	for from < to {
		minute := from / minuteMs
		until := min(to, (minute+1)*minuteMs)
		perMs := rate(minute) / secondMs
		at := float64(from)
		for at += need / perMs; at < float64(until); at += need / perMs {
			each(int64(at))
			need = r.wait()
		}
		need = (at - float64(until)) * perMs
		from = until
	}
}

func discount(specials []special, at int64, product int) int64 {
	for _, s := range specials {
		if s.times > 0 && s.covers(at, product) {
			return s.off
		}
	}
	return 0
}

// maxCents is the largest amount of a numeric(12,2).
const maxCents = 9_999_999_999_99

// amount is what a line costs: price times quantity, often with something off, at least one hundredth.
func (h *shop) amount(r *random, product int, big bool, off int64) int64 {
	quantity := int64(1)
	u := r.unit()
	switch {
	case big && u < 0.35:
		quantity += int64(1 + r.below(4))
	case h.brings[product] >= 0: // one laptop is enough
	case u > 0.97:
		quantity = 3
	case u > 0.85:
		quantity = 2
	}
	if off == 0 {
		switch u = r.unit(); {
		case u < 0.72:
		case u < 0.90:
			off = 5
		case u < 0.98:
			off = 10
		default:
			off = 15
		}
	}
	cents := (h.products[product].Cents*quantity*(100-off) + 50) / 100
	return min(max(cents, 1), maxCents)
}

// inOrder sorts the sales of an hour by time, those of one moment in the order they were made, and numbers them within
// their second. They are nearly sorted, and there are only 3,600 seconds, so it counts them into seconds and sorts
// within each by insertion: linear, where a comparison sort took a quarter of the whole.
func inOrder(sales []sale, hour int64) []sale {
	var ends [3601]int32
	base := hour * hourMs
	for i := range sales {
		ends[(sales[i].at-base)/secondMs+1]++
	}
	for s := 1; s < len(ends); s++ {
		ends[s] += ends[s-1]
	}
	sorted := make([]sale, len(sales))
	start := ends
	for i := range sales {
		s := (sales[i].at - base) / secondMs
		sorted[ends[s]] = sales[i]
		ends[s]++
	}
	out := sales[:0]
	for s := range ends[:3600] {
		second := sorted[start[s]:ends[s]]
		for i := 1; i < len(second); i++ {
			for k := i; k > 0 && second[k].at < second[k-1].at; k-- {
				second[k], second[k-1] = second[k-1], second[k]
			}
		}
		for i := range second[:min(len(second), idSecond)] {
			second[i].place = uint16(i)
			out = append(out, second[i])
		}
	}
	return out
}
