package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tillflow/dag/run"
)

// visits is a topic with windows of every kind: they slide, hold some of the rows, keep averages and distinct counts.
const visits = `
topic: visits
watermark: 5m
fields:
  id:     { type: int64 }
  page:   { type: string }
  user:   { type: string }
  amount: { type: "decimal(12,2)", nullable: true }
  at:     { type: timestamp, event_time: true }
sinks:
  visits: { append: all, key: [id, at] }
  visits_minute:
    window: 1m
    by: [page]
    totals: { n: count(), mean: avg(amount), users: approx_distinct(user), prices: approx_distinct(amount) }
  visits_sliding:
    window: 5m
    slide: 1m
    by: [page]
    totals: { n: count(), total: sum(amount), mean: avg(amount), low: min(amount), users: approx_distinct(user), mean_id: avg(id) }
  web.visits_paid:
    window: 2m
    slide: 30s
    where: amount > 0 and page in ('a', 'it''s')
    totals: { last: max(at), buyers: approx_distinct(user), prices: approx_distinct(amount) }
`

// randomVisits is a log with late, repeated and unpaid visits.
func randomVisits(rng *rand.Rand, n, partitions int) []message {
	var log []message
	users := []int{5, 40, 100_000}[rng.IntN(3)]
	for i := range n {
		at := int64(i)*3 - int64(rng.IntN(30))
		switch rng.IntN(20) {
		case 0:
			at -= int64(rng.IntN(1500))
		case 1:
			at += int64(rng.IntN(200))
		case 2:
			if len(log) > 0 {
				log = append(log, log[rng.IntN(len(log))])
				continue
			}
		}
		amount := money(int64(rng.IntN(20_000) - 5_000))
		if rng.IntN(4) == 0 {
			amount = "null"
		}
		log = append(log, message{
			partition: partitionOf(fmt.Sprint(i), partitions),
			brokerMs:  day.Add(time.Duration(3*i) * time.Second).UnixMilli(),
			value: fmt.Sprintf(`{"id":%d,"page":"%s","user":"U%d","amount":%s,"at":"%s"}`, i, []string{"a", "b", "it's"}[rng.IntN(3)],
				rng.IntN(users), amount, day.Add(time.Duration(at)*time.Second).Format("2006-01-02 15:04:05")),
		})
	}
	return log
}

// all is every row of the tables, as text.
func (r *rig) all(tables ...string) map[string][]string {
	out := map[string][]string{}
	for _, table := range tables {
		lines := r.texts("select * from " + table)
		slices.Sort(lines)
		out[table] = lines
	}
	return out
}

// The windows depend on the log alone, and are what Postgres makes of the raw rows.
func TestWindowsOfEveryKind(t *testing.T) {
	t.Parallel()
	base := newRig(t, 1, visits)
	var r rig
	rng := rand.New(rand.NewPCG(11, 11))
	tables := []string{"visits", "visits_minute", "visits_sliding", "web.visits_paid"}
	for round := range 8 {
		partitions := 1 + rng.IntN(3)
		r = *base
		r.with.Topic = fmt.Sprint("visits", round)
		r.with.Late = []string{"drop", "include"}[round%2]
		r.append(randomVisits(rng, 200+rng.IntN(600), partitions), partitions)
		var want map[string][]string
		for _, how := range []string{"at once", "in pieces", "moved about"} {
			if round > 0 || want != nil {
				r.exec("truncate " + strings.Join(tables, ", ") + ", dag.stream_offsets, dag.stream_batches, dag.late_rows, dag.future_rows")
			}
			switch how {
			case "at once":
				r.once()
			case "in pieces":
				r.once(func(w *With, _ *Deps) { w.Batch = 1 + rng.IntN(40) })
			case "moved about":
				r.move(rng)
			}
			got := r.all(tables...)
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d, read %s: tables differ (-at once +now):\n%s", round, how, diff)
			}
		}
		r.secondOpinion()
		if said := r.differences(); said != "" {
			t.Errorf("round %d: verify says:\n%s", round, said)
		}
	}
	for _, damage := range []string{
		"update visits_sliding set mean_sum = mean_sum + 0.01 where (window_start, page) = (select window_start, page from visits_sliding limit 1)",
		"delete from web.visits_paid where window_start = (select min(window_start) from web.visits_paid)",
	} {
		r.exec(damage)
		if said := r.differences(); !strings.Contains(said, "its raw rows") {
			t.Errorf("after %s, verify says %q", damage, said)
		}
	}
}

