package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// A year of a real shop, through the whole program: the tables must give the figures that pandas, scikit-learn and mlxtend
// give for the same file. The program runs as a process of its own, since the race detector would make half a million
// lines last minutes.
func TestAYearOfOnlineRetail(t *testing.T) {
	const folder = "../testdata/online_retail/"
	p := newPipeline(t, "")
	url := pgtest.Empty(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.dag, "run", "--once", "-f", folder+"dagfile.yaml", "--state", p.state, "--out", p.out)
	cmd.Env = append(os.Environ(), "KAFKA_BROKERS=embedded:0", "DATABASE_URL="+url, "DAG_LISTEN=127.0.0.1:0")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // only read
	table := func(query string) string {
		t.Helper()
		var out bytes.Buffer
		if _, err := conn.PgConn().CopyTo(ctx, &out, "copy ("+query+") to stdout (format csv, header)"); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return out.String()
	}
	for _, c := range []struct{ what, want, query string }{
		{"all lines are there", "541909,25900,4372,9747747.934", "select count(*), count(distinct invoice_no), count(distinct customer_id), sum(quantity * unit_price) from order_lines"},
		{"sales are what the cleaning rule leaves", "397884,18532,4338,3665,8911407.904", "select count(*), count(distinct invoice_no), count(distinct customer_id), count(distinct stock_code), sum(amount) from sales"},
		{"the stream counted the same lines", "397884", "select sum(lines) from sold_hour"},
		{"nothing was late, held or dead", "0", "select (select count(*) from dag.late_rows) + (select count(*) from dag.held_rows) + (select count(*) from dag.dead_letters)"},
		{"segments by rank", "1072 812 663 633 541 481 136", "select string_agg(n::text, ' ' order by n desc) from (select count(*) n from segments_first group by rfm_segment) s"},
		{"recency, frequency and money", "399354,18532,8911407.90", "select sum(recency_days), sum(frequency), sum(monetary) from segments_first"},
		{"clusters of the best of 60 starts of scikit-learn", "1630 1188 813 707", "select string_agg(n::text, ' ' order by n desc) from (select count(*) n from segments_first group by cluster_id) c"},
		{"equal customers have equal scores", "0", "select count(*) from (select 1 from segments_value group by recency_days having count(distinct r_score) > 1 union all select 1 from segments_value group by frequency having count(distinct f_score) > 1 union all select 1 from segments_value group by monetary having count(distinct m_score) > 1) u"},
		{"rules of invoices at 1 % and .5", "323,200.674383574,5697.201849934", "select count(*), round(sum(confidence)::numeric, 9), round(sum(lift)::numeric, 9) from rules_invoices"},
		{"rules of customers at 3 % and .5", "3027", "select count(*) from rules_customers"},
		{"the strongest pair", "23171,23172,202,61.895899", "select antecedent, consequent, count, round(lift::numeric, 6) from rules_invoices order by lift desc, antecedent limit 1"},
		{"itemsets of invoices", "t", "select note like '18532 baskets, 1031 itemsets, 323 rules%' from dag.runs where job = 'basket.invoices'"},
		{"itemsets of customers", "t", "select note like '4338 baskets, 2058 itemsets, 3027 rules%' from dag.runs where job = 'basket.customers'"},
	} {
		if _, got, _ := strings.Cut(table(c.query), "\n"); strings.TrimSpace(got) != c.want {
			t.Errorf("%s: %s, want %s", c.what, strings.TrimSpace(got), c.want)
		}
	}
	const segments = `select rfm_segment, count(*) customers, sum(recency_days) days, sum(frequency) purchases, sum(monetary) revenue,
		md5(string_agg(customer_id || r_score || f_score || m_score, ' ' order by customer_id)) scores from `
	for name, query := range map[string]string{
		"catalogue":       "select * from catalogue order by 1 limit 20",
		"months":          "select date_trunc('month', ts)::date as month, count(*) lines, count(distinct invoice_no) invoices, count(distinct customer_id) customers, sum(amount) revenue from sales group by 1 order by 1",
		"countries":       "select country, sum(lines) lines, sum(pieces) pieces, max(customers) most_customers, count(*) hours from sold_hour group by 1 order by 2 desc, 1",
		"segments_first":  segments + "segments_first group by 1 order by 2 desc, 1",
		"segments_value":  segments + "segments_value group by 1 order by 2 desc, 1",
		"clusters":        "select cluster_id, count(*) customers, round(avg(recency_days), 6) days, round(avg(frequency), 6) purchases, round(avg(monetary), 6) spend from segments_first group by 1 order by 1",
		"rules_invoices":  "select antecedent, consequent, round(support::numeric, 9) support, round(confidence::numeric, 9) confidence, round(lift::numeric, 9) lift, count from rules_invoices order by 1, 2",
		"rules_customers": "select antecedent, consequent, round(confidence::numeric, 9) confidence, round(lift::numeric, 9) lift, count from rules_customers order by count desc, 1, 2 limit 100",
		"unusual_hours":   "select product_id as country, window_start, observed, expected, round(score::numeric, 6) score, kind, window_minutes from unusual_hours order by 1, 2",
	} {
		golden.Check(t, folder+"expected/"+name+".csv", []byte(table(query)))
	}
	page, err := os.ReadFile(filepath.Join(p.out, "year.html"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, folder+"expected/year.html", steady(page))
}
