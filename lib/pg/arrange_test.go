package pg_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/go-cmp/cmp"

	"tillflow/lib/pg"
)

// Many short rows go another way to their order than few or long ones, and are the same in the table.
func TestManyShortRowsInAnyOrder(t *testing.T) {
	t.Parallel()
	c := connect(t)
	const columns = "transaction_id, product_id, store_id, customer_id, amount, ts"
	rec := saleRecord(1, 5000)
	defer rec.Release()
	slice := rec.NewSlice(30, 4930)
	defer slice.Release()
	exec(t, c, "create temp table whole (transaction_id bigint, product_id varchar, store_id varchar, customer_id varchar, amount numeric(12,2), ts timestamp)")
	exec(t, c, "create temp table chosen (like whole, place bigserial)")
	if _, err := pg.CopyRecord(t.Context(), c.PgConn(), "whole", slice); err != nil {
		t.Fatal(err)
	}
	ids := slice.Column(0).(*array.Int64)
	rng := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{4900, 3000} { // all of them, and some
		exec(t, c, "truncate chosen")
		var order []int32
		var want []string
		for _, i := range rng.Perm(4900)[:n] {
			order = append(order, int32(i))
			want = append(want, ids.ValueStr(i))
		}
		if got, err := pg.CopyRows(t.Context(), c.PgConn(), "chosen", slice, order); err != nil || got != int64(n) {
			t.Fatalf("%d rows, %v", got, err)
		}
		if diff := cmp.Diff(want, texts(t, c, "select transaction_id::text from chosen order by place")); diff != "" {
			t.Errorf("the order differs (-want +got):\n%.3000s", diff)
		}
		if bad := texts(t, c, "select transaction_id::text from (select "+columns+" from chosen except all select "+columns+" from whole) x"); len(bad) > 0 {
			t.Errorf("rows %v have other values", bad)
		}
	}
}

// A value Postgres cannot hold is an error only when its row is asked for, and the connection serves on.
func TestManyRowsWithABadTime(t *testing.T) {
	t.Parallel()
	c := connect(t)
	exec(t, c, "create temp table times (ts timestamp)")
	const good = 2000
	order := make([]int32, good)
	rec := record(t, "ts", &arrow.TimestampType{Unit: arrow.Microsecond}, func(b array.Builder) {
		for i := range order {
			order[i] = int32(good - 1 - i)
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(i))
		}
		b.(*array.TimestampBuilder).Append(math.MinInt64)
	})
	if _, err := pg.CopyRows(t.Context(), c.PgConn(), "times", rec, append(order, good)); err == nil || !strings.Contains(err.Error(), "row 2000") {
		t.Errorf("a time before all times: %v", err)
	}
	if n, err := pg.CopyRows(t.Context(), c.PgConn(), "times", rec, order); err != nil || n != good {
		t.Errorf("%d rows, %v", n, err)
	}
	if n := texts(t, c, "select count(*)::text from times"); n[0] != "2000" {
		t.Errorf("%s rows are in the table", n[0])
	}
}
