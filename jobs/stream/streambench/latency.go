package streambench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tillflow/dag/run"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
)

// Latency runs from the moment before a message is sent to the moment another session sees the offset behind it in the
// ledger, which is committed together with its row.

const (
	quietEvery = 10 * time.Millisecond // a message: 100 a second

	// At full speed the producer keeps this many messages of a partition on their way, as a real one with a bounded buffer
	// does. More of them raise the latency and not the rate: they measure the queue.
	fullFlight = 10_000
	fullChunk  = 1000 // of them in a request

	warmUp = 4 // the first 1/warmUp of the requests is not counted

	lookQuiet = 300 * time.Microsecond // between two looks at the ledger
	lookFull  = time.Millisecond
)

// latencies measures both.
func (b *bench) latencies(ctx context.Context, res *Result) (err error) {
	b.Say("latency at 100 events a second")
	if res.Latency, _, err = b.latency(ctx, "bench.quiet", lookQuiet, b.sendQuietly); err != nil {
		return fmt.Errorf("latency at 100 events a second: %w", err)
	}
	b.Say("latency at full speed")
	var rate float64
	if res.FullSpeedLatency, rate, err = b.latency(ctx, "bench.full", lookFull, b.sendAll); err != nil {
		return fmt.Errorf("latency at full speed: %w", err)
	}
	res.FullSpeedRowsPerS, res.FullSpeedInFlight = rate, fullFlight
	return nil
}

// flight is what is on its way in one partition.
type flight struct {
	mu   sync.Mutex
	sent []sent // not seen yet, in order
	seen atomic.Int64

	took []took
}

// sent is a request: the messages up to offset end.
type sent struct {
	end, n int64
	at     time.Time
}

type took struct {
	d    time.Duration
	n    int64
	when time.Time // seen
}

func (f *flight) add(s sent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = append(f.sent, s)
}

// see notes that everything before offset next is visible.
func (f *flight) see(next int64, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := 0
	for ; i < len(f.sent) && f.sent[i].end <= next; i++ {
		s := f.sent[i]
		f.took = append(f.took, took{now.Sub(s.at), s.n, now})
	}
	f.sent = f.sent[i:]
	f.seen.Store(next)
}

// latency runs a stream on a topic of its own while send writes to it for b.Latency. It returns the quantiles over all
// messages and how many became visible a second.
func (b *bench) latency(ctx context.Context, name string, look time.Duration, send func(context.Context, *kafkasrc.Producer, []*flight) error) (Quantiles, float64, error) {
	fail := func(err error) (Quantiles, float64, error) { return Quantiles{}, 0, err }
	if err := b.fresh(ctx); err != nil {
		return fail(err)
	}
	w := b.with
	w.Topic = name
	if err := b.client.EnsureTopic(ctx, name, b.Partitions); err != nil {
		return fail(err)
	}
	producer, err := b.client.NewProducer(ctx, name)
	if err != nil {
		return fail(err)
	}
	j, err := b.job(name, w)
	if err != nil {
		return fail(err)
	}
	flights := make([]*flight, b.Partitions)
	for p := range flights {
		flights[p] = new(flight)
	}
	sctx, stop := context.WithCancelCause(ctx)
	g, gctx := errgroup.WithContext(sctx)
	g.Go(func() error {
		if _, err := j.Run(gctx, run.Input{Drain: 10 * time.Second}); !errors.Is(err, run.ErrStop) {
			return err
		}
		return nil
	})
	watched := make(chan struct{})
	g.Go(func() error {
		defer close(watched)
		return b.observe(gctx, name, look, flights)
	})
	g.Go(func() error {
		defer stop(run.ErrStop)
		if err := b.running(gctx, name); err != nil {
			return err
		}
		if err := send(gctx, producer, flights); err != nil {
			return err
		}
		return b.landed(gctx, flights)
	})
	if err := g.Wait(); err != nil && !errors.Is(err, run.ErrStop) {
		return fail(err)
	}
	<-watched
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	var n int64
	for _, f := range flights {
		n += f.seen.Load()
	}
	if err := b.check(ctx, n); err != nil {
		return fail(err)
	}
	return summarize(flights)
}

