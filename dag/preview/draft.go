package preview

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/sql"
)

// Table is a table of the project that a report can begin with.
type Table struct {
	Name    string // as SQL writes it
	Columns []Column
}

// Column is one of its columns.
type Column struct {
	Name string // as Postgres has it
	Type string // as information_schema names it: bigint, numeric, timestamp without time zone, ...
	Key  bool   // part of the primary key
}

// MainTable is the table of the schemas in the search path with the most rows, those with a time first: what a pipeline is
// most likely about. nil when there is none with a row.
func MainTable(ctx context.Context, db *pgxpool.Pool) (*Table, error) {
	rows, err := db.Query(ctx, sql.Query("report_draft"))
	if err != nil {
		return nil, fmt.Errorf("look for a table: %w", err)
	}
	var t Table
	var c Column
	_, err = pgx.ForEachRow(rows, []any{&t.Name, &c.Name, &c.Type, &c.Key}, func() error {
		t.Columns = append(t.Columns, c)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for a table: %w", err)
	}
	if len(t.Columns) == 0 {
		return nil, nil
	}
	return &t, nil
}

// runs is the table that every pipeline has.
var runs = &Table{Name: "dag.runs", Columns: []Column{
	{"run_id", "text", true}, {"job", "text", false}, {"state", "text", false}, {"rows_read", "bigint", false}, {"started_at", "timestamp with time zone", false},
	{"note", "text", false},
}}

// Draft is a small report that can be rendered as it is: a figure, a chart over time and the newest rows of a table. With
// no table it is about the runs of the pipeline.
func Draft(title, zone string, t *Table) []byte {
	if t == nil {
		t = runs
	}
	var b strings.Builder
	when, number := t.pick(isTime), t.pick(isNumber)
	fmt.Fprintf(&b, "---\ntitle: %s\n", yamlText(title))
	if when != "" {
		b.WriteString("subtitle: To {{ totals.newest | datetime }}\n")
	}
	fmt.Fprintf(&b, "refresh: 5s\ntimezone: %s\n", yamlText(zone))
	if when != "" {
		b.WriteString("as_of: totals.newest\nparams: { period: 24h } # :period in SQL; dag report render --param period=7d\n")
	}
	fmt.Fprintf(&b, "---\n\n~~~sql totals timeout=4s\n-- A cell of SQL has a name; texts, figures, charts and tables below use its columns.\nselect count(*) as rows")
	if number != "" {
		fmt.Fprintf(&b, ", sum(%s) as total", number)
	}
	if when != "" {
		fmt.Fprintf(&b, ", max(%s) as newest", when)
	}
	fmt.Fprintf(&b, " from %s\n~~~\n\n", t.Name)
	if when != "" {
		t.overTime(&b, when, number)
	}
	t.newest(&b, when)
	b.WriteString("~~~kpi rows\ntitle: " + yamlText("Rows of "+t.Name) + "\ndata: totals\nvalue: rows\nformat: int\n")
	if when != "" {
		b.WriteString("spark: by_time.rows\n")
	}
	b.WriteString("empty: No rows yet.\n~~~\n\n")
	if number != "" {
		b.WriteString("~~~kpi total\ntitle: " + yamlText("Sum of "+number) + "\ndata: totals\nvalue: total\nempty: No rows yet.\n~~~\n\n")
	}
	b.WriteString("## What happened\n\n`" + t.Name + "` has {{ totals.rows | int }} rows. Change this text and the queries: the page follows each save.\n\n")
	if when != "" {
		b.WriteString("~~~chart rows_over_time timebars\ntitle: Rows over time\ndata: by_time\nx: at\ny: rows\nformat: { x: datetime, y: int }\nempty: No rows yet.\n~~~\n\n")
	}
	b.WriteString("~~~table newest_rows\ntitle: Newest rows\ndata: newest\nsearch: true\ndownload: csv\nwidth: full\nempty: No rows yet.\n~~~\n")
	return []byte(b.String())
}

// overTime is the query of the chart: one row a step, steps without rows included.
func (t *Table) overTime(b *strings.Builder, when, number string) {
	sum, sums := "", ""
	if number != "" {
		sum, sums = fmt.Sprintf(", sum(%s) as total", number), ", coalesce(total, 0) as total"
	}
	at := when + zoneless(t, when)
	fmt.Fprintf(b, `~~~sql by_time timeout=4s
with counted as (
    select date_bin(:period / 48, %s, :totals.newest - :period) as at, count(*) as rows%s
    from %s
    where %s > :totals.newest - :period
    group by 1
)
select at, coalesce(rows, 0) as rows%s
from generate_series(:totals.newest - :period, :totals.newest, :period / 48) as at
left join counted using (at)
order by at
~~~

`, at, sum, t.Name, at, sums)
}

// zoneless makes a time with a zone comparable with the times of a report, which are in UTC.
func zoneless(t *Table, when string) string {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return ident(c.Name) == when })
	if t.Columns[i].Type == "timestamp with time zone" {
		return " at time zone 'UTC'"
	}
	return ""
}

// shown is the most columns of the table of rows.
const shown = 8

func (t *Table) newest(b *strings.Builder, when string) {
	var names []string
	for _, c := range t.Columns[:min(shown, len(t.Columns))] {
		names = append(names, ident(c.Name))
	}
	fmt.Fprintf(b, "~~~sql newest timeout=4s\nselect %s\nfrom %s\n", strings.Join(names, ", "), t.Name)
	if when != "" {
		fmt.Fprintf(b, "order by %s desc nulls last\n", when)
	}
	b.WriteString("limit 20\n~~~\n\n")
}

// pick gives the first column of a kind, as SQL writes it; "" when there is none.
func (t *Table) pick(is func(Column) bool) string {
	for _, c := range t.Columns {
		if is(c) {
			return ident(c.Name)
		}
	}
	return ""
}

func isTime(c Column) bool { return strings.HasPrefix(c.Type, "timestamp") }

// isNumber is for what can be added up: a number that names nothing.
func isNumber(c Column) bool {
	return slices.Contains([]string{"numeric", "double precision", "real", "bigint", "integer"}, c.Type) && !c.Key && !strings.HasSuffix(c.Name, "_id")
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// reserved are the words that Postgres takes for something else where a column stands.
var reserved = []string{"all", "and", "any", "array", "as", "asc", "both", "case", "cast", "check", "collate", "column", "constraint", "create",
	"default", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having", "in", "into",
	"limit", "not", "null", "offset", "on", "only", "or", "order", "primary", "references", "select", "some", "table", "then", "to", "true", "union",
	"unique", "user", "using", "when", "where", "window", "with"}

// ident writes a name as SQL reads it.
func ident(name string) string {
	if plainName.MatchString(name) && !slices.Contains(reserved, name) {
		return name
	}
	return pgx.Identifier{name}.Sanitize()
}

var plainText = regexp.MustCompile(`^[\p{L}][\p{L}\p{N} ._/-]*$`)

// yamlText writes a text so that YAML reads it as one.
func yamlText(s string) string {
	if plainText.MatchString(s) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off"}, strings.ToLower(s)) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ", "\t", " ").Replace(s) + `"`
}
