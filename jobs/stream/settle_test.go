package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// empty forgets all that was read, and the dimension row X.
func (r *rig) empty() {
	r.t.Helper()
	r.exec("truncate transactions, product_metrics_minute, dag.stream_offsets, dag.stream_batches, dag.dead_letters, dag.held_rows, dag.late_rows, dag.future_rows")
	r.exec("delete from dim_products where product_id = 'X'")
}

func (r *rig) productX() {
	r.t.Helper()
	r.exec("insert into dim_products values ('X', 'Late product', 'Electronics', 10) on conflict do nothing")
}

func (r *rig) nothingHeld() {
	r.t.Helper()
	r.until("without held rows", func() bool { return r.number("select count(*) from dag.held_rows") == 0 })
}

// Whenever a dimension row comes, the tables end as if it had been there from the start: later, while the stream reads,
// or between two runs; for late rows, repeated ones and all others.
func TestHeldRowsEndAsIfTheirDimensionHadBeenThere(t *testing.T) {
	t.Parallel()
	base := newRig(t, 1, sales)
	rng := rand.New(rand.NewPCG(11, 3))
	for round := range 8 {
		partitions := 1 + rng.IntN(3)
		log := randomLog(rng, 200+rng.IntN(600), partitions)
		r := *base
		r.with.Topic = fmt.Sprint("held", round)
		r.with.Late = []string{"drop", "include"}[round%2]
		r.append(log, partitions)
		known := slices.Clone(log)
		for i := range known {
			if known[i].kind == "held" {
				known[i].kind = "good"
			}
		}
		want := model(known, partitions, r.with.Late)
		small := func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(40) }
		for _, when := range []string{"after a restart", "later", "while it reads", "before the repeats are read"} {
			v := r
			v.empty()
			switch when {
			case "after a restart":
				v.once(small)
				if v.number("select count(*) from dag.held_rows") == 0 {
					t.Fatal("no row had to wait")
				}
				v.verify()
				v.productX()
				v.once(small)
			case "later":
				s := v.start("a", small)
				v.caughtUp()
				v.productX()
				v.nothingHeld()
				s.stop()
			case "while it reads":
				a, b := v.start("a", small), v.start("b", small)
				v.until("reading", func() bool { return v.number("select count(*) from dag.held_rows") > rng.Int64N(8) })
				v.productX()
				a.stop()
				v.caughtUp()
				v.nothingHeld()
				b.stop()
			case "before the repeats are read":
				// A batch that finds the key must let the held rows go first.
				s := v.start("a", func(w *With, _ *Deps) { w.Batch = 5 })
				v.until("reading", func() bool { return v.number("select count(*) from dag.held_rows") > 0 })
				v.productX()
				v.caughtUp()
				s.stop()
				v.once()
			}
			if diff := cmp.Diff(want, v.tables()); diff != "" {
				t.Fatalf("round %d, dimension %s: tables differ (-model +tables):\n%s", round, when, diff)
			}
			v.verify()
		}
	}
}

// A row that waits for two dimension rows waits for both, and says what it still waits for.
func TestHeldForTwo(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	both := `{"transaction_id":1,"product_id":"X","store_id":"Y, odd=name","customer_id":"C","amount":5,"timestamp":"2025-01-01 12:00:00"}`
	r.send(0, both, both, makeSale(2, time.Minute))
	s := r.start("a")
	r.caughtUp()
	r.productX()
	r.send(0, `{"transaction_id":3,"product_id":"X","store_id":"S0","customer_id":"C","amount":5,"timestamp":"2025-01-01 12:00:00"}`)
	r.caughtUp()
	if n := r.number("select count(*) from dag.held_rows"); n != 2 {
		t.Fatalf("%d rows are held; want 2", n)
	}
	r.exec("insert into dim_stores values ('Y, odd=name', 'Store', 'Riyadh', 'Central', 1)")
	r.nothingHeld()
	s.stop()
	r.verify()
	if got, want := r.texts("select inserted, duplicates, held from dag.stream_batches where first_offset = 0"), []string{"(2,1,0)"}; !slices.Equal(got, want) {
		t.Errorf("the entry of the batch says %v, want %v", got, want)
	}
	if n := r.number("select sum(rows) from dag.stream_offsets"); n != 3 {
		t.Errorf("gates count %d rows, want 3", n)
	}
}

// A held row that the table refuses when its dimension has come is a dead letter, and does not hold up the others.
func TestHeldRowThatIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	r.exec("alter table transactions add check (amount < 1000)")
	line := `{"transaction_id":%d,"product_id":"X","store_id":"S0","customer_id":"C","amount":%d,"timestamp":"2025-01-01 12:00:00"}`
	r.send(0, fmt.Sprintf(line, 1, 5), fmt.Sprintf(line, 2, 5000), fmt.Sprintf(line, 3, 7))
	r.once()
	r.productX()
	r.once()
	r.verify()
	got := r.texts(`select "offset", left(reason, 20), watermark from dag.dead_letters`)
	want := []string{`(1,"the table refuses it","2025-01-01 11:55:00")`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	if n := r.number("select count(*) from transactions"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}
