package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Every kind of damage is found and named; without damage there is nothing to name.
func TestVerifyNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2, sales)
	r.with.Topic = "proof"
	r.append(randomLog(rand.New(rand.NewPCG(5, 5)), 2000, 2), 2)
	r.once(func(w *With, _ *Deps) { w.Batch = 50 })
	r.verify()
	third := r.number("select first_offset from dag.stream_batches where partition = 0 order by 1 offset 2 limit 1")
	second := r.number("select first_offset from dag.stream_batches where partition = 0 order by 1 offset 1 limit 1")
	for _, c := range []struct{ name, damage, want string }{
		{"raw_row_deleted", "delete from transactions where transaction_id = (select min(transaction_id) from transactions)", "table transactions has"},
		{"raw_row_changed", "update transactions set amount = amount + 1 where (transaction_id, ts) = (select transaction_id, ts from transactions where not exists (select from dag.late_rows where row_key[1]::bigint = transaction_id) limit 1)", "table product_metrics_minute at "},
		{"window_total_changed", "update product_metrics_minute set total_revenue = total_revenue + 0.01 where window_start = (select max(window_start) from product_metrics_minute)", "its raw rows give total_revenue"},
		{"window_missing", "delete from product_metrics_minute where window_start = (select min(window_start) from product_metrics_minute)", "has no row, its raw rows give"},
		{"window_invented", "insert into product_metrics_minute select timestamp '1999-01-01', timestamp '1999-01-01 00:01', 'P0', 1, 1", "its raw rows give no row"},
		{"entry_missing", fmt.Sprintf("delete from dag.stream_batches where partition = 0 and first_offset = %d", second),
			fmt.Sprintf("batch of offsets %d to", third)},
		{"first_entry_missing", "delete from dag.stream_batches where partition = 0 and first_offset = 0", "no entry for offsets 0 to"},
		{"last_entry_missing", "delete from dag.stream_batches where batch_id = (select max(batch_id) from dag.stream_batches)", "the partition stands at"},
		{"entry_overlaps", fmt.Sprintf("update dag.stream_batches set first_offset = first_offset - 1 where partition = 0 and first_offset = %d", third), "what is before it reaches to"},
		{"entry_changed", fmt.Sprintf("update dag.stream_batches set duplicates = duplicates + 1 where partition = 0 and first_offset = %d", third), fmt.Sprintf("batch of offsets %d to", third)},
		{"conflicts_invented", fmt.Sprintf("update dag.stream_batches set conflicts = duplicates + 1 where partition = 0 and first_offset = %d", third), "conflicts among"},
		{"dead_letter_deleted", `delete from dag.dead_letters where ("partition", "offset") = (select "partition", min("offset") from dag.dead_letters group by 1 limit 1)`, "dead letters are there, the entry says"},
		{"held_row_deleted", `delete from dag.held_rows where ("partition", "offset") = (select "partition", min("offset") from dag.held_rows group by 1 limit 1)`, "held rows are there, the entry says"},
		{"late_row_deleted", `delete from dag.late_rows where ("partition", "offset") = (select "partition", min("offset") from dag.late_rows group by 1 limit 1)`, "late rows are there, the entry says"},
		{"row_from_the_future_deleted", `delete from dag.future_rows where ("partition", "offset") = (select "partition", min("offset") from dag.future_rows group by 1 limit 1)`, "rows from the future are there, the entry says"},
		{"offset_moved", "update dag.stream_offsets set next_offset = next_offset + 5 where partition = 1", "its log ends at"},
		{"offset_moved_back", "update dag.stream_offsets set next_offset = next_offset - 5 where partition = 1", "the partition stands at"},
		{"rows_changed", "update dag.stream_offsets set rows = rows - 5 where partition = 1", "its entries say"},
		{"message_uncounted", "update dag.stream_batches set messages = messages - 1, duplicates = duplicates - 1 where batch_id = (select batch_id from dag.stream_batches where duplicates > 0 limit 1)", "the log has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// The damage is undone at the end, for the next case.
			tables := []string{"transactions", "product_metrics_minute", "dag.stream_offsets", "dag.stream_batches", "dag.dead_letters", "dag.held_rows", "dag.late_rows", "dag.future_rows"}
			for i, table := range tables {
				r.exec(fmt.Sprintf("drop table if exists kept%d", i))
				r.exec(fmt.Sprintf("create table kept%d as select * from %s", i, table))
			}
			defer func() {
				for i, table := range tables {
					r.exec("truncate " + table)
					r.exec(fmt.Sprintf("insert into %s overriding system value select * from kept%d", table, i))
				}
			}()
			r.exec(c.damage)
			p, err := r.job("verify").Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			for _, d := range p.Differences {
				fmt.Fprintln(&said, d)
			}
			if !strings.Contains(said.String(), c.want) {
				t.Errorf("verify names %d differences, none with %q:\n%s", len(p.Differences), c.want, said.String())
			}
		})
	}
	r.verify()
}

