package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// product is a row of dim_products, store one of dim_stores.
type product struct {
	ID       string
	Category string
	Cents    int64 // base price
}

type store struct {
	ID   string
	Sqft int64
}

// shop is all that decides what is sold: two shops with equal settings sell the same, to the byte. It is read only
// and has no place in time.
type shop struct {
	settings
	products  []product // by id
	stores    []store   // by id
	tastes    []lottery // over products, for each taste a customer can have
	brings    []int     // product -> the product bought along with it, or -1
	broughtBy []int     // product -> the product it is bought along with, or -1
	where     lottery   // over stores
	perVisit  float64   // mean sales of a visit
	share     []float64 // each product's share of the sales
}

// settings are the numbers of a shop.
type settings struct {
	seed      uint64
	rate      float64 // mean sales in a second
	refunds   float64 // share of the sales that are brought back
	customers int     // how many there are at a time
}

// maxPrincipals is how many of the dearest products have followers of their own.
const maxPrincipals = 32

// newShop makes a shop of a catalogue, whatever is in it. Which product brings which follows from categories and
// prices: the products of the dearer categories are the ones people come for (a laptop), each brings one of the cheaper
// ones (a mouse).
func newShop(s settings, products []product, stores []store) (*shop, error) {
	switch {
	case len(products) == 0:
		return nil, fmt.Errorf("dim_products is empty: load the catalogue first, by a load.csv job in needs")
	case len(stores) == 0:
		return nil, fmt.Errorf("dim_stores is empty: load the stores first, by a load.csv job in needs")
	case len(products) > math.MaxUint16 || len(stores) > math.MaxUint16:
		return nil, fmt.Errorf("%d products and %d stores are more than can be simulated, %d each", len(products), len(stores), math.MaxUint16)
	}
	h := &shop{settings: s, products: products, stores: stores}
	principals, extras := roles(products)
	h.pair(principals, extras)
	h.makeTastes(principals)
	sizes := make([]float64, len(stores))
	for i, st := range stores {
		sizes[i] = float64(max(st.Sqft, 1))
	}
	h.where = newLottery(sizes)
	h.try()
	return h, nil
}

// roles parts the catalogue into what people come for and what they take along, each dearest first.
func roles(products []product) (principals, extras []int) {
	var all []int64
	categories := map[string][]int64{}
	for _, p := range products {
		all = append(all, p.Cents)
		categories[p.Category] = append(categories[p.Category], p.Cents)
	}
	split := func(dear func(p product) bool) {
		principals, extras = nil, nil
		for i, p := range products {
			if dear(p) {
				principals = append(principals, i)
			} else {
				extras = append(extras, i)
			}
		}
	}
	middle := median(all)
	split(func(p product) bool { return median(categories[p.Category]) > middle })
	if len(principals) == 0 || len(extras) == 0 { // one category, or all alike: the price decides
		split(func(p product) bool { return p.Cents > middle })
	}
	if len(principals) == 0 {
		principals, extras = extras, nil
	}
	dearest := func(a, b int) int {
		return cmp.Or(-cmp.Compare(products[a].Cents, products[b].Cents), cmp.Compare(a, b))
	}
	slices.SortFunc(principals, dearest)
	slices.SortFunc(extras, dearest)
	return principals, extras
}

func median(prices []int64) int64 {
	p := slices.Sorted(slices.Values(prices))
	return (p[(len(p)-1)/2] + p[len(p)/2]) / 2
}

// pair says which extra each principal brings. The second dearest extra goes to the dearest principal, and so on
// round, so that the dearest extra, which people also come for alone, does not ride on the dearest principal.
func (h *shop) pair(principals, extras []int) {
	h.brings, h.broughtBy = make([]int, len(h.products)), make([]int, len(h.products))
	for i := range h.products {
		h.brings[i], h.broughtBy[i] = -1, -1
	}
	for i, p := range principals {
		if len(extras) == 0 {
			break
		}
		e := extras[(i+1)%len(extras)]
		h.brings[p] = e
		if h.broughtBy[e] < 0 {
			h.broughtBy[e] = p
		}
	}
}

// makeTastes makes tastes for each principal: of those who buy it and what goes with it and hardly anything else, two in
// three, and of those who only prefer it. So customers differ in what they have bought even after a hundred visits, or
// nothing could be learned from whole customers. Cheap things sell more often than dear ones.
func (h *shop) makeTastes(principals []int) {
	popular := make([]float64, len(h.products))
	for i, p := range h.products {
		r := seeded(h.seed, aboutProduct, int64(i), 0)
		popular[i] = math.Pow(float64(max(p.Cents, 1)), -0.25) * (0.85 + 0.3*r.unit())
	}
	isPrincipal := make([]bool, len(h.products))
	for _, p := range principals {
		isPrincipal[p] = true
	}
	for _, own := range principals[:min(len(principals), maxPrincipals)] {
		for _, strict := range []bool{true, true, false} {
			weights := make([]float64, len(h.products))
			for i := range weights {
				weights[i] = popular[i] * liking(strict, i == own, i == h.brings[own], isPrincipal[i])
			}
			h.tastes = append(h.tastes, newLottery(weights))
		}
	}
}

func liking(strict, own, along, principal bool) float64 {
	switch {
	case own && strict:
		return 6
	case along && strict:
		return 4
	case principal && strict:
		return 0.004
	case strict:
		return 0.02
	case own:
		return 2
	case along:
		return 1.5
	}
	return 1
}

// try measures the mean sales of a visit and each product's share by trial visits, which is simpler than a formula and
// stays right when visits change. 40,000 of them place both within about half a percent.
func (h *shop) try() {
	const visits = 40_000
	r := seeded(h.seed, aboutTrial, 0, 0)
	h.share = make([]float64, len(h.products))
	sales := 0
	for range visits {
		var basket [maxBasket]int
		n := h.fill(&r, r.below(len(h.tastes)), &basket)
		for _, p := range basket[:n] {
			h.share[p]++
		}
		sales += n
	}
	h.perVisit = float64(sales) / visits
	for i := range h.share {
		h.share[i] /= float64(sales)
	}
}

// maxBasket is the most different products of one visit.
const maxBasket = 4

// fill puts the products of one visit into the basket and returns how many they are.
func (h *shop) fill(r *random, taste int, basket *[maxBasket]int) int {
	lottery := &h.tastes[taste]
	lead := lottery.draw(r)
	basket[0] = lead
	n := 1
	along := r.unit()
	switch {
	case h.brings[lead] >= 0 && along < 0.62:
		basket[n] = h.brings[lead]
		n++
	case h.broughtBy[lead] >= 0 && along < 0.06:
		basket[n] = h.broughtBy[lead]
		n++
	}
	for range maxBasket - 2 {
		if r.unit() >= 0.10 {
			break
		}
		if p := lottery.draw(r); !slices.Contains(basket[:n], p) {
			basket[n] = p
			n++
		}
	}
	return n
}
