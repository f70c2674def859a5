package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/jobs/basket"
	"tillflow/jobs/segments"
	"tillflow/jobs/stream"
	"tillflow/lib/embedded"
	"tillflow/lib/kafkasrc"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

const sales = `
topic: transactions
watermark: 5m
batch: 37
fields:
  transaction_id: { type: int64 }
  product_id:     { type: string, references: dim_products.product_id }
  store_id:       { type: string, references: dim_stores.store_id }
  customer_id:    { type: string }
  amount:         { type: "decimal(12,2)" }
  timestamp:      { type: timestamp, column: ts, event_time: true }
sinks:
  transactions: { append: all, key: [transaction_id, ts] }
  customer_totals:
    rollup: [customer_id]
    where: customer_id <> ''
    totals: { last_ts: max(ts), frequency: count(), monetary: sum(amount) }
  customer_items: { rollup: [customer_id, product_id], where: customer_id <> '', totals: { times: count() } }
`

const refunds = `
topic: refunds
watermark: 5m
batch: 23
fields:
  refund_id:               { type: int64 }
  original_transaction_id: { type: int64 }
  product_id:    { type: string, references: dim_products.product_id }
  store_id:      { type: string, references: dim_stores.store_id }
  customer_id:   { type: string }
  refund_amount: { type: "decimal(12,2)" }
  reason:        { type: string }
  timestamp:     { type: timestamp, column: ts, event_time: true }
sinks:
  refunds: { append: all, key: [refund_id, ts] }
  customer_refunds: { rollup: [customer_id], totals: { refunded: sum(refund_amount) } }
`

var noon = time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)

// shop is a broker, a database and what is read from one into the other.
type shop struct {
	*testing.T
	db      *pgxpool.Pool
	brokers []string
	client  *kafkasrc.Client
	rng     *rand.Rand
	sold    int
	sent    map[string][][]string // by topic and partition, for repeats
}

func openShop(t *testing.T) *shop {
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Partitions: 2})
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
	s := &shop{T: t, db: pgtest.Open(t), brokers: k.Brokers(), client: client, rng: rand.New(rand.NewPCG(6, 7)), sent: map[string][][]string{}}
	s.exec("insert into dim_products select 'P'||i, 'Product '||i, 'c', 10 from generate_series(0, 8) i")
	s.exec("insert into dim_stores values ('S', 'Store', 'Riyadh', 'Central', 100)")
	for _, topic := range []string{"transactions", "refunds"} {
		if err := client.EnsureTopic(t.Context(), topic, 2); err != nil {
			t.Fatal(err)
		}
		s.sent[topic] = make([][]string, 2)
	}
	return s
}

