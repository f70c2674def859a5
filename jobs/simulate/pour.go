package simulate

import (
	"context"
	"math"
	"time"

	"tillflow/dag/run"
)

// A chunk is what is written at a time while there is a backlog: so many events, or so many hours in a quiet shop.
const (
	chunkEvents   = 16_384
	maxChunkHours = 24
)

// chunkHours is how many hours a chunk can span: as many as the quietest ones take to fill it.
func (h *shop) chunkHours() int64 {
	return int64(min(maxChunkHours, math.Ceil(chunkEvents/(h.rate*0.25*3600))))
}

// tick is how often events are written once the backlog is done.
const tick = 250 * time.Millisecond

// pourer writes the events of one run in order of time, none before its time.
type pourer struct {
	in    run.Input
	out   *outlet
	clock func() time.Time // with in.Once it stands still
	gauge gauge
}

// pour writes a leg. It returns nil at the leg's end, or with in.Once when all is written whose time has come.
func (p *pourer) pour(ctx context.Context, l leg) error {
	sending, cancel := outliving(ctx, p.in.Drain)
	defer cancel()
	f := &flow{pourer: p, leg: l, sending: sending, encoder: newEncoder(l.shop), chunk: l.first}
	var day *crowd
	var buf []sale
	for hour := l.first; l.until == 0 || hour < l.until; hour++ {
		if day == nil || day.day != hour/24 {
			day = l.shop.crowd(hour / 24)
		}
		buf = l.shop.sales(hour, day, buf)
		if done, err := f.hour(ctx, hour, buf, l.returns.take(hour)); done || err != nil {
			return err
		}
	}
	return f.flush(l.until)
}

// outliving is a context for work in hand: it ends the given time after ctx did, with the same cause.
func outliving(ctx context.Context, drain time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(drain, func() { cancel(context.Cause(ctx)) }) })
	return out, func() {
		stop()
		cancel(context.Canceled)
	}
}

// flow is the writing of a leg.
type flow struct {
	*pourer
	leg     leg
	sending context.Context // of sending what is gathered, when ctx has ended already
	encoder *encoder
	chunk   int64 // hour with which the chunk in hand began
	waited  bool  // the backlog is done: what is gathered is due now
	key     []byte
}

// hour writes the events of an hour; done means that with in.Once there is nothing left to do. When ctx ends, what is
// gathered and not yet being sent is let go: the next start makes it again.
func (f *flow) hour(ctx context.Context, hour int64, sold []sale, back []refund) (done bool, err error) {
	for {
		if ctx.Err() != nil {
			return true, context.Cause(ctx)
		}
		now := f.clock()
		sold, back = f.gather(sold, back, now.UnixMilli())
		passed := now.UnixMilli() >= (hour+1)*hourMs
		switch {
		case f.out.held >= chunkEvents:
			if err := f.flush(hour); err != nil {
				return true, err
			}
		case passed && len(sold) == 0 && len(back) == 0:
			if f.waited || hour-f.chunk >= maxChunkHours-1 {
				err = f.flush(hour + 1)
			}
			return err != nil, err
		default:
			if err := f.flush(hour); err != nil || f.in.Once {
				return true, err
			}
			f.waited = true
			select {
			case <-time.After(tick):
			case <-ctx.Done():
			}
		}
	}
}

// gather takes the events whose time has come, in order of time, up to a chunk, and returns the rest.
func (f *flow) gather(sold []sale, back []refund, due int64) ([]sale, []refund) {
	for f.out.held < chunkEvents {
		ofSales, ofRefunds := len(sold) > 0 && sold[0].at <= due, len(back) > 0 && back[0].at <= due
		switch {
		case ofSales && (!ofRefunds || sold[0].at <= back[0].at):
			f.sale(&sold[0])
			sold = sold[1:]
		case ofRefunds:
			f.refund(&back[0])
			back = back[1:]
		default:
			return sold, back
		}
	}
	return sold, back
}

func (f *flow) sale(s *sale) {
	id := eventID(s.at, s.place)
	f.key = appendCustomer(f.key[:0], s.customer)
	p := f.out.partition(sales, f.key)
	if id <= f.leg.after[sales][p] {
		return
	}
	f.leg.returns.sold(s, id)
	b := &f.out.batches[sales][p]
	text, key := f.encoder.sale(b.text, s, id)
	f.out.add(b, text, key)
	f.gauge.event(s.at, true)
}

func (f *flow) refund(r *refund) {
	id := eventID(r.at, r.place)
	f.key = appendCustomer(f.key[:0], r.customer)
	p := f.out.partition(refunds, f.key)
	if id <= f.leg.after[refunds][p] {
		return
	}
	b := &f.out.batches[refunds][p]
	text, key := f.encoder.refund(b.text, r, id)
	f.out.add(b, text, key)
	f.gauge.event(r.at, false)
}

// flush sends what is gathered. next is the hour that the next chunk begins with.
func (f *flow) flush(next int64) error {
	f.chunk = next
	n := f.out.held
	if n > 0 {
		if err := f.out.send(f.sending, f.clock()); err != nil {
			return err
		}
	}
	if progress, ok := f.gauge.sent(n, f.clock(), f.waited); ok {
		f.in.Progress(progress)
	}
	return nil
}
