package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
	"tillflow/lib/window"
)

// everyWindow is the sales stream with windows of every kind.
const everyWindow = sales + `  sliding:
    window: 10m
    slide: 2m
    by: [store_id, product_id]
    where: amount > 20 and customer_id <> 'C3'
    totals: { total: sum(amount), n: count(), low: min(amount), latest: max(ts), mean: avg(amount), customers: approx_distinct(customer_id) }
  halves:
    window: 1h
    slide: 30m
    totals: { n: count(), mean: avg(amount), products: approx_distinct(product_id) }
`

// Hundreds of short logs, each a partition of its own, are read into one set of tables: cut anywhere, handed from
// worker to worker, each of which knows only what the one before has stored, with held rows released at any moment. The
// same logs read at once must give the same tables, to the last byte of a sketch; the model says what they are, and
// verify, which counts the windows again by SQL, finds nothing. Only the broker is left out, for its speed.
func TestManyLogsSameTables(t *testing.T) {
	t.Parallel()
	for _, late := range []string{"drop", "include"} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(17, uint64(len(late))))
			const logs = 120
			var all, known []message
			byLog := make([][]message, logs)
			released := make([]bool, logs)
			for n := range logs {
				log := randomLogOf(rng, 1+rng.IntN(40), 1, n*100, 1+rng.Int64N(60))
				released[n] = rng.IntN(3) > 0
				for i := range log {
					log[i].partition = n
					if log[i].product == "X" {
						log[i].product = fmt.Sprint("X", n)
						log[i].value = log[i].text()
					}
				}
				byLog[n] = log
				all = append(all, log...)
				for _, e := range log {
					if e.kind == "held" && released[n] {
						e.kind = "good"
					}
					known = append(known, e)
				}
			}
			want := model(known, logs, late)
			if len(want["late"]) < logs/2 || len(want["future"]) < logs/20 || len(want["held"]) < logs/5 || len(want["raw"]) > len(all)*9/10 {
				t.Fatalf("of %d messages too few are late, from the future, held or repeated", len(all))
			}
			tables := []string{"product_metrics_minute", "sliding", "halves"}
			var first map[string][]string
			for _, how := range []string{"in pieces", "at once"} {
				c := newCutter(t, late, logs, rng)
				for n, log := range byLog {
					c.read(n, log, released[n], how == "at once")
				}
				if diff := cmp.Diff(want, c.tables()); diff != "" {
					t.Fatalf("read %s: tables differ (-model +tables):\n%s", how, diff)
				}
				c.prove()
				got := c.all(tables...)
				if first == nil {
					first = got
				}
				if diff := cmp.Diff(first, got); diff != "" {
					t.Fatalf("windows differ (-in pieces +at once):\n%s", diff)
				}
			}
		})
	}
}

// cutter reads logs into tables as the workers of a stream do, without a broker.
type cutter struct {
	*rig
	st   *stream
	conn *pgx.Conn
	rng  *rand.Rand
	mem  *memory.CheckedAllocator
}

// newCutter makes a database, its tables, and a ledger of so many partitions.
func newCutter(t *testing.T, late string, partitions int, rng *rand.Rand) *cutter {
	t.Helper()
	c := &cutter{rig: &rig{t: t, db: pgtest.Open(t), with: decode(t, "late: "+late+"\n"+everyWindow)}, rng: rng}
	c.addr = []string{"127.0.0.1:1"} // nobody is asked
	c.dims(4, 3)
	c.mem = memory.NewCheckedAllocator(memory.DefaultAllocator)
	t.Cleanup(func() { c.mem.AssertSize(t, 0) })
	with := c.with.withDefaults()
	s, err := newSinks(with)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.prepare(t.Context(), c.db, "stream.test"); err != nil {
		t.Fatal(err)
	}
	c.st = &stream{
		name: "stream.test", with: with, db: c.db, sinks: s, mem: c.mem, log: slog.New(slog.DiscardHandler),
		writers: make(chan struct{}, 1), troubles: newTroubles("stream.test", time.Now),
	}
	if c.conn, err = s.session(t.Context(), c.db, "cutter"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.conn.Close(context.WithoutCancel(t.Context())) })
	starts := map[int]int64{}
	for p := range partitions {
		starts[p] = 0
	}
	if err := ledger.Ensure(t.Context(), c.db, "stream.test", c.with.Topic, starts); err != nil {
		t.Fatal(err)
	}
	return c
}

