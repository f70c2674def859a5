package anomalies

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
)

// A first run that reads some series after the other finds what one does that reads all at once, whatever the series are
// called and whichever parameters the query takes.
func TestBatchesOfSeries(t *testing.T) {
	t.Parallel()
	db := open(t)
	for m := range 8 {
		sell(t, db, 2000+m, 60)
	}
	exec(t, db, `insert into dim_products select name, 'c', 'c', 10 from unnest($1::text[]) as name`, odd)
	exec(t, db, `insert into product_metrics_minute
		select window_start, window_end, name, total_revenue, transaction_count
		from product_metrics_minute, unnest($1::text[]) as name where product_id = 'A' and window_start < $2`, odd, at(2500))
	for name, query := range map[string]string{
		"shipped": "",
		"own":     "select product_id as series, window_start, total_revenue as value, transaction_count as orders from product_metrics_minute where window_start >= $1;\n",
	} {
		run := func(into string, batchRows int64) (result run.Result, reads int) {
			j, err := New("ml.anomalies", With{Query: query, Into: into}, Deps{DB: db})
			if err != nil {
				t.Fatal(err)
			}
			j.batchRows = batchRows
			in := input("run-1", at(minutes))
			in.Progress = func(run.Progress) { reads++ }
			if result, err = j.Run(t.Context(), in); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return result, reads
		}
		whole, once := run("whole_"+name, batchRows)
		parts, reads := run("parts_"+name, 6000)
		if once != 1 || reads < 3 || reads > len(odd)+2 {
			t.Errorf("%s: %d and %d batches", name, once, reads)
		}
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Errorf("%s (-at once +in batches):\n%s", name, diff)
		}
		for _, all := range []string{
			"select concat_ws('|', product_id, window_start, window_minutes, kind, observed, expected, score) from INTO order by product_id, window_start",
			"select concat_ws('|', s.product_id, to_jsonb(s) - 'table_name' - 'product_id') from anomaly_series s where table_name = 'INTO' order by product_id",
		} {
			want := lines(t, db, strings.ReplaceAll(all, "INTO", "whole_"+name))
			if diff := cmp.Diff(want, lines(t, db, strings.ReplaceAll(all, "INTO", "parts_"+name))); diff != "" || len(want) < len(odd)+1 {
				t.Errorf("%s, %d rows (-at once +in batches):\n%s", name, len(want), diff)
			}
		}
	}
}

// odd are names that quoting could get wrong.
var odd = []string{"it's", `a "b"`, `{c,d}`, `e\f`, "NULL", "zu groß"}
