package stream

import (
	"fmt"
	"strings"
	"time"

	"tillflow/lib/ledger"
	"tillflow/lib/window"
)

// recount is a query for the windows whose totals are not those of the raw rows less the late ones. It returns the first
// few, each with how many there are in all, its key, the totals that are there, and those that should be. Of late rows
// those count that were included when they came, whatever the stream is set to now. Parameter 1 is the job. marked: the
// table says by how many late rows a window was revised.
func (s *sinks) recount(win *windowSink, marked bool) string {
	size, step := win.spec.Size.Microseconds(), win.step
	from := quote(s.raw.name)
	if win.filter != nil {
		from = "(select * from " + from + " where " + win.filter.SQL() + ")"
	}
	// The windows that hold a row: the one that began last, and as many before it as overlap.
	start := fmt.Sprintf("date_bin(%s, r.%s, timestamp '%s')", interval(step), quote(win.spec.Time), origin(step))
	if size > step {
		from += fmt.Sprintf(" r cross join generate_series(0, %d) as tillflow_back", size/step-1)
		start += " - tillflow_back * " + interval(step)
	} else {
		from += " r"
	}
	late := start + " + " + interval(size) + " <= l.watermark"
	onTime := fmt.Sprintf("\n  where not exists (select from tillflow_late l where %s and not l.included and %s)", s.isLate(), late)
	key := append([]string{window.StartColumn}, win.spec.By...)
	by, group := make([]string, len(key)), make([]string, len(key))
	for i, k := range key {
		by[i], group[i] = "r."+quote(k), fmt.Sprint(i+1)
	}
	by[0] = start + " as " + window.StartColumn
	totals, exprs := counted(win.spec.Totals)
	if marked {
		from += " left join (select * from tillflow_late where included) l on " + s.isLate()
		totals, exprs = append(totals, revisedColumn), append(exprs, "count(*) filter (where "+late+") as "+quote(revisedColumn))
	}
	return fmt.Sprintf(`with tillflow_late as materialized (select %s, included, max(watermark) as watermark from dag.late_rows where job = $1 group by row_key, included),
tillflow_good as (
  select %s, %s
  from %s%s
  group by %s),
tillflow_bad as (
  select %s, %s as have, %s as give
  from %s t full join tillflow_good g using (%s)
  where (t.%s is null) <> (g.%s is null) or %s)
select count(*) over (), concat_ws(' ', %[7]s), have, give from tillflow_bad order by %[7]s limit %[15]d`,
		s.lateKey(), strings.Join(by, ", "), strings.Join(exprs, ", "), from, onTime, strings.Join(group, ", "),
		quoteAll(key), shown("t", window.StartColumn, totals), shown("g", window.StartColumn, totals), quote(win.table.name), quoteAll(key),
		window.StartColumn, window.StartColumn, otherTotals("t", "g", totals), shownDifferences)
}

// recount is such a query for the keys whose totals are not those of the raw rows before until; zero is before all.
func (r *rollupSink) recount(until time.Time) string {
	names, _ := counted(r.totals)
	before := "false"
	if !until.IsZero() {
		before = quote(r.time) + " < " + ledger.TimeLiteral(until)
	}
	key := r.by[0]
	return fmt.Sprintf(`with tillflow_good as (
%s),
tillflow_bad as (
  select %s, %s as have, %s as give
  from %s t full join tillflow_good g using (%[2]s)
  where (t.%[6]s is null) <> (g.%[6]s is null) or %[7]s)
select count(*) over (), concat_ws(' ', %[2]s), have, give from tillflow_bad order by %[2]s limit %[8]d`,
		r.totalsOf(before), quoteAll(r.by), shown("t", key, names), shown("g", key, names), quote(r.table.name), quote(key),
		otherTotals("t", "g", names), shownDifferences)
}

// counted are the columns of totals that can be counted again, and how, of rows r. An average is a generated column of
// its parts, and an estimate is none that SQL could repeat.
func counted(totals []window.Total) (names, exprs []string) {
	for _, t := range totals {
		for _, p := range t.Parts() {
			expr, col := "", "r."+quote(p.Column)
			switch p.Op {
			case window.Count:
				expr = "count(*)"
			case window.Values:
				expr = "count(" + col + ")"
			case window.Sum:
				expr = "coalesce(sum(" + col + "), 0)"
			case window.Min:
				expr = "min(" + col + ")"
			case window.Max:
				expr = "max(" + col + ")"
			default:
				continue
			}
			names, exprs = append(names, p.Name), append(exprs, expr+" as "+quote(p.Name))
		}
	}
	if len(names) == 0 { // that the window is there can be compared all the same
		return nil, []string{"count(*) as tillflow_rows"}
	}
	return names, exprs
}

// otherTotals says that two tables have other totals.
func otherTotals(a, b string, names []string) string {
	out := []string{"false"}
	for _, n := range names {
		out = append(out, fmt.Sprintf("%[1]s.%[3]s is distinct from %[2]s.%[3]s", a, b, quote(n)))
	}
	return strings.Join(out, " or ")
}

// shown is the text of a row's totals, as a person reads it. key is a column that is null only when there is no row.
func shown(alias, key string, names []string) string {
	out := []string{"'a row'"}
	if len(names) > 0 {
		out = out[:0]
	}
	for _, n := range names {
		out = append(out, fmt.Sprintf("%s || coalesce(%s.%s::text, 'null')", literal(n+" "), alias, quote(n)))
	}
	return fmt.Sprintf("case when %s.%s is null then 'no row' else concat_ws(', ', %s) end", alias, quote(key), strings.Join(out, ", "))
}

func interval(us int64) string { return fmt.Sprintf("interval '%d microseconds'", us) }

// origin is a multiple of step near the year 1: date_bin counts from it, so that it never meets a time before its origin,
// which some versions of Postgres round in the wrong direction.
func origin(step int64) string {
	const yearOne = 62_135_596_800 * int64(time.Second/time.Microsecond) // before the Unix epoch
	return time.UnixMicro(-(yearOne / step) * step).UTC().Format("2006-01-02 15:04:05.999999")
}

// literal is a text in SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// lateKey are the key's columns as late_rows has them, in their types; isLate compares them with a raw row.
func (s *sinks) lateKey() string {
	types := map[string]column{}
	for _, c := range s.raw.columns {
		types[c.name] = c
	}
	out := make([]string, len(s.raw.key))
	for i, name := range s.raw.key {
		out[i] = fmt.Sprintf("row_key[%d]::%s as k%d", i+1, arrayType(types[name]), i+1)
	}
	return strings.Join(out, ", ")
}

func (s *sinks) isLate() string {
	out := make([]string, len(s.raw.key))
	for i, name := range s.raw.key {
		out[i] = fmt.Sprintf("l.k%d = r.%s", i+1, quote(name))
	}
	return strings.Join(out, " and ")
}
