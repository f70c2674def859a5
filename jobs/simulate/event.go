package simulate

import (
	"encoding/json"
	"strconv"
	"time"
)

// An event's id is a bigint that grows with time, so that the newest id of a log says how far the log has come:
//
//	seconds since 2020-01-01 UTC * 10,000 + place
//
// place counts the events of a kind within their second, from 0. Ids depend on time alone, so a shop that was given
// another rate goes on with ids that nobody has used.
const (
	idEpoch  = 1_577_836_800 // 2020-01-01 in seconds since the Unix epoch
	idSecond = 10_000
)

// eventID is the id of an event at a time in ms.
func eventID(at int64, place uint16) int64 { return (at/secondMs-idEpoch)*idSecond + int64(place) }

// firstID is the least id that an event of this hour or a later one can have.
func firstID(hour int64) int64 { return (hour*3600 - idEpoch) * idSecond }

// secondOf is the time of an event, in seconds since the Unix epoch.
func secondOf(id int64) int64 { return id/idSecond + idEpoch }

// layout is how events write a time, in UTC.
const layout = "2006-01-02 15:04:05"

// encoder writes events as JSON: fields in a fixed order, amounts with two decimals. What does not change from event to
// event is written once, in advance.
type encoder struct {
	products, stores [][]byte // `,"product_id":"LAPTOP-001"` and `,"store_id":"S1","customer_id":"`, by index
	second           int64
	clock            []byte // the second as text
}

func newEncoder(h *shop) *encoder {
	e := &encoder{second: -1}
	for _, p := range h.products {
		e.products = append(e.products, field(`,"product_id":`, p.ID, ""))
	}
	for _, s := range h.stores {
		e.stores = append(e.stores, field(`,"store_id":`, s.ID, `,"customer_id":"`))
	}
	return e
}

func field(before, value, after string) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(append([]byte(before), text...), after...)
}

// sale appends a message and says where in it the customer's id stands, which is the message's key.
func (e *encoder) sale(b []byte, s *sale, id int64) (out []byte, key [2]int) {
	b = append(b, `{"transaction_id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, e.products[s.product]...)
	b = append(b, e.stores[s.store]...)
	key[0] = len(b)
	b = appendCustomer(b, s.customer)
	key[1] = len(b)
	b = append(b, `","amount":`...)
	b = appendCents(b, s.cents)
	return e.end(b, s.at), key
}

// refund is like sale.
func (e *encoder) refund(b []byte, r *refund, id int64) (out []byte, key [2]int) {
	b = append(b, `{"refund_id":`...)
	b = strconv.AppendInt(b, id, 10)
	b = append(b, `,"original_transaction_id":`...)
	b = strconv.AppendInt(b, r.original, 10)
	b = append(b, e.products[r.product]...)
	b = append(b, e.stores[r.store]...)
	key[0] = len(b)
	b = appendCustomer(b, r.customer)
	key[1] = len(b)
	b = append(b, `","refund_amount":`...)
	b = appendCents(b, r.cents)
	b = append(b, `,"reason":"`...)
	b = append(b, reasons[r.reason]...)
	b = append(b, '"')
	return e.end(b, r.at), key
}

func (e *encoder) end(b []byte, at int64) []byte {
	if second := at / secondMs; second != e.second {
		e.setClock(second)
	}
	b = append(b, `,"timestamp":"`...)
	b = append(b, e.clock...)
	return append(b, `"}`...)
}

// setClock writes the second as text. The date is formatted once a day; nearly every event has a second of its own.
func (e *encoder) setClock(second int64) {
	const day = 24 * 3600
	if e.second < 0 || second/day != e.second/day {
		e.clock = time.Unix(second, 0).UTC().AppendFormat(e.clock[:0], layout)
	}
	for i, v := range [3]int64{second / 3600 % 24, second / 60 % 60, second % 60} {
		e.clock[len("2006-01-02 ")+3*i] = byte('0' + v/10)
		e.clock[len("2006-01-02 ")+3*i+1] = byte('0' + v%10)
	}
	e.second = second
}

// appendCustomer writes CUST-00017; numbers over 99,999 are longer.
func appendCustomer(b []byte, number int32) []byte {
	b = append(b, "CUST-"...)
	for limit := int32(10_000); limit > 1 && number < limit; limit /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(number), 10)
}

func appendCents(b []byte, cents int64) []byte {
	b = strconv.AppendInt(b, cents/100, 10)
	return append(b, '.', byte('0'+cents/10%10), byte('0'+cents%10))
}
