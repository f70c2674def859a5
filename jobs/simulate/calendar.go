package simulate

import "time"

// Times inside the simulation are milliseconds since the Unix epoch, and hours, minutes and days since the epoch, all
// in UTC. The shop itself lives by Riyadh's clock, which has no summer time.
const (
	secondMs = 1000
	minuteMs = 60 * secondMs
	hourMs   = 60 * minuteMs
	local    = 3 * 60 // minutes ahead of UTC
)

// byHour is how busy the shop is at each full hour of the local day. It is open from 9 to 24, busiest in the evening;
// what sells at night comes from the web shop.
var byHour = [24]float64{
	0.30, 0.30, 0.30, 0.30, 0.30, 0.30, 0.30, 0.30, 0.30, 0.60, 0.80, 1.00,
	1.05, 0.95, 0.90, 0.95, 1.20, 1.45, 1.70, 1.95, 2.10, 2.00, 1.60, 1.00,
}

// byWeekday is how busy it is from Sunday to Saturday; the mean is 1. The weekend is Friday and Saturday.
var byWeekday = [7]float64{0.92, 0.91, 0.92, 0.95, 1.09, 1.12, 1.09}

var meanHour = func() float64 {
	var sum float64
	for _, v := range byHour {
		sum += v
	}
	return sum / float64(len(byHour))
}()

// pace is how busy the shop is in a minute, 1 on average and never below 0.28.
func (h *shop) pace(minute int64) float64 {
	day, at := (minute+local)/(24*60), (minute+local)%(24*60)
	from, to := byHour[at/60], byHour[(at/60+1)%24]
	part := float64(at%60) / 60
	r := seeded(h.seed, aboutDay, day, 0)
	luck := 0.97 + 0.06*r.unit()
	return (from + (to-from)*part) / meanHour * byWeekday[(day+4)%7] * luck
}

// special is a time in which one product sells unusually: more in a promotion, nothing in an outage.
type special struct {
	from, to int64 // [from, to) in ms
	product  int
	times    float64 // how many times as much as else; 0 in an outage
	off      int64   // percent off the price
}

func (s special) covers(at int64, product int) bool {
	return at >= s.from && at < s.to && s.product == product
}

// specials are what happens on a UTC day. All of it begins and ends inside the local hours 10 to 24, which lie inside
// the same UTC day.
//
// Promotions: one a day, each day an hour earlier, from 21 to 10 o'clock in twelve days; the twelfth has a second one at
// 22. So two never lie 24 hours apart or more, and whoever looks at the last day always sees one. Outages: one in three
// days, of one product, so that whoever watches at that moment still sees the shop sell; at least 45 minutes away from
// promotions so that each is seen as what it is.
func (h *shop) specials(day int64) []special {
	r := seeded(h.seed, aboutDay, day, 1)
	seed := seeded(h.seed, aboutDay, 0, 2)
	turn := int((day + int64(seed.below(12))) % 12)
	list := []special{h.promotion(&r, day, 21-turn)}
	if turn == 11 {
		list = append(list, h.promotion(&r, day, 22))
	}
	if r.below(3) > 0 {
		return list
	}
	o := special{product: r.below(len(h.products))}
	length := int64(10+r.below(16)) * minuteMs
	start := 10*60 + r.below(13*60)
	for {
		o.from = day*24*hourMs + int64(start-local)*minuteMs
		o.to = o.from + length
		const apart = 45 * minuteMs
		near := false
		for _, p := range list {
			near = near || o.from < p.to+apart && p.from < o.to+apart
		}
		if !near {
			return append(list, o)
		}
		start = 10*60 + (start-10*60+97)%(13*60) // a step that comes by everywhere
	}
}

func (h *shop) promotion(r *random, day int64, hour int) special {
	from := day*24*hourMs + int64(hour*60-local+r.below(60))*minuteMs
	return special{
		from: from, to: from + int64(8+r.below(13))*minuteMs, product: r.below(len(h.products)),
		times: 5 + 3*r.unit(), off: int64(10 + 5*r.below(3)),
	}
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }
