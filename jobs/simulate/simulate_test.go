package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

// evening is the clock of most tests: Thursday 20:21:07 in Riyadh.
var evening = time.Date(2025, 11, 20, 17, 21, 7, 0, time.UTC)

// bench is a broker and a database with the shop's catalogue, for one test.
type bench struct {
	db     *pgxpool.Pool
	url    string
	client *kafkasrc.Client
	kafka  *embedded.Kafka
}

const catalogueSQL = `
insert into dim_products values ('LAPTOP-001', 'Laptop', 'Electronics', 4599), ('PHONE-001', 'Phone', 'Electronics', 2899),
	('TABLET-001', 'Tablet', 'Electronics', 1799), ('HEADPHONES-001', 'Headphones', 'Accessories', 649),
	('MOUSE-001', 'Mouse', 'Accessories', 129), ('CHARGER-001', 'Charger', 'Accessories', 99);
insert into dim_stores values ('STORE-RUH-01', 'Olaya', 'Riyadh', 'Central', 5200), ('STORE-JED-01', 'Tahlia', 'Jeddah', 'Western', 4100),
	('STORE-DMM-01', 'Corniche', 'Dammam', 'Eastern', 3300)`

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{url: pgtest.URL(t)}
	var err error
	if b.db, err = pgxpool.New(t.Context(), b.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.db.Close)
	if _, err := b.db.Exec(t.Context(), catalogueSQL); err != nil {
		t.Fatal(err)
	}
	if b.kafka, err = embedded.StartKafka(t.Context(), embedded.KafkaConfig{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.kafka.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if b.client, err = kafkasrc.Open(b.kafka.Brokers(), kafkasrc.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.client.Close)
	return b
}

// with is the configuration of a test: topics of its own, and a small shop where yaml does not say otherwise.
func with(topics, yaml string) With {
	var w With
	if ps := strictyaml.Decode("test", []byte(yaml), 0, &w); len(ps) > 0 {
		panic(ps[0].String())
	}
	if w.Rate == 0 {
		w.Rate = 0.1
	}
	if w.Customers == 0 {
		w.Customers = 500
	}
	if w.History == nil {
		w.History = new(72 * time.Hour)
	}
	w.Topics = Topics{Transactions: topics + "-sales", Refunds: topics + "-refunds"}
	return w
}

// once writes everything up to the clock.
func (b *bench) once(t *testing.T, w With, clock time.Time) run.Result {
	t.Helper()
	j, err := New("sim.pos", w, Deps{DB: b.db, Brokers: b.kafka.Brokers(), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	result, err := j.Run(t.Context(), run.Input{Job: "sim.pos", Once: true, Drain: time.Minute, Progress: func(run.Progress) {}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// written is what stands in the topics: kind, partition, key and value.
type written [kinds][][]kafkasrc.Record

func (b *bench) log(t *testing.T, w With) written {
	t.Helper()
	var all written
	for kind, topic := range w.Produces() {
		ranges, err := b.client.Offsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for p := range len(ranges) {
			var list []kafkasrc.Record
			f := b.client.NewFetcher(topic, p)
			for from := ranges[p].Start; from < ranges[p].End; {
				got, err := f.Fetch(t.Context(), from, time.Second, func(m *kafkasrc.Message) error {
					list = append(list, kafkasrc.Record{Key: bytes.Clone(m.Key), Value: bytes.Clone(m.Value)})
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				from = got.Next
			}
			all[kind] = append(all[kind], list)
		}
	}
	return all
}

func (w written) count() (n int) {
	for _, parts := range w {
		for _, list := range parts {
			n += len(list)
		}
	}
	return n
}

// mustEqual compares logs message by message.
func mustEqual(t *testing.T, want, got written) {
	t.Helper()
	for kind := range want {
		for p := range want[kind] {
			a, b := want[kind][p], got[kind][p]
			for i := range min(len(a), len(b)) {
				if !bytes.Equal(a[i].Value, b[i].Value) || !bytes.Equal(a[i].Key, b[i].Key) {
					t.Fatalf("kind %d partition %d: message %d differs:\nwant %s\ngot  %s", kind, p, i, a[i].Value, b[i].Value)
				}
			}
			if len(a) != len(b) {
				t.Fatalf("kind %d partition %d: %d messages, want %d", kind, p, len(b), len(a))
			}
		}
	}
}

// event is a message of either topic, read by a decoder that is not ours.
type event struct {
	TransactionID int64       `json:"transaction_id"`
	RefundID      int64       `json:"refund_id"`
	Original      int64       `json:"original_transaction_id"`
	Product       string      `json:"product_id"`
	Store         string      `json:"store_id"`
	Customer      string      `json:"customer_id"`
	Amount        json.Number `json:"amount"`
	RefundAmount  json.Number `json:"refund_amount"`
	Reason        string      `json:"reason"`
	Timestamp     string      `json:"timestamp"`
}

func decode(t *testing.T, value []byte) (e event, at time.Time) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	at, err := time.Parse(time.DateTime, e.Timestamp)
	if err != nil {
		t.Fatal(err)
	}
	return e, at
}

func cents(t *testing.T, n json.Number) int64 {
	t.Helper()
	whole, part, ok := strings.Cut(n.String(), ".")
	if !ok || len(part) != 2 {
		t.Fatalf("amount %s has not two decimals", n)
	}
	v, err := json.Number(whole + part).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sound checks what holds for any log of ours: ids are unique and grow in each partition, no event is after the clock,
// a customer's events share a partition, and each refund is for a sale in the log, later, and never for more than it.
func sound(t *testing.T, log written, clock time.Time) {
	t.Helper()
	type sold struct {
		event
		at       time.Time
		cents    int64
		returned bool
	}
	all := map[int64]*sold{}
	homes := map[string]int{}
	for p, list := range log[sales] {
		last := int64(-1)
		for _, r := range list {
			e, at := decode(t, r.Value)
			if e.TransactionID <= last || all[e.TransactionID] != nil {
				t.Fatalf("id %d after %d, or twice", e.TransactionID, last)
			}
			last = e.TransactionID
			amount := cents(t, e.Amount)
			if amount <= 0 || at.After(clock) || string(r.Key) != e.Customer {
				t.Fatalf("bad sale %s with key %s", r.Value, r.Key)
			}
			if home, ok := homes[e.Customer]; ok && home != p {
				t.Fatalf("%s is in partitions %d and %d", e.Customer, home, p)
			}
			homes[e.Customer] = p
			all[e.TransactionID] = &sold{event: e, at: at, cents: amount}
		}
	}
	seen := map[int64]bool{}
	for _, list := range log[refunds] {
		last := int64(-1)
		for _, r := range list {
			e, at := decode(t, r.Value)
			if e.RefundID <= last || seen[e.RefundID] {
				t.Fatalf("refund id %d after %d, or twice", e.RefundID, last)
			}
			last, seen[e.RefundID] = e.RefundID, true
			s := all[e.Original]
			if s == nil {
				t.Fatalf("no sale for %s", r.Value)
			}
			delay := at.Sub(s.at)
			if amount := cents(t, e.RefundAmount); amount <= 0 || amount > s.cents || s.returned || delay < time.Hour || delay > 72*time.Hour || at.After(clock) {
				t.Fatalf("bad refund %s of %+v", r.Value, s)
			}
			if e.Product != s.Product || e.Store != s.Store || e.Customer != s.Customer || string(r.Key) != e.Customer {
				t.Fatalf("refund %s is not of %+v", r.Value, s)
			}
			s.returned = true
		}
	}
}

func TestSameSeedAndClockGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second, other := with("one", "seed: 7"), with("two", "seed: 7"), with("three", "seed: 8")
	result := b.once(t, first, evening)
	b.once(t, second, evening)
	b.once(t, other, evening)
	log := b.log(t, first)
	if int(result.RowsWritten) != log.count() {
		t.Errorf("%d events in the log, %d counted", log.count(), result.RowsWritten)
	}
	if n := log.count(); n < 20_000 || n > 40_000 { // 3 days at 6 a minute and a tenth of it: 28,500
		t.Errorf("%d events", n)
	}
	sound(t, log, evening)
	mustEqual(t, log, b.log(t, second))
	if cmp.Equal(log[sales][0][:10], b.log(t, other)[sales][0][:10]) {
		t.Error("another seed gives the same events")
	}
	// With the same clock again there is nothing to add.
	if again := b.once(t, first, evening); again.RowsWritten != 0 {
		t.Errorf("a second start wrote %d events", again.RowsWritten)
	}
}