// differences is what verify finds wrong, a line each.
func (r *rig) differences() string {
	r.t.Helper()
	proof, err := r.job("verify").Verify(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var out strings.Builder
	for _, d := range proof.Differences {
		fmt.Fprintln(&out, d)
	}
	return out.String()
}

// secondOpinion lets Postgres put the raw rows into windows. A row that is late for some of its windows stands in the
// late rows with the watermark that judged it.
func (r *rig) secondOpinion() {
	r.t.Helper()
	for _, c := range []struct{ table, size, slide, by, where, totals, have string }{
		{
			"visits_minute", "1 minute", "1 minute", "page", "true",
			"count(*), avg(amount), coalesce(sum(amount), 0), count(amount)", "n, mean, mean_sum, mean_count",
		},
		{
			"visits_sliding", "5 minutes", "1 minute", "page", "true",
			"count(*), coalesce(sum(amount), 0), avg(amount), min(amount), avg(id)", "n, total, mean, low, mean_id",
		},
		{"web.visits_paid", "2 minutes", "30 seconds", "", "amount > 0 and page in ('a', 'it''s')", "max(at)", "last"},
	} {
		by := ""
		if c.by != "" {
			by = ", " + c.by
		}
		expected := fmt.Sprintf(`
			select w%[1]s, w + interval '%[2]s' as e, %[3]s from visits v
			left join dag.late_rows l on l.row_key[1] = v.id::text and l.event_time = v.at,
			generate_series(date_bin('%[4]s', v.at, '2000-01-01') - interval '%[2]s' + interval '%[4]s', v.at, '%[4]s') w
			where %[5]s and (%[6]v or l.watermark is null or w + interval '%[2]s' > l.watermark)
			group by w%[1]s`, by, c.size, c.totals, c.slide, c.where, r.with.Late == "include")
		have := fmt.Sprintf("select window_start%s, window_end, %s from %s", by, c.have, c.table)
		if bad := r.texts(fmt.Sprintf("(select 'missing', * from (%[1]s except all %[2]s) a) union all (select 'surplus', * from (%[2]s except all %[1]s) b)", expected, have)); len(bad) > 0 {
			r.t.Errorf("%s is not what Postgres makes of the rows: %d differ, such as %v", c.table, len(bad), bad[:min(len(bad), 5)])
		}
		if n := r.number("select count(*) from " + c.table); n == 0 {
			r.t.Errorf("%s is empty", c.table)
		}
		distinct := map[string]string{"users": `"user"`}
		switch c.table {
		case "visits_minute":
			distinct["prices"] = "amount"
		case "web.visits_paid":
			distinct = map[string]string{"buyers": `"user"`, "prices": "amount"}
		}
		for column, of := range distinct {
			if bad := r.texts(fmt.Sprintf("select t.window_start, t.%[1]s, e.n from %[2]s t join (%[3]s) e on (e.w%[4]s) = (t.window_start%[5]s) where abs(t.%[1]s - e.n) > 2 + 0.05 * e.n",
				column, c.table, strings.Replace(expected, c.totals+" from", "count(distinct "+of+") n from", 1), prefixed(by, "e"), prefixed(by, "t"))); len(bad) > 0 {
				r.t.Errorf("%s of %s is far from the exact number: %v", column, c.table, bad[:min(len(bad), 5)])
			}
		}
	}
}

func prefixed(by, table string) string { return strings.Replace(by, ", ", ", "+table+".", 1) }

// A table of one's own must compute the average itself, and keep the sketch.
func TestWindowTablesThatDiffer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, change, want string }{
		{"average_is_plain", "alter table visits_minute alter mean drop expression", `column mean is not computed, expected numeric generated always as ("mean_sum" / nullif("mean_count", 0)) stored`},
		{"average_is_missing", "alter table visits_minute drop column mean", "column mean numeric is missing"},
		{"sum_of_the_average_is_missing", "alter table visits_minute drop column mean_sum cascade", "column mean_sum numeric(38,2) is missing"},
		{"sketch_is_missing", "alter table visits_minute drop column users_sketch", "column users_sketch bytea is missing"},
		{"sketch_is_text", "alter table visits_minute alter users_sketch type text", "column users_sketch is text, expected bytea"},
		{"count_is_computed", "alter table visits_minute drop column n, add column n bigint generated always as (mean_count) stored", "column n is computed, the sink fills it itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 1, visits)
			r.once()
			r.exec(c.change)
			_, err := r.job("a").Run(t.Context(), run.Input{Once: true})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// Somebody wrote into the column of the sketches: the stream stops and says where, and loses nothing.
func TestASketchThatIsNoneStopsTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, visits)
	visit := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"page":"a","user":"U%d","amount":1,"at":"2025-01-01 12:00:00"}`, id, id)
	}
	r.send(0, visit(1))
	r.once()
	r.exec("update visits_minute set users_sketch = 'x'")
	r.send(0, visit(2))
	_, err := r.job("a").Run(t.Context(), run.Input{Once: true})
	if err == nil || !strings.Contains(err.Error(), "raise visits_minute: column users_sketch: hll: these bytes are no sketch") {
		t.Errorf("error %v", err)
	}
	r.exec("update visits_minute set users_sketch = ''")
	r.once()
	if got := r.texts("select n, users, mean, mean_sum, mean_count from visits_minute"); !slices.Equal(got, []string{"(2,1,1.00000000000000000000,2.00,2)"}) {
		t.Errorf("windows: %v", got)
	}
}