// Windows of every kind are counted again: sliding ones, those with a condition, averages, extremes, with late rows left
// out or in.
func TestVerifyCountsEveryKindOfWindow(t *testing.T) {
	t.Parallel()
	base := newRig(t, 2, strings.Replace(sales, "sinks:\n", `sinks:
  sliding_metrics:
    window: 10m
    slide: 2m
    by: [product_id]
    where: amount > 20 and store_id = 'S0'
    totals: { total: sum(amount), n: count(), low: min(amount), latest: max(ts), mean: avg(amount), customers: approx_distinct(customer_id) }
  hourly_all:
    window: 1h
    totals: { n: count() }
  daily_customers:
    window: 24h
    by: [customer_id]
    totals: { products: approx_distinct(product_id) }
`, 1))
	revision := map[string]string{
		"drop":    "delete from sliding_metrics where window_start = (select min(window_start) from sliding_metrics)",
		"include": "update sliding_metrics set revised = revised + 1 where window_start = (select max(window_start) from sliding_metrics where revised > 0)",
	}
	for i, late := range []string{"drop", "include"} {
		r := *base
		r.with.Topic, r.with.Late = "kinds_"+late, late
		r.append(randomLog(rand.New(rand.NewPCG(9, uint64(i))), 2000, 2), 2)
		r.once(func(w *With, _ *Deps) { w.Batch = 70 })
		if r.number("select count(*) from dag.late_rows") == 0 || late == "include" && r.number("select sum(revised) from sliding_metrics") == 0 {
			t.Fatal("no row was late")
		}
		r.prove()
		for _, damage := range []string{
			"update sliding_metrics set mean_count = mean_count + 1 where window_start = (select min(window_start) from sliding_metrics)",
			"update hourly_all set n = n - 1 where window_start = (select max(window_start) from hourly_all)",
			revision[late],
			"delete from daily_customers where customer_id = 'C1'",
		} {
			table := strings.Fields(strings.NewReplacer("update ", "", "delete from ", "").Replace(damage))[0]
			r.exec("create table undamaged as select * from " + table)
			r.exec(damage)
			p, err := r.job("verify").Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Differences) == 0 || !strings.Contains(p.Differences[0].What, "table "+table) {
				t.Errorf("%s: verify says %v", damage, p.Differences)
			}
			r.exec("delete from " + table)
			cols := r.texts("select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and attgenerated = ''", table)[0]
			cols = strings.Trim(cols, `()"`)
			r.exec(fmt.Sprintf("insert into %s (%s) select %s from undamaged", table, cols, cols))
			r.exec("drop table undamaged")
		}
		r.prove()
		r.exec("truncate transactions, product_metrics_minute, sliding_metrics, hourly_all, daily_customers, dag.stream_offsets, dag.stream_batches, dag.dead_letters, dag.held_rows, dag.late_rows, dag.future_rows")
	}
}
