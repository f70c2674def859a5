package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/ledger"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

// sales is the stream of the retail pipeline.
const sales = `
topic: transactions
watermark: 5m
fields:
  transaction_id: { type: int64 }
  product_id:     { type: string, references: dim_products.product_id }
  store_id:       { type: string, references: dim_stores.store_id }
  customer_id:    { type: string }
  amount:         { type: "decimal(12,2)" }
  timestamp:      { type: timestamp, column: ts, event_time: true }
sinks:
  transactions: { append: all, key: [transaction_id, ts] }
  product_metrics_minute:
    window: 1m
    by: [product_id]
    totals: { total_revenue: sum(amount), transaction_count: count() }
`

// decode reads the settings of a stream as a dagfile holds them.
func decode(t testing.TB, src string) With {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(src), 0, &w); len(ps) > 0 {
		t.Fatalf("settings: %v", ps)
	}
	return w
}

// rig is a broker and a database for one test.
type rig struct {
	t        testing.TB
	db       *pgxpool.Pool
	kafka    *embedded.Kafka
	addr     []string // of another broker than kafka
	client   *kafkasrc.Client
	with     With
	settings string // with, as a dagfile holds them
	name     string // of the job; default stream.test
}

func newRig(t testing.TB, partitions int, settings string) *rig {
	t.Helper()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Partitions: partitions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	client, err := kafkasrc.Open(k.Brokers(), kafkasrc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := &rig{t: t, db: pgtest.Open(t), kafka: k, client: client, with: decode(t, settings), settings: settings}
	if err := client.EnsureTopic(t.Context(), r.with.Topic, partitions); err != nil {
		t.Fatal(err)
	}
	r.dims(4, 3)
	return r
}

// dims fills the dimensions: products P0.. and stores S0...
func (r *rig) dims(products, stores int) {
	r.t.Helper()
	r.exec("insert into dim_products select 'P'||i, 'Product '||i, 'Electronics', 10 from generate_series(0, $1 - 1) i on conflict do nothing", products)
	r.exec("insert into dim_stores select 'S'||i, 'Store '||i, 'Riyadh', 'Central', 100 from generate_series(0, $1 - 1) i on conflict do nothing", stores)
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.db.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
}

// number runs a query that returns one number.
func (r *rig) number(sql string, args ...any) int64 {
	r.t.Helper()
	var n int64
	if err := r.db.QueryRow(r.t.Context(), sql, args...).Scan(&n); err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// texts runs a query and returns its rows as text, one a line.
func (r *rig) texts(sql string, args ...any) []string {
	r.t.Helper()
	rows, err := r.db.Query(r.t.Context(), "select q::text from ("+sql+") q", args...)
	if err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// job makes a stream of the rig's settings.
func (r *rig) job(instance string, change ...func(*With, *Deps)) *Job {
	r.t.Helper()
	w, d := r.with, Deps{DB: r.db, Brokers: r.brokers(), Instance: instance, Log: testLog(r.t), LeaseTTL: 2 * time.Second, RollupEvery: 20 * time.Millisecond}
	for _, c := range change {
		c(&w, &d)
	}
	j, err := New(cmp.Or(r.name, "stream.test"), w, d)
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

// once runs the stream up to the ends of the log.
func (r *rig) once(change ...func(*With, *Deps)) run.Result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	res, err := r.job("once", append(change, func(_ *With, d *Deps) { d.Alloc = mem })...).Run(ctx, run.Input{Once: true})
	if err != nil {
		r.t.Fatal(err)
	}
	mem.AssertSize(r.t, 0)
	return res
}

// running is a stream that works in the background.
type running struct {
	t      testing.TB
	cancel context.CancelCauseFunc
	ended  chan struct{}
	err    error
}

// start runs the stream until stop, or the test's end.
func (r *rig) start(instance string, change ...func(*With, *Deps)) *running {
	r.t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	j := r.job(instance, append(change, func(_ *With, d *Deps) { d.Alloc = mem })...)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.t.Context()))
	s := &running{t: r.t, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_, s.err = j.Run(ctx, run.Input{Drain: 30 * time.Second})
		mem.AssertSize(r.t, 0)
	}()
	r.t.Cleanup(func() { cancel(run.ErrStop); <-s.ended })
	return s
}

// stop ends the stream cleanly and waits for it.
func (s *running) stop() {
	s.t.Helper()
	s.cancel(run.ErrStop)
	<-s.ended
	if !errors.Is(s.err, run.ErrStop) {
		s.t.Fatalf("stream ended with %v, want %v", s.err, run.ErrStop)
	}
}

// send appends values to a partition.
func (r *rig) send(partition int, values ...string) {
	r.t.Helper()
	p, err := r.client.NewProducer(r.t.Context(), r.with.Topic)
	if err != nil {
		r.t.Fatal(err)
	}
	msgs := make([]kafkasrc.Record, len(values))
	for i, v := range values {
		msgs[i] = kafkasrc.Record{Key: []byte(fmt.Sprint("k", i)), Value: []byte(v), TimeMs: time.Now().UnixMilli()}
	}
	if err := p.Send(r.t.Context(), partition, msgs); err != nil {
		r.t.Fatal(err)
	}
}

// patience is how long a test waits for what must come. It is long, because the machine may be busy with everything else.
const patience = 90 * time.Second

// until polls a condition on what is in the tables.
func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(deadline) {
			ps, err := ledger.Progress(r.t.Context(), r.db, "stream.test")
			r.t.Fatalf("still not %s; the ledger says %+v %v", what, ps, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// caughtUp waits until every partition's offset is the log's end.
func (r *rig) caughtUp() {
	r.t.Helper()
	r.until("caught up", func() bool {
		ranges, err := r.client.Offsets(r.t.Context(), r.with.Topic)
		if err != nil {
			r.t.Fatal(err)
		}
		ps, err := ledger.Progress(r.t.Context(), r.db, "stream.test")
		if err != nil {
			r.t.Fatal(err)
		}
		for p, rg := range ranges {
			ok := rg.End == 0
			for _, l := range ps {
				ok = ok || l.Partition == p && l.Next >= rg.End
			}
			if !ok {
				return false
			}
		}
		return true
	})
}

// sale is one message of the topic transactions.
type sale struct {
	ID       int64       `json:"transaction_id"`
	Product  string      `json:"product_id"`
	Store    string      `json:"store_id"`
	Customer string      `json:"customer_id"`
	Amount   json.Number `json:"amount"`
	At       string      `json:"timestamp"`
}

var day = time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)

// makeSale is sale number n, at a time after noon; the other fields follow from n.
func makeSale(n int, after time.Duration) string {
	b, err := json.Marshal(sale{
		ID: int64(n), Product: fmt.Sprint("P", n%4), Store: fmt.Sprint("S", n%3), Customer: fmt.Sprint("C", n%7),
		Amount: json.Number(fmt.Sprintf("%d.%02d", n%500, n%100)), At: day.Add(after).Format("2006-01-02 15:04:05"),
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// verify checks what must hold at every moment: the windows are the raw rows less the late ones, and each partition's log
// is inserted + duplicate + dead + held without a gap.
func (r *rig) verify() {
	r.t.Helper()
	// late_rows knows the time of a late row and not its product: with late rows a window's products are compared together.
	if bad := r.texts(`
		with late as (
			select date_bin('1 minute', event_time, timestamp '2000-01-01') as w, count(*) as n
			from dag.late_rows where $1 and date_bin('1 minute', event_time, timestamp '2000-01-01') + interval '1 minute' <= watermark group by 1),
		raw as (
			select date_bin('1 minute', ts, timestamp '2000-01-01') as w, product_id, sum(amount) as s, count(*) as n from transactions group by 1, 2),
		pairs as (
			select coalesce(raw.w, m.window_start) as w, coalesce(raw.n, 0) as raw_n, coalesce(m.transaction_count, 0) as n, raw.s as raw_s, m.total_revenue as s
			from raw full join product_metrics_minute m on (m.window_start, m.product_id) = (raw.w, raw.product_id))
		select w, sum(raw_n), sum(pairs.n), max(late.n) from pairs left join late using (w)
		group by w having sum(raw_n) <> sum(pairs.n) + coalesce(max(late.n), 0) or max(late.n) is null and bool_or(raw_s is distinct from s)`, r.with.Late != "include"); len(bad) > 0 {
		r.t.Errorf("windows are not the raw rows less the late ones: %v", bad[:min(len(bad), 5)])
	}
	if bad := r.texts(`
		select job, partition, first_offset, next_offset, messages from (
			select *, lead(first_offset) over (partition by job, topic, partition order by first_offset) as following from dag.stream_batches) b
		where following <> next_offset or messages <> inserted + duplicates + dead + held or next_offset - first_offset < messages`); len(bad) > 0 {
		r.t.Errorf("the ledger has gaps: %v", bad)
	}
	for _, c := range []struct{ what, sql string }{
		{"rows", "select (select coalesce(sum(inserted), 0) from dag.stream_batches) - (select count(*) from transactions)"},
		{"rows by partition", "select (select coalesce(sum(rows), 0) from dag.stream_offsets) - (select count(*) from transactions)"},
		{"dead letters", "select (select coalesce(sum(dead), 0) from dag.stream_batches) - (select count(*) from dag.dead_letters)"},
		{"held rows", "select (select coalesce(sum(held), 0) from dag.stream_batches) - (select count(*) from dag.held_rows)"},
		{"late rows", "select (select coalesce(sum(late), 0) from dag.stream_batches) - (select count(*) from dag.late_rows)"},
		{"offsets", `select count(*) from dag.stream_offsets o where next_offset <> coalesce((select max(next_offset) from dag.stream_batches b
			where (b.job, b.topic, b.partition) = (o.job, o.topic, o.partition)), 0)`},
	} {
		if n := r.number(c.sql); n != 0 {
			r.t.Errorf("the ledger counts %s wrong by %d", c.what, n)
		}
	}
	r.prove()
}

// testLog writes warnings to the test's log as long as the test runs.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// partitionOf spreads keys over partitions.
func partitionOf(key string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(n))
}