func (s *shop) exec(sql string) {
	s.Helper()
	if _, err := s.db.Exec(s.Context(), sql); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

// sell writes events of every kind, about one in ten seconds: repeated ones, late ones, of an unknown product, from the far
// future, malformed, and of nobody.
func (s *shop) sell(n int) {
	s.Helper()
	out := map[string][2][]kafkasrc.Record{}
	for range n {
		s.sold++
		topic, part := "transactions", s.rng.IntN(2)
		if s.rng.IntN(6) == 0 {
			topic = "refunds"
		}
		at := noon.Add(time.Duration(s.sold*10-s.rng.IntN(60)) * time.Second)
		logged, product := at.UnixMilli(), fmt.Sprint("P", s.rng.IntN(9))
		customer := fmt.Sprint("C", s.rng.IntN(40)*s.rng.IntN(4))
		switch s.rng.IntN(20) {
		case 0, 1:
			at = at.Add(-time.Duration(s.rng.IntN(7200)) * time.Second)
		case 2:
			product = "X"
		case 3:
			at = at.Add(time.Duration(s.rng.IntN(30)) * time.Hour)
		case 4:
			customer = ""
		}
		amount, ts := fmt.Sprintf("%d.%02d", s.rng.IntN(300), s.rng.IntN(100)), at.Format(time.DateTime)
		value := fmt.Sprintf(`{"transaction_id":%d,"product_id":"%s","store_id":"S","customer_id":"%s","amount":%s,"timestamp":"%s"}`, s.sold, product, customer, amount, ts)
		if topic == "refunds" {
			value = fmt.Sprintf(`{"refund_id":%d,"original_transaction_id":1,"product_id":"%s","store_id":"S","customer_id":"%s","refund_amount":%s,"reason":"r","timestamp":"%s"}`,
				s.sold, product, customer, amount, ts)
		}
		if old := s.sent[topic][part]; len(old) > 0 && s.rng.IntN(8) == 0 {
			value = old[s.rng.IntN(len(old))]
		} else if s.rng.IntN(30) == 0 {
			value = strings.Replace(value, "customer_id", "custmer_id", 1)
		}
		s.sent[topic][part] = append(s.sent[topic][part], value)
		rs := out[topic]
		rs[part] = append(rs[part], kafkasrc.Record{Value: []byte(value), TimeMs: logged})
		out[topic] = rs
	}
	for topic, parts := range out {
		p, err := s.client.NewProducer(s.Context(), topic)
		if err != nil {
			s.Fatal(err)
		}
		for part, rs := range parts {
			if err := p.Send(s.Context(), part, rs); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// read reads what was sent into the tables, and proves that they add up.
func (s *shop) read() {
	s.Helper()
	for name, settings := range map[string]string{"stream.transactions": sales, "stream.refunds": refunds} {
		var w stream.With
		if ps := strictyaml.Decode("dagfile.yaml", []byte(settings), 0, &w); len(ps) > 0 {
			s.Fatal(ps)
		}
		j, err := stream.New(name, w, stream.Deps{DB: s.db, Brokers: s.brokers, Instance: "test"})
		if err != nil {
			s.Fatal(err)
		}
		if _, err := j.Run(s.Context(), run.Input{Once: true}); err != nil {
			s.Fatal(err)
		}
		proof, err := j.Verify(s.Context())
		if err != nil || len(proof.Differences) > 0 {
			s.Fatalf("verify: %v %v", proof.Differences, err)
		}
	}
}

// analyse runs a job as of a time and returns its note.
func (s *shop) analyse(j interface {
	Run(ctx context.Context, in run.Input) (run.Result, error)
}, err error, asOf time.Time) run.Result {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	result, err := j.Run(s.Context(), run.Input{ID: "run", AsOf: asOf, Progress: func(run.Progress) {}})
	if err != nil {
		s.Fatal(err)
	}
	return result
}

// same compares two tables, and tells how many rows they have.
func (s *shop) same(what, a, b, key string) int {
	s.Helper()
	var rows [2][]string
	for i, table := range []string{a, b} {
		got, err := s.db.Query(s.Context(), "select t::text from "+table+" t order by "+key)
		if err != nil {
			s.Fatal(err)
		}
		if rows[i], err = pgx.CollectRows(got, pgx.RowTo[string]); err != nil {
			s.Fatal(err)
		}
	}
	if diff := cmp.Diff(rows[1], rows[0]); diff != "" {
		s.Errorf("%s: %s differs from all rows (-all rows +rollup):\n%s", what, a, diff)
	}
	return len(rows[0])
}

// Whatever the tills send: segments and rules from what the streams keep are those of all rows, to the cent and the count,
// as of any time.
func TestRollupsGiveWhatAllRowsGive(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	deps := segments.Deps{DB: s.db}
	support := 0.05
	said, fell := 0, 0
	for round := range 4 {
		s.sell(300)
		if round == 2 {
			s.exec("insert into dim_products values ('X', 'Late product', 'c', 10)") // what was held comes in
		}
		s.read()
		var until time.Time
		if err := s.db.QueryRow(t.Context(), "select dag.rolled_until('customer_totals')").Scan(&until); err != nil {
			t.Fatal(err)
		}
		for _, asOf := range []time.Time{until.Add(-time.Hour), until, until.Add(time.Duration(s.rng.IntN(600)) * time.Second), until.Add(48 * time.Hour)} {
			what := fmt.Sprintf("round %d as of %s, rolled up until %s", round, asOf, until)
			for _, net := range []bool{false, true} {
				from := segments.With{From: "customer_totals", Net: net, K: 3, Starts: 2, Into: "kept_segments"}
				if net {
					from.Refunds = "customer_refunds"
				}
				j, err := segments.New("kept", from, deps)
				result := s.analyse(j, err, asOf)
				if strings.Contains(result.Note, "all rows were read: ") {
					fell++
				} else {
					said++
				}
				all, err := segments.New("all", segments.With{Net: net, K: 3, Starts: 2, Into: "all_segments"}, deps)
				if want := s.analyse(all, err, asOf); want.RowsRead != result.RowsRead {
					t.Errorf("%s: %d rows read, %d customers there are", what, result.RowsRead, want.RowsRead)
				}
				if n := s.same(what, "kept_segments", "all_segments", "customer_id"); n < 5 {
					t.Errorf("%s: only %d customers", what, n)
				}
			}
			j, err := basket.New("kept", basket.With{From: "customer_items", MinSupport: &support, Into: "kept_rules"}, basket.Deps{DB: s.db})
			result := s.analyse(j, err, asOf)
			all, err := basket.New("all", basket.With{MinSupport: &support, Into: "all_rules"}, basket.Deps{DB: s.db})
			if want := s.analyse(all, err, asOf); want.RowsRead != result.RowsRead {
				t.Errorf("%s: %d rows read, of %d", what, result.RowsRead, want.RowsRead)
			}
			if n := s.same(what, "kept_rules", "all_rules", "antecedent, consequent"); n < 10 {
				t.Errorf("%s: only %d rules", what, n)
			}
		}
	}
	if said < 20 || fell < 4 {
		t.Errorf("the rollup could say it %d times, and not %d times", said, fell)
	}
}

// A rollup that is not there is an error that says what may have been meant.
func TestUnknownRollup(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	s.read()
	for _, tt := range []struct{ from, want string }{
		{"customer_total", `no stream keeps a rollup customer_total yet (did you mean "customer_totals"?)`},
		{"customer_items", "rollup customer_items has a key of 2 columns; it must be the customer alone"},
		{"customer_refunds", `rollup customer_refunds: ERROR: column "last_ts" does not exist`},
	} {
		j, err := segments.New("ml.segments", segments.With{From: tt.from}, segments.Deps{DB: s.db})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Run(t.Context(), run.Input{ID: "run", AsOf: noon, Progress: func(run.Progress) {}}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("from %s: %v, want %q", tt.from, err, tt.want)
		}
	}
}