// read reads a log to its end, by one worker in one piece, or by several. The dimension row that its held rows wait for
// comes somewhere on the way or after the end, if it is to come.
func (c *cutter) read(n int, log []message, release, whole bool) {
	c.t.Helper()
	come := c.rng.IntN(len(log) + 1)
	product := func(at int) {
		if release && at >= come {
			release = false
			c.exec("insert into dim_products values ($1, 'Late product', 'Electronics', 10)", fmt.Sprint("X", n))
		}
	}
	ctx := c.t.Context()
	for at, done := 0, false; !done; {
		lease, ok, err := ledger.Member{Job: "stream.test", Topic: c.with.Topic, Name: "w", TTL: time.Hour}.Claim(ctx, c.db, n)
		if err != nil || !ok || int(lease.Next) != at {
			c.t.Fatalf("partition %d at %d is claimed: %v, %v, at %d", n, at, ok, err, lease.Next)
		}
		p := &partition{job: c.st, lease: lease, stopAt: math.MaxInt64, log: c.st.log, replay: make(chan struct{}, 1)}
		w, err := newWriter(c.st.sinks, c.st.mem, lease, logID{"cluster", "topic"})
		if err != nil {
			c.t.Fatal(err)
		}
		w.conn = c.conn
		r := c.reader(p)
		b := new(batch)
		for range 1 + c.rng.IntN(4) {
			size := len(log)
			if !whole {
				size = 1 + c.rng.IntN(12)
			}
			product(at)
			to := min(len(log), at+size)
			c.fill(r, b, log, to)
			err := p.commit(ctx, ctx, w, b)
			if errors.Is(err, errNotKept) {
				p.keepFor.Store(keepMessages)
				r.dec.Release()
				r = c.reader(p)
				c.fill(r, b, log, to)
				err = p.commit(ctx, ctx, w, b)
			}
			if err != nil {
				c.t.Fatalf("log %d from %d: %v", n, at, err)
			}
			if at = to; at < len(log) {
				continue
			}
			product(len(log))
			if err := p.settle(ctx, ctx, w); err != nil {
				c.t.Fatal(err)
			}
			done = true
			break
		}
		b.reset(0)
		r.dec.Release()
		w.waiting.close()
	}
}

// reader is one that goes on where the partition's lease stands.
func (c *cutter) reader(p *partition) *reader {
	r := &reader{
		dec: c.st.sinks.schema.NewDecoder(c.mem), tracker: window.NewTracker(*c.st.with.Watermark, *c.st.with.MaxSkew),
		next: p.lease.Next, stopAt: math.MaxInt64, rows: 1 << 20, aim: size{1 << 20, batchBytes}, keep: p.keepFor.Load() > 0,
	}
	r.tracker.Restore(p.lease.MaxEvent, p.lease.HasMax)
	return r
}

// fill makes a batch of the messages before to.
func (c *cutter) fill(r *reader, b *batch, log []message, to int) {
	c.t.Helper()
	b.reset(r.next)
	for ; r.next < int64(to); r.next++ {
		e := log[r.next]
		if err := r.take(b, &kafkasrc.Message{Offset: r.next, TimeMs: e.brokerMs, Value: []byte(e.value)}); err != nil {
			c.t.Fatal(err)
		}
	}
	b.next, b.logEnd = r.next, int64(len(log))
	b.maxEvent, b.hasMax = r.tracker.Max()
	b.rec, b.unknown = r.dec.Seal(), r.dec.Unknown()
}
