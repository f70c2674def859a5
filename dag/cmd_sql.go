package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

func cmdSQL(ctx context.Context, c *call) error {
	query := strings.Join(c.args, " ")
	if query == "-" {
		b, err := io.ReadAll(c.stdin)
		if err != nil {
			return fmt.Errorf("read the query: %w", err)
		}
		query = string(b)
	}
	if strings.TrimSpace(query) == "" {
		return usagef(`give a query: dag sql "select * from anomalies limit 10"; - reads it from the input`)
	}
	write, ok := map[string]func(io.Writer, []string, [][]*string) error{"table": writeTable, "csv": writeCSV, "json": writeJSON}[c.format]
	if !ok {
		return usagef("-o %s is not known; table, csv or json", c.format)
	}
	ctx, cancel := stopOnSignal(ctx)
	defer cancel()
	p, f, err := c.open()
	if err != nil {
		return err
	}
	sv, done, err := c.attached(ctx, p, f, c.plainLog())
	if err != nil {
		return interrupted(ctx, err)
	}
	defer done()
	// The simple protocol gives every value as the text that psql would show.
	rows, err := sv.DB.Query(ctx, query, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	var all [][]*string
	for rows.Next() {
		row := make([]*string, len(names))
		for i, v := range rows.RawValues() {
			if v != nil {
				s := string(v)
				row[i] = &s
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintln(c.stdout, rows.CommandTag())
		return nil
	}
	return write(c.stdout, names, all)
}

// numeral is what stands right-aligned in a table, when all of its column is such.
var numeral = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$`)

func writeTable(w io.Writer, names []string, rows [][]*string) error {
	cell := func(v *string) string {
		if v == nil {
			return ""
		}
		return strings.NewReplacer("\n", `\n`, "\t", `\t`, "\x1b", `\e`).Replace(*v)
	}
	width, right := make([]int, len(names)), make([]bool, len(names))
	for i, n := range names {
		width[i], right[i] = utf8.RuneCountInString(n), len(rows) > 0
		for _, r := range rows {
			width[i] = max(width[i], utf8.RuneCountInString(cell(r[i])))
			right[i] = right[i] && (r[i] == nil || numeral.MatchString(*r[i]))
		}
	}
	var b strings.Builder
	line := func(text func(i int) string) {
		for i := range names {
			s := text(i)
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(s))
			switch {
			case right[i]:
				s = pad + s
			case i < len(names)-1:
				s += pad
			}
			if b.WriteString(s); i < len(names)-1 {
				b.WriteString("  ")
			}
		}
		b.WriteByte('\n')
	}
	line(func(i int) string { return names[i] })
	line(func(i int) string { return strings.Repeat("-", width[i]) })
	for _, r := range rows {
		line(func(i int) string { return cell(r[i]) })
	}
	s := "s"
	if len(rows) == 1 {
		s = ""
	}
	fmt.Fprintf(&b, "(%d row%s)\n", len(rows), s)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCSV(w io.Writer, names []string, rows [][]*string) error {
	out := csv.NewWriter(w)
	if err := out.Write(names); err != nil {
		return err
	}
	for _, r := range rows {
		rec := make([]string, len(r))
		for i, v := range r {
			if v != nil {
				rec[i] = *v
			}
		}
		if err := out.Write(rec); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// writeJSON gives a list of objects whose keys keep the order of the columns. Values are text as Postgres writes it,
// or null: a number would lose digits in many readers.
func writeJSON(w io.Writer, names []string, rows [][]*string) error {
	var b strings.Builder
	quote := func(v any) {
		j, _ := json.Marshal(v) // text and nil always marshal
		b.Write(j)
	}
	b.WriteString("[")
	for i, r := range rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  {")
		for k, n := range names {
			if k > 0 {
				b.WriteString(", ")
			}
			quote(n)
			b.WriteString(": ")
			quote(r[k])
		}
		b.WriteString("}")
	}
	b.WriteString("\n]\n")
	_, err := io.WriteString(w, b.String())
	return err
}
