package main

import (
	"testing"

	"tillflow/lib/golden"
	"tillflow/lib/pgtest"
)

// Another topic takes a dagfile and nothing else: nested values, numbers as times, renamed columns, values that may be
// missing, windows that slide, hold some of the rows and keep averages and distinct counts.
func TestAnotherTopicTakesADagfileOnly(t *testing.T) {
	const dagfile = "../testdata/clickstream/dagfile.yaml"
	state := pgtest.StateDir(t)
	fill(t, state, map[string]string{"clicks": "../testdata/clickstream/clicks.jsonl"})
	common := []string{"-f", dagfile, "--state", state}
	for range 2 { // the second run finds nothing new and changes nothing
		if code, _, stderr := dag(t, append([]string{"run", "--once"}, common...)...); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
	}
	for name, query := range map[string]string{
		"clicks":           "select * from web.clicks order by event_id, at",
		"page_speed":       "select window_start, window_end, page, views, mean_load, slowest, visitors from web.page_speed order by 1, 3",
		"purchases_minute": "select window_start, purchases, revenue, mean_price, accounts from web.purchases_minute order by 1",
		"dead_letters":     `select "partition", "offset", convert_from(value, 'utf8') as value, reason from dag.dead_letters order by 1, 2`,
		"late_rows":        `select "partition", "offset", event_time, watermark from dag.late_rows order by 1, 2`,
	} {
		code, stdout, stderr := dag(t, append([]string{"sql", query, "-o", "csv"}, common...)...)
		if code != 0 {
			t.Errorf("%s: %s", name, stderr)
			continue
		}
		golden.Check(t, "../testdata/clickstream/expected/"+name+".csv", []byte(stdout))
	}
	// What the windows say, asked of the raw rows.
	for what, query := range map[string]string{
		"windows that differ from their rows": `
			with expected as (
				select w, page, count(*) n, avg(load_millis) mean, max(load_millis) slowest, count(distinct visitor_id) visitors
				from web.clicks c left join dag.late_rows l on l.event_time = c.at,
				generate_series(date_bin('1 minute', at, '2000-01-01') - interval '4 minutes', at, '1 minute') w
				where not bot and kind = 'view' and (l.watermark is null or w + interval '5 minutes' > l.watermark) group by 1, 2)
			select count(*) as n from web.page_speed p full join expected e on (e.w, e.page) = (p.window_start, p.page)
			where (p.views, p.mean_load, p.slowest, p.visitors) is distinct from (e.n, e.mean, e.slowest, e.visitors)`,
		"rows late for one window and not for another": `
			select 1 - count(*) as n from dag.late_rows l join web.clicks c on c.at = l.event_time
			where c.event_id = 'late1' and exists (select from web.page_speed p where p.page = '/' and p.slowest = 7000)
			and exists (select from web.page_speed p where p.page = '/' and at >= window_start and at < window_end and slowest < 7000)`,
	} {
		code, stdout, stderr := dag(t, append([]string{"sql", query, "-o", "csv"}, common...)...)
		if code != 0 || stdout != "n\n0\n" {
			t.Errorf("%s: exit code %d, %q %s", what, code, stdout, stderr)
		}
	}
}
