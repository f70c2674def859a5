package simulate

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestEventsAreWrittenAsSpecified(t *testing.T) {
	t.Parallel()
	h := seedShop(settings{seed: 42, rate: 1, customers: 10})
	e := newEncoder(h)
	at := time.Date(2025, 1, 1, 12, 34, 56, 789_000_000, time.UTC).UnixMilli()
	s := sale{at: at, cents: 459900, customer: 17, product: laptop, store: 2, place: 3}
	id := eventID(s.at, s.place)
	text, key := e.sale([]byte("before"), &s, id)
	want := `before{"transaction_id":1578980960003,"product_id":"LAPTOP-001","store_id":"STORE-RUH-01","customer_id":"CUST-00017","amount":4599.00,"timestamp":"2025-01-01 12:34:56"}`
	if string(text) != want || string(text[key[0]:key[1]]) != "CUST-00017" {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	r := refund{at: at + 3600_000, original: id, cents: 5, customer: 1234567, product: mouse, store: 0, reason: 1}
	text, key = e.refund(nil, &r, eventID(r.at, 0))
	want = `{"refund_id":1579016960000,"original_transaction_id":1578980960003,"product_id":"MOUSE-001","store_id":"STORE-DMM-01","customer_id":"CUST-1234567","refund_amount":0.05,"reason":"defective","timestamp":"2025-01-01 13:34:56"}`
	if string(text) != want || string(text[key[0]:key[1]]) != "CUST-1234567" {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if secondOf(id) != at/1000 || firstID(hourOf(time.UnixMilli(at))) > id {
		t.Errorf("id %d is of second %d", id, secondOf(id))
	}
}

func TestLottery(t *testing.T) {
	t.Parallel()
	weights := []float64{5, 0, 1, 2.5, 0.001, 1.5}
	l := newLottery(weights)
	r := seeded(1, aboutTrial, 0, 0)
	const draws = 1_000_000
	var got [6]float64
	for range draws {
		got[l.draw(&r)]++
	}
	for i, w := range weights {
		want := w / 10.001 * draws
		if math.Abs(got[i]-want) > 5*math.Sqrt(want)+1 {
			t.Errorf("ticket %d was drawn %.0f times, want %.0f", i, got[i], want)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	r := seeded(1, aboutTrial, 2, 3)
	const n = 200_000
	var unit, wait, log float64
	var below [10]int
	for range n {
		unit += r.unit()
		wait += r.wait()
		log += math.Log(r.spread(0.5))
		below[r.below(10)]++
	}
	if math.Abs(unit/n-0.5) > 0.005 || math.Abs(wait/n-1) > 0.02 || math.Abs(log/n) > 0.01 {
		t.Errorf("means %.4f, %.4f, %.4f", unit/n, wait/n, log/n)
	}
	for i, b := range below {
		if math.Abs(float64(b)-n/10) > 5*math.Sqrt(n/10) {
			t.Errorf("%d came %d times", i, b)
		}
	}
	if a, b := seeded(1, aboutSales, 5, 0), seeded(1, aboutSales, 6, 0); a.next() == b.next() {
		t.Error("two streams are alike")
	}
}

// The reader believes only what the encoder writes, and never panics.
func FuzzReader(f *testing.F) {
	h := seedShop(settings{seed: 42, rate: 0.1, customers: 50})
	e := newEncoder(h)
	hour := hourOf(evening)
	for _, s := range h.sales(hour, h.crowd(hour/24), nil)[:5] {
		text, _ := e.sale(nil, &s, eventID(s.at, s.place))
		f.Add(string(text))
		f.Add(string(text[:len(text)-1]))
		f.Add(strings.Replace(string(text), ".", ".1", 1))
	}
	f.Add(`{"refund_id":7,"timestamp":"2020-01-01 00:00:00"}`)
	f.Add(`{"transaction_id":`)
	r := newReader(h)
	f.Fuzz(func(t *testing.T, text string) {
		if s, id, ok := r.sale([]byte(text)); ok {
			if again, _ := e.sale(nil, &s, id); string(again) != text {
				t.Fatalf("%s was believed", text)
			}
		}
		r.refund([]byte(text))
	})
}

// The encoder's clock says what the time package says, forwards, backwards and over midnight.
func TestEncoderClock(t *testing.T) {
	t.Parallel()
	e := newEncoder(seedShop(settings{customers: 1}))
	r := seeded(1, aboutTrial, 0, 0)
	for range 20_000 {
		second := int64(idEpoch + r.below(3*24*3600))
		want := `,"timestamp":"` + time.Unix(second, 0).UTC().Format(time.DateTime) + `"}`
		if got := string(e.end(nil, second*secondMs+int64(r.below(1000)))); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
