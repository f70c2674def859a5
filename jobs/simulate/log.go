package simulate

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"tillflow/lib/kafkasrc"
)

// reader reads the shop's own events back from a topic. Others may write to it too: whatever does not have the exact
// form of our events is passed over.
type reader struct {
	shop     *shop
	encoder  *encoder
	products map[string]int // by the piece of a message the encoder writes for it
	stores   map[string]int
	buf      []byte
}

func newReader(h *shop) *reader {
	r := &reader{shop: h, encoder: newEncoder(h), products: map[string]int{}, stores: map[string]int{}}
	for i, piece := range r.encoder.products {
		r.products[string(piece)] = i
	}
	for i, piece := range r.encoder.stores {
		r.stores[string(piece)] = i
	}
	return r
}

// sale reads a message of the topic of sales. It takes the message apart, puts it together again, and believes it when
// the two are the same.
func (r *reader) sale(value []byte) (s sale, id int64, ok bool) {
	rest, ok := bytes.CutPrefix(value, []byte(`{"transaction_id":`))
	if !ok {
		return s, 0, false
	}
	id, rest = number(rest)
	store, customer := bytes.Index(rest, []byte(`,"store_id":`)), bytes.Index(rest, []byte(`CUST-`))
	if store < 0 || customer < store {
		return s, 0, false
	}
	product, ok1 := r.products[string(rest[:store])]
	where, ok2 := r.stores[string(rest[store:customer])]
	if !ok1 || !ok2 {
		return s, 0, false
	}
	who, rest := number(rest[customer+len("CUST-"):])
	rest, ok = bytes.CutPrefix(rest, []byte(`","amount":`))
	whole, rest := number(rest)
	if !ok || len(rest) < 3 || rest[0] != '.' || whole > maxCents/100 {
		return s, 0, false
	}
	hundredths, _ := number(rest[1:3])
	s = sale{
		at: secondOf(id) * secondMs, cents: whole*100 + hundredths, customer: int32(who),
		product: uint16(product), store: uint16(where), place: uint16(id % idSecond),
	}
	r.buf, _ = r.encoder.sale(r.buf[:0], &s, id)
	return s, id, bytes.Equal(r.buf, value)
}

// refund reads the id of a message of the topic of refunds.
func (r *reader) refund(value []byte) (id int64, ok bool) {
	rest, ok := bytes.CutPrefix(value, []byte(`{"refund_id":`))
	if !ok {
		return 0, false
	}
	id, _ = number(rest)
	r.buf = r.encoder.end(r.buf[:0], secondOf(id)*secondMs)
	return id, bytes.HasSuffix(value, r.buf)
}

// number reads digits; none are 0.
func number(b []byte) (int64, []byte) {
	n := 0
	for n < len(b) && n < 18 && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	v, _ := strconv.ParseInt(string(b[:n]), 10, 64) // at most 18 digits always fit
	return v, b[n:]
}

// part is a partition of a topic, as far as it was written when asked.
type part struct {
	client *kafkasrc.Client
	topic  string
	number int
	log    kafkasrc.Range
}

// read calls each for the messages from an offset to the end, until each says stop.
func (p part) read(ctx context.Context, from int64, each func(value []byte) (stop bool)) error {
	fetcher := p.client.NewFetcher(p.topic, p.number)
	for stopped := false; !stopped && from < p.log.End; {
		got, err := fetcher.Fetch(ctx, from, time.Second, func(m *kafkasrc.Message) error {
			if !stopped && m.Offset < p.log.End {
				stopped = each(m.Value)
			}
			return nil
		})
		if err != nil {
			return err
		}
		from = got.Next
	}
	return nil
}

// newest reads the end of a partition: read is called for ever longer ends, each four times as long as the one
// before, until a longer one shows nothing newer or the log begins. Others may have written our own events again behind
// ours, so the first that is found is not always the newest.
func (p part) newest(read func(from int64) (newest int64, err error)) error {
	last := int64(0)
	for step := int64(tailLength); ; step *= 4 {
		from := max(p.log.Start, p.log.End-step)
		id, err := read(from)
		if err != nil || from == p.log.Start || id > 0 && id == last {
			return err
		}
		last = id
	}
}

// since looks for an offset, not too far back, behind which all events from an id on lie. It believes that it went back
// far enough when most of the next events are older; guess is how many messages that may be.
func (p part) since(ctx context.Context, id, guess int64, event func(value []byte) (int64, bool)) (int64, error) {
	const asked = 100
	for step := guess; ; step *= 4 {
		from := max(p.log.Start, p.log.End-step)
		older, n := 0, 0
		err := p.read(ctx, from, func(value []byte) bool {
			if at, ok := event(value); ok {
				n++
				if at < id {
					older++
				}
			}
			return n == asked
		})
		if err != nil || from == p.log.Start || n > 0 && 2*older > n {
			return from, err
		}
	}
}
