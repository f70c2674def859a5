package segments

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/csvfile"
)

// orders makes table orders, the 18,532 orders of a year of a real shop, out of its lines.
func orders(t *testing.T, db *pgxpool.Pool) {
	t.Helper()
	f, err := csvfile.Open("../../testdata/online_retail/transactions.csv.gz", "transactions.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := map[string]int{}
	for i, name := range f.Header {
		at[name] = i
	}
	type order struct {
		customer    int64
		thousandths int64
		at          time.Time
	}
	all := map[string]*order{}
	var names []string
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		invoice, who := row[at["invoice_no"]], row[at["customer_id"]]
		if who == "" || invoice[0] == 'C' {
			continue
		}
		whole, fraction, _ := strings.Cut(row[at["unit_price"]], ".")
		price, err := strconv.ParseInt(whole+(fraction + "000")[:3], 10, 64)
		quantity, err2 := strconv.ParseInt(row[at["quantity"]], 10, 64)
		customer, err3 := strconv.ParseInt(who, 10, 64)
		ts, err4 := time.Parse("2006-01-02T15:04Z", row[at["invoice_ts"]])
		if err != nil || err2 != nil || err3 != nil || err4 != nil {
			t.Fatal(row, err, err2, err3, err4)
		}
		if quantity <= 0 || price <= 0 {
			continue
		}
		o := all[invoice]
		if o == nil {
			o = &order{customer: customer}
			all[invoice], names = o, append(names, invoice)
		}
		o.thousandths += quantity * price
		if ts.After(o.at) {
			o.at = ts
		}
	}
	exec(t, db, "create table orders (invoice text, customer bigint, at timestamp, thousandths bigint)")
	n, err := db.CopyFrom(t.Context(), pgx.Identifier{"orders"}, []string{"invoice", "customer", "at", "thousandths"},
		pgx.CopyFromSlice(len(names), func(i int) ([]any, error) {
			o := all[names[i]]
			return []any{names[i], o.customer, o.at, o.thousandths}, nil
		}))
	if err != nil || n != 18_532 {
		t.Fatalf("%d orders, %v", n, err)
	}
}

const ordersQuery = "select customer as customer_id, invoice as order_id, at as ts, (thousandths / 1000.0)::numeric(18, 3) as amount from orders where at < $1"

// A year of a real shop gives what pandas gives, for each way to treat ties, side by side; and its past filled in, in steps of
// eight weeks, is what runs as of those days find.
func TestOnlineRetail(t *testing.T) {
	t.Parallel()
	db := open(t)
	orders(t, db)
	end := time.Date(2011, 12, 10, 0, 0, 0, 0, time.UTC)
	with := func(ties, into string) With {
		return With{Query: ordersQuery, Frequency: "orders", Scale: new(3), K: 1, Starts: 1, Sweep: HistoryNone, Ties: ties, Into: into}
	}
	result := mustRun(t, db, with("first", ""), input("run-1", end))
	mustRun(t, db, with("value", "fair"), input("run-2", end))
	if result.RowsRead != 18_532 || result.RowsWritten != 4_338 {
		t.Errorf("%+v", result)
	}
	const sizes = "select rfm_segment || ' ' || count(*) from %s group by rfm_segment order by count(*) desc"
	want := []string{"Hibernating 1072", "Loyal Customers 812", "At Risk 663", "Champions 633", "Need Attention 541", "Potential Loyalists 481", "New Customers 136"}
	if diff := cmp.Diff(want, lines(t, db, fmt.Sprintf(sizes, "customer_segments"))); diff != "" {
		t.Errorf("segments (-pandas +ours):\n%s", diff)
	}
	const totals = "select concat_ws(' ', count(*), sum(recency_days), sum(frequency), count(*) filter (where r_score = 1), count(*) filter (where r_score = 3), count(*) filter (where m_score = 2)) from fair"
	if diff := cmp.Diff([]string{"4338 399354 18532 861 863 867"}, lines(t, db, totals)); diff != "" {
		t.Errorf("by value (-pandas +ours):\n%s", diff)
	}
	if got := lines(t, db, "select 'equal customers, unequal scores' from fair group by recency_days, frequency, monetary having count(distinct (r_score, f_score, m_score)) > 1"); len(got) > 0 {
		t.Errorf("%d groups of %s", len(got), got[0])
	}
	if got := lines(t, db, "select ties_differ::text from segment_runs where kind = 'live'"); len(got) != 2 || got[0] != got[1] || got[0] == "0" {
		t.Errorf("customers whom the other ties give another score: %v", got)
	}

	filled, alone := with("value", "filled"), with("value", "alone")
	for _, v := range run.Steps(time.Date(2010, 12, 11, 0, 0, 0, 0, time.UTC), end, 56*24*time.Hour) {
		mustRun(t, db, filled, interval(v.From, v.To))
		mustRun(t, db, alone, input("run-3", v.To))
	}
	for _, table := range []string{"history", "movements"} {
		if got := lines(t, db, fmt.Sprintf("select 'row' from ((table filled_%[1]s except table alone_%[1]s) union all (table alone_%[1]s except table filled_%[1]s)) as r", table)); len(got) > 0 {
			t.Errorf("%s: %d rows differ", table, len(got))
		}
	}
	if got := lines(t, db, "select count(distinct as_of) || ' ' || (count(*) > 10000) from filled_history"); got[0] != "7 true" {
		t.Errorf("history: %v", got)
	}
	if got := lines(t, db, "select 'gone' from filled_movements where to_segment is null"); len(got) > 0 {
		t.Errorf("%d customers are none any more", len(got))
	}
}
