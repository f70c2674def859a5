package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRowsAndWindowsFromOneRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	for p := range 2 {
		var values []string
		for i := range 500 {
			values = append(values, makeSale(2*i+p, time.Duration(i)*time.Second))
		}
		r.send(p, values...)
	}
	res := r.once()
	if res.RowsWritten != 1000 || res.RowsRead != 1000 {
		t.Errorf("result %+v, want 1000 rows", res)
	}
	if n := r.number("select count(*) from transactions"); n != 1000 {
		t.Errorf("%d rows, want 1000", n)
	}
	r.verify()
	got := r.texts("select * from product_metrics_minute order by 1, 3 limit 2")
	want := []string{
		`("2025-01-01 12:00:00","2025-01-01 12:01:00",P0,1752.40,30)`,
		`("2025-01-01 12:00:00","2025-01-01 12:01:00",P1,1782.70,30)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first windows (-want +got):\n%s", diff)
	}
	if n := r.once().RowsWritten; n != 0 {
		t.Errorf("a second run wrote %d rows", n)
	}
}

func TestBadMessagesAreKeptAndStopNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	good := makeSale(1, 0)
	r.send(0,
		good,
		`not json`,
		`{"transaction_id": "x", "product_id": "P1", "store_id": "S1", "customer_id": "C", "amount": 1, "timestamp": "2025-01-01 12:00:00"}`,
		`{"transaction_id": 5, "product_id": "P1", "store_id": "S1", "customer_id": "C", "timestamp": "2025-01-01 12:00:00"}`,
		``,
		`{"transaction_id": 6, "product_id": "P999", "store_id": "S1", "customer_id": "C", "amount": 1, "timestamp": "2025-01-01 12:00:00"}`,
		`{"transaction_id": 7, "product_id": "P998", "store_id": "S9", "customer_id": "C", "amount": 1, "timestamp": "2025-01-01 12:09:00"}`,
		makeSale(2, time.Minute),
	)
	r.once()
	r.verify()
	if diff := cmp.Diff([]string{"(1)", "(2)"}, r.texts("select transaction_id from transactions order by 1")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	dead := r.texts(`select "offset", convert_from(key, 'UTF8'), length(value), reason from dag.dead_letters order by 1`)
	if len(dead) != 4 {
		t.Fatalf("dead letters: %v, want 4", dead)
	}
	for i, want := range []string{"(1,k1,8,", "(2,k2,", "(3,k3,", "(4,k4,0,"} {
		if len(dead[i]) <= len(want) || dead[i][:len(want)] != want {
			t.Errorf("dead letter %d is %s, want %s...", i, dead[i], want)
		}
	}
	held := r.texts(`select "offset", convert_from(key, 'UTF8'), missing, event_time, watermark from dag.held_rows order by 1`)
	want := []string{
		`(5,k5,dim_products.product_id=P999,"2025-01-01 12:00:00","2025-01-01 11:55:00")`,
		`(6,k6,"dim_products.product_id=P998, dim_stores.store_id=S9","2025-01-01 12:09:00","2025-01-01 11:55:00")`,
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("held rows (-want +got):\n%s", diff)
	}
	// The held sale of 12:09 has moved the watermark to 12:04, so the sale of 12:01 was late.
	if diff := cmp.Diff([]string{`(7,"2025-01-01 12:01:00","2025-01-01 12:04:00")`}, r.texts(`select "offset", event_time, watermark from dag.late_rows`)); diff != "" {
		t.Errorf("late rows (-want +got):\n%s", diff)
	}
}

func TestRepeatedMessagesCountOnce(t *testing.T) {
	t.Parallel()
	for _, batch := range []int{1, 3, 1000} {
		t.Run(fmt.Sprint("batch=", batch), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, sales)
			var values []string
			for i := range 60 {
				values = append(values, makeSale(i, time.Duration(i)*time.Second))
				if i%3 == 0 {
					values = append(values, makeSale(i, time.Duration(i)*time.Second)) // at once
				}
				if i >= 30 && i%5 == 0 {
					values = append(values, makeSale(i-30, time.Duration(i-30)*time.Second)) // much later
				}
			}
			r.send(0, values...)
			r.once(func(w *With, _ *Deps) { w.Batch = batch })
			r.send(0, values...) // a producer that sends all again
			r.once(func(w *With, _ *Deps) { w.Batch = batch })
			r.verify()
			if n := r.number("select count(*) from transactions"); n != 60 {
				t.Errorf("%d rows, want 60", n)
			}
			if n := r.number("select sum(transaction_count) from product_metrics_minute"); n != 60 {
				t.Errorf("windows count %d, want 60", n)
			}
			if n := r.number("select sum(duplicates) from dag.stream_batches"); n != int64(2*len(values)-60) {
				t.Errorf("%d duplicates, want %d", n, 2*len(values)-60)
			}
		})
	}
}

// Of messages with one key and different contents the first counts, wherever the others are: in its batch, in a later one, or
// after a restart. They are counted as repeated. One id at two times is two sales, for the time belongs to the key.
func TestSameKeyOtherContents(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, sales)
	other := strings.NewReplacer(`"P1"`, `"P2"`, `"amount":1.01`, `"amount":77`).Replace(makeSale(1, 0))
	if other == makeSale(1, 0) {
		t.Fatal("the contents are the same")
	}
	r.send(0, makeSale(1, 0), other, makeSale(1, time.Hour))
	r.once()
	r.send(0, other)
	r.once(func(w *With, _ *Deps) { w.Batch = 1 })
	r.send(0, other, makeSale(1, 0), makeSale(5, time.Hour))
	r.once()
	want := []string{
		`(1,"2025-01-01 12:00:00",P1,1.01)`, `(1,"2025-01-01 13:00:00",P1,1.01)`, `(5,"2025-01-01 13:00:00",P1,5.05)`,
	}
	if diff := cmp.Diff(want, r.texts("select transaction_id, ts, product_id, amount from transactions order by 1, 2")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if n := r.number("select sum(duplicates) from dag.stream_batches"); n != 4 {
		t.Errorf("%d repeated, want 4", n)
	}
	r.verify()
}
