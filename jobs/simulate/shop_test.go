package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

func seedShop(s settings) *shop {
	h, err := newShop(s, []product{
		{"CHARGER-001", "Accessories", 9900},
		{"HEADPHONES-001", "Accessories", 64900},
		{"LAPTOP-001", "Electronics", 459900},
		{"MOUSE-001", "Accessories", 12900},
		{"PHONE-001", "Electronics", 289900},
		{"TABLET-001", "Electronics", 179900},
	}, []store{{"STORE-DMM-01", 3300}, {"STORE-JED-01", 4100}, {"STORE-RUH-01", 5200}})
	if err != nil {
		panic(err)
	}
	return h
}

// Products of the seed shop, by index.
const (
	charger = iota
	headphones
	laptop
	mouse
	phone
	tablet
)

// hourly is an hour and its sales.
type hourly struct {
	hour int64
	sold []sale
}

// month is what the default shop sells in 30 days. Tests only read it.
var month = sync.OnceValue(func() (m []hourly) {
	var day *crowd
	end := hourOf(evening)
	for hour := end - 720; hour < end; hour++ {
		if day == nil || day.day != hour/24 {
			day = monthShop().crowd(hour / 24)
		}
		m = append(m, hourly{hour, monthShop().sales(hour, day, nil)})
	}
	return m
})

var monthShop = sync.OnceValue(func() *shop {
	return seedShop(settings{seed: 42, rate: 0.5, refunds: 0.1, customers: 20_000})
})

func TestRateHoursAndDays(t *testing.T) {
	t.Parallel()
	h := monthShop()
	total := 0
	perDay, perLocalHour := map[int64]int{}, [24]int{}
	perWeekday := [7]int{}
	for _, m := range month() {
		hour, sold := m.hour, m.sold
		if !slices.IsSortedFunc(sold, func(a, b sale) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(eventID(a.at, a.place), eventID(b.at, b.place)))
		}) {
			t.Fatalf("hour %d is not in order", hour)
		}
		for _, s := range sold {
			if s.at/hourMs != hour || s.cents <= 0 {
				t.Fatalf("bad sale %+v in hour %d", s, hour)
			}
		}
		total += len(sold)
		perDay[hour/24] += len(sold)
		perLocalHour[(hour+3)%24] += len(sold)
		perWeekday[((hour+3)/24+4)%7] += len(sold)
	}
	if mean := float64(total) / 720 / 3600; math.Abs(mean/0.5-1) > 0.03 {
		t.Errorf("%.4f sales a second, want 0.5", mean)
	}
	for day, n := range perDay {
		if n < 37_000 || n > 51_000 { // 43,200, less or more by weekday; the first and last day are parts
			if day != (hourOf(evening)-720)/24 && day != hourOf(evening)/24 {
				t.Errorf("day %d has %d sales", day, n)
			}
		}
	}
	mean := float64(total) / 24
	for hour, n := range perLocalHour {
		if float64(n) < 0.25*mean {
			t.Errorf("hour %d has %d sales, the mean is %.0f", hour, n, mean)
		}
	}
	if busiest := slices.Index(perLocalHour[:], slices.Max(perLocalHour[:])); busiest < 18 || busiest > 22 {
		t.Errorf("the busiest hour is %d", busiest)
	}
	weekend := float64(perWeekday[time.Friday]+perWeekday[time.Saturday]) / 2
	if early := float64(perWeekday[time.Monday]+perWeekday[time.Tuesday]) / 2; weekend < 1.05*early {
		t.Errorf("%.0f sales on Fridays and Saturdays, %.0f on Mondays and Tuesdays", weekend, early)
	}
	for minute := range int64(28 * 24 * 60) {
		if p := h.pace(minute); p < 0.25 || p > 3 {
			t.Fatalf("pace %.3f in minute %d", p, minute)
		}
	}
}

