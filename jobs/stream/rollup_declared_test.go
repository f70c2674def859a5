package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/ledger"
)

// A rollup that is not declared for a while misses the late rows of that time: who reads it meanwhile gets the raw rows, and it
// begins anew when it is declared again.
func TestRollupThatWasLeftOutForAWhile(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	r.send(0, makeSale(1, 0), makeSale(2, time.Minute), makeSale(3, time.Hour))
	r.once()
	for _, without := range []string{sales, sales + "  customer_items: { rollup: [customer_id, product_id], totals: { times: count() } }\n"} {
		r.with = decode(t, without)
		r.send(0, makeSale(10+len(without), 2*time.Minute)) // before until
		r.once()
		known, err := ledger.FindRollup(t.Context(), r.db, "customer_totals")
		if err != nil {
			t.Fatal(err)
		}
		if _, why := known.Before(day.Add(48 * time.Hour)); why != "customer_totals is no longer kept by stream.test" {
			t.Errorf("it was left out, and is read: %q", why)
		}
		r.exactAt(day.Add(48 * time.Hour))
		r.with = decode(t, kept)
		r.once()
		r.verify()
		if said := r.exactAt(day.Add(48 * time.Hour)); said != 3 {
			t.Errorf("%d rollups are kept again, want 3", said)
		}
	}
}

// A process with settings of before adds nothing to a rollup that another has declared otherwise or declared first: it stops
// at its next batch, and says so.
func TestRollupOfAnotherDeclaration(t *testing.T) {
	t.Parallel()
	items := "\n  customer_items: { rollup: [customer_id, product_id], totals: { times: count() } }\n"
	for name, before := range map[string]string{
		"otherwise": strings.Replace(kept, "amount > 3", "amount > 1", 1),
		"more":      sales + items,
		"first":     sales,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, before)
			old := r.start("old")
			r.send(0, makeSale(1, 0), makeSale(302, time.Minute), makeSale(3, time.Hour))
			r.caughtUp()
			r.until("taking up rows", func() bool { return r.number("select count(*) from dag.stream_rollups where until is null") == 0 })
			r.with = decode(t, kept)
			s, err := newSinks(r.with.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.prepare(t.Context(), r.db, "stream.test"); err != nil {
				t.Fatal(err)
			}
			r.send(0, makeSale(304, 2*time.Minute))
			r.state(tableDiffers, true)
			if told := r.texts("select example from dag.stream_problems where kind = $1", string(tableDiffers)); len(told) != 1 || !strings.Contains(told[0], "is declared otherwise by a process that started later") {
				t.Errorf("it is told as %q", told)
			}
			r.until("left alone by the old process", func() bool {
				return r.number("select count(*) from dag.stream_rollups where table_name = 'all_kinds' and until is null") == 1
			})
			old.cancel(nil)
			<-old.ended
			r.once()
			r.verify()
			if said := r.exactAt(day.Add(48 * time.Hour)); said != 3 {
				t.Errorf("%d rollups are filled, want 3", said)
			}
		})
	}
}

// A row of until itself is not in the rollup, and one of a microsecond before is: late, repeated, and held until its product is
// there.
func TestRollupAtItsEdge(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, kept)
	sale := func(id, product int, at string) string {
		return fmt.Sprintf(`{"transaction_id":%d,"product_id":"P%d","store_id":"S0","customer_id":"C","amount":5,"timestamp":"2025-01-01 12:%s"}`, id, product, at)
	}
	const last, until = "24:59.999999", "25:00"
	r.send(0, sale(1, 0, "30:00"))
	r.send(1, sale(2, 0, until), sale(3, 0, last), sale(4, 0, "31:00"))
	r.once()
	step := func(want string) {
		t.Helper()
		r.once()
		r.verify()
		if diff := cmp.Diff([]string{want}, r.texts("select frequency, last_ts from customer_totals")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, asOf := range []time.Duration{25 * time.Minute, 25*time.Minute + time.Microsecond, time.Hour} {
			if said := r.exactAt(day.Add(asOf)); said != 3 {
				t.Errorf("%d rollups could say what holds %v after noon, want 3", said, asOf)
			}
		}
	}
	step(`(1,"2025-01-01 12:24:59.999999")`)
	r.send(0, sale(5, 0, until), sale(6, 0, last), sale(6, 0, last), sale(3, 0, last), sale(7, 9, last), sale(8, 9, until))
	step(`(2,"2025-01-01 12:24:59.999999")`)
	r.exec("insert into dim_products values ('P9', 'Product 9', 'Electronics', 10)")
	step(`(3,"2025-01-01 12:24:59.999999")`)
	r.send(0, sale(9, 0, "45:00"))
	r.send(1, sale(10, 0, "45:00"))
	r.once()
	r.verify()
	if n := r.number("select frequency from customer_totals"); n != 8 {
		t.Errorf("%d rows are in the rollup, want 8", n)
	}
}