// observe looks at the ledger again and again until ctx ends.
func (b *bench) observe(ctx context.Context, name string, pause time.Duration, flights []*flight) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		ps, err := ledger.Progress(ctx, b.db, name)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		for _, p := range ps {
			flights[p.Partition].see(p.Next, now)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// running waits until the stream has claimed its partitions.
func (b *bench) running(ctx context.Context, name string) error {
	return until(ctx, func() (bool, error) {
		ps, err := ledger.Progress(ctx, b.db, name)
		n := 0
		for _, p := range ps {
			if p.Live {
				n++
			}
		}
		return n == b.Partitions, err
	})
}

// landed waits until everything that was sent is visible.
func (b *bench) landed(ctx context.Context, flights []*flight) error {
	return until(ctx, func() (bool, error) {
		for _, f := range flights {
			f.mu.Lock()
			left := len(f.sent)
			f.mu.Unlock()
			if left > 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// until asks every few milliseconds.
func until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// sendQuietly sends a message every 10 ms, to the partitions in turn.
func (b *bench) sendQuietly(ctx context.Context, producer *kafkasrc.Producer, flights []*flight) error {
	tick := time.NewTicker(quietEvery)
	defer tick.Stop()
	next := make([]int64, len(flights))
	record, arena := make([]kafkasrc.Record, 1), []byte(nil)
	for n := 0; time.Duration(n)*quietEvery < b.Latency; n++ {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		p := n % b.Partitions
		now := time.Now()
		arena = b.shop.sales(record, arena, n, 1, now)
		next[p]++
		flights[p].add(sent{next[p], 1, now})
		if err := producer.Send(ctx, p, record); err != nil {
			return err
		}
	}
	return nil
}

// sendAll keeps fullFlight messages of each partition on their way.
func (b *bench) sendAll(ctx context.Context, producer *kafkasrc.Producer, flights []*flight) error {
	end := time.Now().Add(b.Latency)
	return b.each(ctx, func(ctx context.Context, p int) error {
		records, arena := make([]kafkasrc.Record, fullChunk), []byte(nil)
		for next := int64(0); next == 0 || time.Now().Before(end); {
			if next+fullChunk-flights[p].seen.Load() > fullFlight {
				if err := until(ctx, func() (bool, error) { return next+fullChunk-flights[p].seen.Load() <= fullFlight, nil }); err != nil {
					return err
				}
			}
			arena = b.shop.sales(records, arena, p+int(next)*b.Partitions, b.Partitions, time.Now())
			next += fullChunk
			flights[p].add(sent{next, fullChunk, time.Now()})
			if err := producer.Send(ctx, p, records); err != nil {
				return err
			}
		}
		return nil
	})
}

// summarize gives the quantiles over all messages but the first of each partition, and how many became visible a second.
func summarize(flights []*flight) (Quantiles, float64, error) {
	var all []took
	var n int64
	var from, to time.Time
	for _, f := range flights {
		for _, t := range f.took[len(f.took)/warmUp:] {
			all = append(all, t)
			n += t.n
			if sent := t.when.Add(-t.d); from.IsZero() || sent.Before(from) {
				from = sent
			}
			if t.when.After(to) {
				to = t.when
			}
		}
	}
	if n == 0 {
		return Quantiles{}, 0, errors.New("no message became visible")
	}
	slices.SortFunc(all, func(a, b took) int { return int(a.d - b.d) })
	at := func(q float64) float64 {
		left := int64(q * float64(n))
		for _, t := range all {
			if left -= t.n; left < 0 {
				return float64(t.d) / float64(time.Millisecond)
			}
		}
		return float64(all[len(all)-1].d) / float64(time.Millisecond)
	}
	return Quantiles{at(0.5), at(0.99)}, float64(n) / to.Sub(from).Seconds(), nil
}
