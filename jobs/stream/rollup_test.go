package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/lib/ledger"
)

// kept is the stream of the retail pipeline with its rollups, and one that uses every kind of total.
const kept = sales + `
  customer_totals:
    rollup: [customer_id]
    where: customer_id <> ''
    totals: { last_ts: max(ts), frequency: count(), monetary: sum(amount) }
  customer_items: { rollup: [customer_id, product_id], totals: { times: count() } }
  all_kinds:
    rollup: [store_id]
    where: product_id <> 'P1' and amount > 3
    totals: { n: count(), ids: sum(transaction_id), least: min(amount), first: min(ts), greatest: max(amount), mean: avg(amount) }
`

// emptyRollups forgets what the rollups hold.
func (r *rig) emptyRollups() {
	r.t.Helper()
	for _, table := range r.rollups() {
		r.exec("truncate " + table)
	}
	r.exec("update dag.stream_rollups set until = null")
}

// rollups are the tables of the rollups there are.
func (r *rig) rollups() []string {
	r.t.Helper()
	out := r.texts("select table_name from dag.stream_rollups order by 1")
	for i := range out {
		out[i] = strings.Trim(out[i], "()")
	}
	return out
}

// exactAt compares what each rollup says of a time with the raw rows before it, and tells how many of them it could say it.
func (r *rig) exactAt(asOf time.Time) (said int) {
	r.t.Helper()
	for _, table := range r.rollups() {
		tx, err := r.db.Begin(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if _, err := tx.Exec(r.t.Context(), "set transaction isolation level repeatable read"); err != nil {
			r.t.Fatal(err)
		}
		known, err := ledger.FindRollup(r.t.Context(), tx, table)
		if err != nil {
			r.t.Fatal(err)
		}
		query, why := known.Before(asOf)
		if why == "" {
			said++
		}
		var differ int
		err = tx.QueryRow(r.t.Context(), fmt.Sprintf("select count(*) from ((%[1]s except all %[2]s) union all (%[2]s except all %[1]s)) d", query, known.Whole), asOf).Scan(&differ)
		if err != nil {
			r.t.Fatalf("%s as of %s: %v", table, asOf, err)
		}
		if differ > 0 {
			r.t.Errorf("%s, until %s: %d keys as of %s are not what the raw rows say", table, known.Until, differ, asOf)
		}
		if err := tx.Rollback(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
	return said
}

// Whatever the batches were, who read what, when rollups took up rows and when a held row found its dimension: the rollups
// are the raw rows they say they hold, and with the rows since they are all rows before any later time.
func TestRollupsAreTheRawRows(t *testing.T) {
	t.Parallel()
	base := newRig(t, 1, kept)
	rng := rand.New(rand.NewPCG(13, 8))
	said := 0
	for round := range 3 {
		partitions := 1 + rng.IntN(3)
		log := randomLog(rng, 200+rng.IntN(600), partitions)
		r := *base
		r.with.Topic = fmt.Sprint("rollups", round)
		r.with.Late = []string{"drop", "include"}[round%2]
		r.append(log, partitions)
		for _, how := range []string{"at once", "in pieces", "moved about", "held rows come in"} {
			r.empty()
			r.emptyRollups()
			small := func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(40) }
			switch how {
			case "at once":
				r.once()
			case "in pieces":
				r.once(small)
			case "moved about":
				r.move(rng)
			case "held rows come in":
				s := r.start("a", small)
				r.caughtUp()
				r.until("taking up rows", func() bool { return r.number("select count(*) from dag.stream_rollups where until is null") == 0 })
				r.productX()
				r.nothingHeld()
				s.stop()
			}
			for range 6 {
				said += r.exactAt(day.Add(time.Duration(rng.IntN(4000)-500) * time.Second))
			}
			said += r.exactAt(day.Add(48 * time.Hour))
			r.verify()
		}
	}
	if said < 50 {
		t.Errorf("a rollup could say %d times what holds; the test proves too little", said)
	}
}

// The totals worked out by hand: late rows count, repeats do not, and rows that nobody has waited for enough are read from the
// raw table.
func TestRollupByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	sale := func(id int, customer string, amount string, after time.Duration) string {
		return fmt.Sprintf(`{"transaction_id":%d,"product_id":"P%d","store_id":"S0","customer_id":"%s","amount":%s,"timestamp":"%s"}`,
			id, id%2, customer, amount, day.Add(after).Format("2006-01-02 15:04:05"))
	}
	r.send(0, sale(1, "ann", "10.50", 0), sale(2, "bob", "-2", time.Minute), sale(1, "ann", "10.50", 0), sale(3, "ann", "1", 30*time.Minute), sale(4, "", "9", 0))
	r.once()
	const totals = "select customer_id, last_ts, frequency, monetary from customer_totals order by 1"
	if diff := cmp.Diff([]string{`(ann,"2025-01-01 12:00:00",1,10.50)`, `(bob,"2025-01-01 12:01:00",1,-2.00)`}, r.texts(totals)); diff != "" {
		t.Errorf("taken up (-want +got):\n%s", diff)
	}
	if got := r.texts("select distinct until from dag.stream_rollups"); !slices.Equal(got, []string{`("2025-01-01 12:25:00")`}) {
		t.Errorf("until %v", got)
	}
	r.send(0, sale(5, "ann", "0.25", -time.Hour), sale(6, "bob", "3", 2*time.Minute), sale(6, "bob", "3", 2*time.Minute), sale(7, "cat", "4", 28*time.Minute))
	r.once()
	if diff := cmp.Diff([]string{`(ann,"2025-01-01 12:00:00",2,10.75)`, `(bob,"2025-01-01 12:02:00",2,1.00)`}, r.texts(totals)); diff != "" {
		t.Errorf("with late rows (-want +got):\n%s", diff)
	}
	known, err := ledger.FindRollup(t.Context(), r.db, "customer_totals")
	if err != nil {
		t.Fatal(err)
	}
	query, why := known.Before(day.Add(29 * time.Minute))
	if why != "" {
		t.Errorf("the rollup cannot say it: %s", why)
	}
	query = strings.ReplaceAll(query, "$1", ledger.TimeLiteral(day.Add(29*time.Minute)))
	want := []string{`(ann,"2025-01-01 12:00:00",2,10.75)`, `(bob,"2025-01-01 12:02:00",2,1.00)`, `(cat,"2025-01-01 12:28:00",1,4.00)`}
	if diff := cmp.Diff(want, r.texts("select * from ("+query+") q order by customer_id")); diff != "" {
		t.Errorf("as of 12:29 (-want +got):\n%s", diff)
	}
	if _, why := known.Before(day.Add(10 * time.Minute)); !strings.Contains(why, "customer_totals holds rows up to 2025-01-01 12:25:00, and 2025-01-01 12:10:00 is before that") {
		t.Errorf("as of 12:10: %q", why)
	}
	r.verify()
}

// A rollup that is declared later is filled from the rows there are, in as many steps as it takes, and one that is declared
// otherwise is filled anew.
func TestRollupFillsItself(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	r.with.Topic = "filled"
	r.append(randomLog(rand.New(rand.NewPCG(3, 3)), 1500, 2), 2)
	r.once()
	r.exec("drop index transactions_ts")
	for _, settings := range []string{kept, strings.Replace(kept, "amount > 3", "amount > 50", 1), strings.Replace(kept, "rollup: [store_id]", "rollup: [product_id]", 1)} {
		if strings.Contains(settings, "[product_id]\n    where") {
			r.exec("drop table all_kinds")
		}
		r.with = decode(t, settings)
		r.with.Topic = "filled"
		r.once()
		r.verify()
		if n := r.number("select count(*) from dag.stream_rollups where until is null"); n > 0 {
			t.Errorf("%d rollups are not filled", n)
		}
	}
	if n := r.number("select count(*) from pg_indexes where tablename = 'transactions' and indexdef like '% USING brin (ts)%autosummarize%'"); n != 1 {
		t.Errorf("%d indexes on event time, want the one that was missing", n)
	}
	r.exec("drop table customer_items")
	r.once()
	if r.number("select count(*) from customer_items") == 0 {
		t.Error("a table that was dropped is not filled again")
	}
	r.verify()
}

// What is not the stream's stays: a table with rows of somebody else's, and one that another stream keeps.
func TestRollupTakesNobodysTable(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	r.exec("create table customer_items (customer_id text, product_id text, times bigint, primary key (customer_id, product_id))")
	r.exec("insert into customer_items values ('a', 'b', 7)")
	if err := r.fails(true); err == nil || !strings.Contains(err.Error(), `table "customer_items" has rows, and no stream keeps it: empty it`) {
		t.Errorf("a table with rows: %v", err)
	}
	r.exec("truncate customer_items")
	r.once()
	r.exec("insert into dag.stream_members values ('stream.test', 'm', now() + interval '1 hour')")
	other := *r
	other.name = "stream.other"
	if err := other.fails(true); err == nil || !strings.Contains(err.Error(), `is kept by stream.test`) {
		t.Errorf("a table of another stream: %v", err)
	}
}

// Damage to a rollup is found and named.
func TestVerifyNamesWhatDiffersInARollup(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	r.send(0, makeSale(1, 0), makeSale(2, time.Minute), makeSale(3, time.Hour), makeSale(9, 2*time.Hour))
	r.once()
	r.verify()
	for _, c := range []struct{ damage, undo, want string }{
		{"update customer_totals set monetary = monetary + 0.01 where customer_id = 'C1'", "update customer_totals set monetary = monetary - 0.01 where customer_id = 'C1'",
			"table customer_totals at C1 has last_ts 2025-01-01 12:00:00, frequency 1, monetary 1.02, its raw rows give last_ts 2025-01-01 12:00:00, frequency 1, monetary 1.01"},
		{"insert into customer_items values ('C', 'P9', 1)", "delete from customer_items where customer_id = 'C'", "table customer_items at C P9 has times 1, its raw rows give no row"},
		{"create table was as select * from all_kinds; delete from all_kinds where store_id = 'S0'",
			"insert into all_kinds (store_id, n, ids, least, first, greatest, mean_sum, mean_count) select store_id, n, ids, least, first, greatest, mean_sum, mean_count from was where store_id = 'S0'",
			"has no row, its raw rows give n 1, ids 3"},
	} {
		for _, one := range strings.Split(c.damage, "; ") {
			r.exec(one)
		}
		p, err := r.job("verify").Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Differences) != 1 || !strings.Contains(p.Differences[0].What, c.want) {
			t.Errorf("%s: verify says %v", c.damage, p.Differences)
		}
		r.exec(c.undo)
	}
	r.verify()
}

// Rows are taken up in pieces of a bounded size.
func TestRollupStops(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, kept)
	r.once()
	s, err := newSinks(r.with.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	r.exec("insert into transactions select i, 'P1', 'S0', 'C', 1, timestamp '2025-01-01' + (i / 400) * interval '1 hour' from generate_series(0, 999) i")
	conn, err := r.db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	got, err := s.stops(t.Context(), conn.Conn(), time.Time{}, day, 250)
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute int) time.Time { return time.Date(2025, 1, 1, hour, minute, 0, 0, time.UTC) }
	if diff := cmp.Diff([]time.Time{at(0, 1), at(1, 1), day}, got); diff != "" {
		t.Errorf("from the beginning (-want +got):\n%s", diff)
	}
	if got, err = s.stops(t.Context(), conn.Conn(), at(1, 0), at(1, 1), 250); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !got[0].After(at(1, 0)) || got[0].After(at(1, 0).Add(20*time.Millisecond)) || !got[1].Equal(at(1, 1)) {
		t.Errorf("a minute: %v", got)
	}
}