// About one sale in ten is brought back, soon rather than late, mostly whole.
func TestRefunds(t *testing.T) {
	t.Parallel()
	h := monthShop()
	sold, back, whole, perReason := 0, 0, 0, map[string]int{}
	var delays []float64
	for _, m := range month() {
		list := m.sold
		for i := range list {
			s := &list[i]
			sold++
			r, ok := h.refundOf(s, eventID(s.at, s.place))
			if !ok {
				continue
			}
			back++
			delay := r.at - s.at/secondMs*secondMs
			if delay < hourMs || delay > maxDelay*hourMs || r.cents <= 0 || r.cents > s.cents {
				t.Fatalf("bad refund %+v of %+v", r, s)
			}
			if r.cents == s.cents {
				whole++
			}
			perReason[reasons[r.reason]]++
			delays = append(delays, float64(delay)/hourMs)
		}
	}
	if share := float64(back) / float64(sold); math.Abs(share-0.1) > 0.002 {
		t.Errorf("%.4f of the sales are brought back", share)
	}
	if share := float64(whole) / float64(back); share < 0.68 || share > 0.76 {
		t.Errorf("%.3f of the refunds are whole", share)
	}
	if len(perReason) != len(reasons) || perReason["changed_mind"] < perReason["damaged_shipping"] {
		t.Errorf("reasons %v", perReason)
	}
	slices.Sort(delays)
	if m := delays[len(delays)/2]; m < 8 || m > 30 {
		t.Errorf("median delay %.1f hours", m)
	}
}

func TestNewShopErrors(t *testing.T) {
	t.Parallel()
	if _, err := newShop(settings{}, make([]product, 70_000), make([]store, 1)); err == nil || !strings.Contains(err.Error(), "70000 products") {
		t.Error(err)
	}
}

// Roles come from categories and prices, so any catalogue makes a shop.
func TestAnyCatalogue(t *testing.T) {
	t.Parallel()
	many := make([]product, 300)
	for i := range many {
		many[i] = product{fmt.Sprintf("P%03d", i), fmt.Sprint("category ", i%7), int64(100 + i*i)}
	}
	for name, tt := range map[string]struct {
		products []product
		brings   []int
	}{
		"one_product":    {[]product{{"A", "x", 100}}, []int{-1}},
		"free_of_charge": {[]product{{"A", "x", 0}, {"B", "x", 0}}, []int{-1, -1}},
		"one_category":   {[]product{{"A", "x", 100}, {"B", "x", 900}, {"C", "x", 500}}, []int{-1, 0, -1}},
		"two_categories": {[]product{{"A", "fruit", 1}, {"B", "wine", 9}, {"C", "fruit", 2}, {"D", "wine", 8}}, []int{-1, 0, -1, 2}},
		"many":           {many, nil},
		"strange_names":  {[]product{{`a"b\`, "x\n", 5}, {"ü,", "", 7}}, nil},
		"highest_prices": {[]product{{"A", "x", maxCents}, {"B", "y", maxCents}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := newShop(settings{seed: 1, rate: 2, refunds: 1, customers: 3}, tt.products, []store{{"s", 0}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(tt.brings, h.brings); diff != "" && tt.brings != nil {
				t.Errorf("who brings whom differs (-want +got):\n%s", diff)
			}
			hour := hourOf(evening)
			list := h.sales(hour, h.crowd(hour/24), nil)
			if len(list) < 1000 {
				t.Errorf("%d sales", len(list))
			}
			e := newEncoder(h)
			r := newReader(h)
			for i := range list {
				s := &list[i]
				if s.cents < 1 || s.cents > maxCents {
					t.Fatalf("amount %d", s.cents)
				}
				text, key := e.sale(nil, s, eventID(s.at, s.place))
				if got, _ := decode(t, text); got.Product != tt.products[s.product].ID || got.Customer != string(text[key[0]:key[1]]) {
					t.Fatalf("message %s", text)
				}
				back, id, ok := r.sale(text)
				s.at = s.at / secondMs * secondMs
				if !ok || back != *s || id != eventID(s.at, s.place) {
					t.Fatalf("%s read as %+v, %v", text, back, ok)
				}
			}
		})
	}
}
