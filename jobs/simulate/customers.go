package simulate

// A customer's habits follow from the seed and the number alone. There is always about the same number of customers,
// but not always the same people: three in ten come and stay, two in ten look in now and then, and about half are
// passing: each place among them is taken by one customer after another, who turns up some day of a cycle, stays for
// days or weeks, and is not seen again. In any month some of these are new, some have stopped, and some did both.
const (
	regularShare = 0.22 // come on their two weekdays
	bigShare     = 0.08 // less often, but buy more and dearer
	rareShare    = 0.22 // now and then
	passingCycle = 60   // days; the rest of the customers
	passingNames = 4    // after so many cycles a number may come back, as a stranger would
)

// customer is what a visit needs to know of one.
type customer struct {
	number int32
	taste  uint16
	home   uint16 // store
	big    bool
}

// crowd is who may come on one day, and how likely.
type crowd struct {
	day    int64
	people []customer
	who    lottery
}

// crowd gathers the customers of a UTC day, counted from the epoch.
func (h *shop) crowd(day int64) *crowd {
	c := &crowd{day: day, people: make([]customer, 0, h.customers)}
	weights := make([]float64, 0, h.customers)
	for place := range h.customers {
		if person, weight := h.customer(place, day); weight > 0 {
			c.people = append(c.people, person)
			weights = append(weights, weight)
		}
	}
	if len(c.people) == 0 { // a handful of customers, all of them passing and away: the first one looks in
		person, _ := h.customer(0, day)
		c.people, weights = append(c.people, person), append(weights, 1)
	}
	c.who = newLottery(weights)
	return c
}

// customer says who holds a place on a day and how much they are drawn to the shop; 0 when away. Only the ratios of
// weights matter: the rate says how many sales there are, the weights say whose.
func (h *shop) customer(place int, day int64) (customer, float64) {
	r := seeded(h.seed, aboutCustomer, int64(place), 0)
	kind := r.unit()
	if kind >= regularShare+bigShare+rareShare {
		return h.passing(place, day, r.below(passingCycle))
	}
	person := h.person(place+1, &r)
	switch {
	case kind < regularShare:
		weight := r.spread(0.5)
		first := r.below(7)
		second := (first + 1 + r.below(6)) % 7
		if weekday := int((day + 4) % 7); weekday == first || weekday == second {
			return person, 2.2 * weight
		}
		return person, 0.52 * weight
	case kind < regularShare+bigShare:
		person.big = true
		return person, 0.7 * r.spread(0.4)
	}
	return person, 0.12 * r.spread(0.8)
}

// passing is the customer who holds a passing place on a day.
func (h *shop) passing(place int, day int64, phase int) (customer, float64) {
	cycle, at := (day+int64(phase))/passingCycle, int((day+int64(phase))%passingCycle)
	number := place + 1 + h.customers*int(cycle%passingNames)
	r := seeded(h.seed, aboutCustomer, int64(number), 1)
	person := h.person(number, &r)
	stay := 1 + r.below(4)
	if r.unit() < 0.7 {
		stay = 7 + r.below(45)
	}
	first := r.below(passingCycle - stay + 1)
	if at < first || at >= first+stay {
		return person, 0
	}
	return person, 0.45 * r.spread(0.9)
}

func (h *shop) person(number int, r *random) customer {
	return customer{number: int32(number), taste: uint16(r.below(len(h.tastes))), home: uint16(h.where.draw(r))}
}
