package reportbench

import (
	"math"
	"math/rand/v2"
	"time"
)

// pace is how busy the shop is at each hour of the day in UTC; Riyadh, where it is, is three hours ahead.
var pace = [24]float64{
	0.3, 0.3, 0.3, 0.3, 0.3, 0.4, 0.7, 0.9, 1.0, 1.0, 0.9, 0.9,
	1.0, 1.3, 1.6, 1.8, 2.0, 2.1, 2.0, 1.8, 1.3, 0.6, 0.3, 0.3,
}

// sale is a row of transactions; its id is its number, from 1 on. Times are microseconds since the epoch, in UTC.
type sale struct {
	id       int64
	at       int64
	cents    int64
	customer int32
	product  uint8
	store    uint8
}

// minute is what a product brought in a minute: a row of product_metrics_minute.
type minute struct {
	start   int64
	cents   int64
	count   int64
	product uint8
}

// refund is a row of refunds.
type refund struct {
	sale
	of     int64 // id of the sale
	reason uint8
}

var reasons = [...]string{"changed_mind", "defective", "not_as_described", "wrong_item", "damaged_shipping"}

// sales makes the sales of a shop in the order they happened, the same ones for the same Data.
type sales struct {
	d         Data
	catalogue catalogue
	rng       *rand.Rand
	next      int64   // minute since the epoch
	end       int64   // minute since the epoch: where the sales end
	weight    float64 // of all minutes together
	seen      float64 // weight of those that are over
	made      int64

	minutes []minute // of all that was made
	refunds []refund // not in order
	last    []int64  // by customer, 0: never came
	visits  []int64
	spent   []int64
}

const (
	minuteUs = 60_000_000
	dayUs    = 24 * 60 * minuteUs
)

func newSales(d Data, c catalogue) *sales {
	end := d.Until.UTC().Truncate(time.Minute).Unix() / 60
	span := max(1, int64(math.Ceil(float64(d.Rows)*24*60/float64(d.PerDay))))
	s := &sales{
		d: d, catalogue: c, rng: rand.New(rand.NewPCG(d.Seed, 1)), next: end - span, end: end,
		last: make([]int64, d.Customers), visits: make([]int64, d.Customers), spent: make([]int64, d.Customers),
	}
	for m := s.next; m < end; m++ {
		s.weight += pace[m/60%24]
	}
	return s
}

// batch makes the sales of the next minutes into buf, until it has n of them or a few more. It is empty at the end.
func (s *sales) batch(buf []sale, n int) []sale {
	buf = buf[:0]
	sums := make([]minute, len(s.catalogue.products))
	for ; s.next < s.end && len(buf) < n; s.next++ {
		s.seen += pace[s.next/60%24]
		count := int64(math.Round(float64(s.d.Rows)*s.seen/s.weight)) - s.made
		if s.next == s.end-1 {
			count = int64(s.d.Rows) - s.made
		}
		start := s.next * minuteUs
		for i := range count {
			// Evenly apart but for a little luck, so that they come in order without sorting.
			at := start + int64((float64(i)+s.rng.Float64())*minuteUs/float64(count))
			one := s.one(at)
			buf = append(buf, one)
			sum := &sums[one.product]
			sum.cents, sum.count = sum.cents+one.cents, sum.count+1
		}
		for p := range sums {
			if sums[p].count > 0 {
				s.minutes = append(s.minutes, minute{start, sums[p].cents, sums[p].count, uint8(p)})
				sums[p] = minute{}
			}
		}
	}
	return buf
}

// one makes a sale: cheap products sell more often, a few customers come often and many once or twice.
func (s *sales) one(at int64) sale {
	s.made++
	u := s.rng.Float64()
	out := sale{
		id: s.made, at: at, customer: int32(u * u * float64(s.d.Customers)),
		product: uint8(math.Sqrt(s.rng.Float64()) * float64(len(s.catalogue.products))), // the dear ones stand first
		store:   uint8(math.Pow(s.rng.Float64(), 1.3) * float64(len(s.catalogue.stores))),
	}
	out.cents = s.catalogue.products[out.product].cents * int64(85+5*s.rng.IntN(4)) / 100
	s.last[out.customer], s.visits[out.customer], s.spent[out.customer] = at, s.visits[out.customer]+1, s.spent[out.customer]+out.cents
	if s.rng.Float64() < 0.1 {
		back := refund{sale: out, of: out.id, reason: uint8(math.Sqrt(s.rng.Float64()) * float64(len(reasons)))}
		back.at += 60*minuteUs + int64(s.rng.Float64()*2*float64(dayUs))
		if back.at < s.end*minuteUs {
			s.refunds = append(s.refunds, back)
		}
	}
	return out
}
