package simulate

import (
	"cmp"
	"slices"
)

// refund is a sale brought back, a message of the topic refunds.
type refund struct {
	at       int64 // ms since the epoch
	original int64 // id of the sale
	cents    int64
	customer int32
	product  uint16
	store    uint16
	place    uint16 // among the refunds of its second
	reason   uint8
}

var reasons = [...]string{"changed_mind", "defective", "not_as_described", "wrong_item", "damaged_shipping"}

var reasonWeights = newLottery([]float64{36, 25, 17, 12, 10})

// maxDelay is how many hours after its sale a refund comes at the latest; the earliest is one hour after it.
const maxDelay = 72

// refundOf says whether, when and how a sale is brought back. It looks at nothing but the sale's message and the share
// of refunds, so the refunds to come can be told from a log, and a shop with another seed does not bring back again what
// was brought back before it was changed. With a larger share, those of the smaller one stay as they are.
func (h *shop) refundOf(s *sale, id int64) (refund, bool) {
	r := seeded(uint64(s.cents), aboutRefund, id, int64(s.customer))
	if r.unit() >= h.refunds {
		return refund{}, false
	}
	u := r.unit()
	delay := hourMs + int64(u*u*58*hourMs) // soon rather than late
	back := refund{
		at: secondOf(id)*secondMs + delay, original: id, cents: s.cents, customer: s.customer, product: s.product, store: s.store,
	}
	// Three in four of those that would fall into the night wait for the morning, at most 12 hours later.
	at := (back.at/minuteMs + local) % (24 * 60)
	if at < 9*60 && r.unit() < 0.75 {
		back.at += (9*60-at)*minuteMs + int64(r.below(3*hourMs))
	}
	if r.unit() >= 0.72 { // a part of the price
		back.cents = max(1, s.cents*int64(10+r.below(81))/100)
	}
	back.reason = uint8(reasonWeights.draw(&r))
	return back, true
}

// returns are the refunds still to come, by hour: those of the sales of three days.
type returns struct {
	shop *shop
	due  map[int64][]refund
}

// sold takes notice of a sale that is in the log, or about to be.
func (r *returns) sold(s *sale, id int64) {
	if back, ok := r.shop.refundOf(s, id); ok {
		r.due[back.at/hourMs] = append(r.due[back.at/hourMs], back)
	}
}

// take gives the refunds of an hour in order of time, numbered within their second. All sales of earlier hours must
// have been told, and hours are taken in order.
func (r *returns) take(hour int64) []refund {
	list := r.due[hour]
	delete(r.due, hour)
	slices.SortFunc(list, func(a, b refund) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.original, b.original)) })
	for i := 1; i < len(list); i++ {
		if list[i].at/secondMs == list[i-1].at/secondMs {
			list[i].place = list[i-1].place + 1
		}
	}
	return list
}
