package reportbench

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tillflow/lib/pgtest"
)

// The same Data gives the same rows, in the number that was asked for, and the totals are those of the transactions.
func TestFill(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 11, 22, 17, 14, 30, 0, time.UTC)
	var sums []string
	for range 2 {
		db := pgtest.Open(t)
		if err := Fill(t.Context(), db, Data{Rows: 12_000, PerDay: 4_000, Customers: 700, Until: until, Seed: 7}); err != nil {
			t.Fatal(err)
		}
		ask := func(query string) (answer string) {
			t.Helper()
			if err := db.QueryRow(t.Context(), query).Scan(&answer); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			return answer
		}
		for query, want := range map[string]string{
			"select count(*) || ' ' || count(distinct transaction_id) || ' ' || min(transaction_id) from transactions":                                                                                                                               "12000 12000 1",
			"select (max(ts) <= timestamp '2026-11-22 17:14' and min(ts) >= timestamp '2026-11-19 17:14')::text from transactions":                                                                                                                   "true",
			"select bool_and(a.ts <= b.ts)::text from transactions a join transactions b on b.transaction_id = a.transaction_id + 1":                                                                                                                 "true",
			"select count(distinct product_id) || ' ' || count(distinct store_id) from transactions join dim_products using (product_id) join dim_stores using (store_id)":                                                                           "6 3",
			"select count(*)::text from (select date_trunc('minute', ts), product_id, sum(amount), count(*) from transactions group by 1, 2 except select window_start, product_id, total_revenue, transaction_count from product_metrics_minute) d": "0",
			"select (sum(transaction_count) = 12000)::text from product_metrics_minute":                                                                                                                                                              "true",
			"select count(*)::text from (select customer_id, count(*), sum(amount) from transactions group by 1 except select customer_id, frequency, monetary from customer_segments) d":                                                            "0",
			"select (count(*) between 500 and 1300 and max(refunds.ts) < timestamp '2026-11-22 17:14')::text from refunds join transactions on transaction_id = original_transaction_id and refunds.ts > transactions.ts":                            "true",
			"select count(distinct rfm_segment)::text from customer_segments":                                                                                                                                                                        "7",
			"select (count(*) > 0)::text from product_associations":                                                                                                                                                                                  "true",
			"select (dag.watermark('stream.transactions') = timestamp '2026-11-22 17:09:30')::text":                                                                                                                                                  "true",
		} {
			if got := ask(query); got != want {
				t.Errorf("%s\ngave %s, want %s", query, got, want)
			}
		}
		sums = append(sums, ask("select md5(string_agg(t::text, ',' order by transaction_id)) from transactions t"))
	}
	if sums[0] != sums[1] {
		t.Error("two databases with the same seed differ")
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	if err := Fill(t.Context(), nil, Data{Rows: 10}); err == nil || !strings.Contains(err.Error(), "make no shop") {
		t.Error(err)
	}
}

// A whole bench of a small shop: every number is there, and what a page costs is within reason.
func TestRun(t *testing.T) {
	t.Setenv("CHROMIUM", "no-such-browser")
	t.Setenv("TMPDIR", t.TempDir())
	var said []string
	res, err := Run(t.Context(), Config{Rows: 20_000, Rounds: 1, Idle: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler), Say: func(s string) { said = append(said, s) }})
	if err != nil {
		t.Fatal(err)
	}
	if res.Rows != 20_000 || res.Cells < 16 || res.BuildMS <= 0 || res.QueryMS <= 0 || res.Bytes < 50_000 || res.GzipBytes < 10_000 || res.GzipBytes > res.Bytes/2 {
		t.Errorf("%+v", res)
	}
	if len(res.Queries) < 10 || res.Queries[0].MS < res.Queries[1].MS || len(res.Choices) == 0 || res.FirstPaintMS != nil || res.OpenCPU == nil || res.OpenPages != openPages {
		t.Errorf("%+v", res)
	}
	if !strings.Contains(strings.Join(said, "\n"), "without a browser: CHROMIUM names no program") {
		t.Errorf("said %q", said)
	}
	var text strings.Builder
	if err := res.WriteText(&text); err != nil || !strings.Contains(text.String(), "20,000 transactions") || strings.Count(text.String(), "\n") < 15 {
		t.Errorf("%v\n%s", err, &text)
	}
	line, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"build_ms":`, `"bytes":`, `"gzip_bytes":`, `"query_ms":`, `"first_paint_ms":null`, `"goals":{"build_ms":30,`} {
		if !strings.Contains(string(line), key) {
			t.Errorf("no %s in %s", key, line)
		}
	}
}

// A missed goal is seen.
func TestMissedGoal(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	if err := (Result{Report: "r.md", QueryMS: 501, BuildMS: 3, Goals: goals}).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text.String(), "\n")
	if !strings.HasSuffix(lines[3], "500  MISSED") || !strings.HasSuffix(lines[4], "30  ok") {
		t.Errorf("%s", &text)
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{Rows: 999, Rounds: 1}, {Rows: 1000}, {Rows: 1000, Rounds: 1, Idle: -1}} {
		if c.Check() == nil {
			t.Errorf("%+v", c)
		}
	}
	_, err := Run(context.Background(), Config{Report: "none.md", Say: func(string) {}})
	if err == nil || !strings.Contains(err.Error(), "none.md") {
		t.Error(err)
	}
}
