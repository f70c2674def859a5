package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tillflow/lib/dataset"
	"tillflow/lib/publish"
	"tillflow/lib/strictyaml"
)

// answer is what a check found.
type answer struct {
	bad      int64
	message  string // "" when nothing is wrong
	severity string
	examples []json.RawMessage
}

func quoted(column string) string { return pgx.Identifier{column}.Sanitize() }

// from is the table and the rows of it that are looked at.
func (c *Check) from() string {
	s := publish.Name(c.Table).Sanitize() + " t"
	if c.Where != "" {
		s += " where (" + c.Where + "\n)"
	} else {
		s += " where true"
	}
	return s
}

// ask looks at the data.
func (c *Check) ask(ctx context.Context, tx pgx.Tx, dir string, asOf time.Time, examples int) (answer, error) {
	a := answer{severity: c.Severity}
	if a.severity == "" {
		a.severity = "error"
	}
	var err error
	switch c.kinds()[0] {
	case rowCount:
		err = c.count(ctx, tx, &a)
	case freshness:
		err = c.age(ctx, tx, asOf, &a)
	default:
		err = c.rows(ctx, tx, dir, examples, &a)
	}
	return a, plain(err)
}

// plain is the message of Postgres with what it says to do.
func plain(err error) error {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return err
	}
	if pe.Hint != "" {
		return fmt.Errorf("%s (%s): %w", pe.Message, strings.TrimSuffix(pe.Hint, "."), err)
	}
	return fmt.Errorf("%s: %w", pe.Message, err)
}

func (c *Check) count(ctx context.Context, tx pgx.Tx, a *answer) error {
	var n int64
	if err := tx.QueryRow(ctx, "select count(*) from "+c.from()).Scan(&n); err != nil {
		return err
	}
	switch r := c.RowCount; {
	case r.Min != nil && n < *r.Min:
		a.bad, a.message = *r.Min-n, fmt.Sprintf("%s, at least %d wanted", rows(n), *r.Min)
	case r.Max != nil && n > *r.Max:
		a.bad, a.message = n-*r.Max, fmt.Sprintf("%s, at most %d wanted", rows(n), *r.Max)
	}
	return nil
}

// age counts from the newest value to as_of. A timestamp without a zone is UTC to Postgres' epoch, as it is to us.
func (c *Check) age(ctx context.Context, tx pgx.Tx, asOf time.Time, a *answer) error {
	var newest *float64
	f := c.Freshness
	if err := tx.QueryRow(ctx, "select extract(epoch from max("+quoted(f.Column)+"))::float8 from "+c.from()).Scan(&newest); err != nil {
		return err
	}
	limit := f.Error
	a.severity = "error"
	if newest == nil {
		if limit <= 0 {
			a.severity = "warn"
		}
		a.message = "there is no row"
		return nil
	}
	age := asOf.Sub(time.UnixMicro(int64(*newest * 1e6)))
	if limit <= 0 || age <= limit {
		a.severity, limit = "warn", f.Warn
	}
	if limit > 0 && age > limit {
		a.message = fmt.Sprintf("the newest %s is %s old, at most %s wanted", f.Column, strictyaml.FormatDuration(age.Round(time.Second)), strictyaml.FormatDuration(limit))
	}
	return nil
}

// rows asks for the bad rows: how many there are, and some of them.
func (c *Check) rows(ctx context.Context, tx pgx.Tx, dir string, examples int, a *answer) error {
	bad, says, args, err := c.bad(dir)
	if err != nil {
		return err
	}
	// The line break ends a comment that the query may end in.
	text := fmt.Sprintf("with bad as materialized (\n%s\n)\nselect (select count(*) from bad), "+
		"(select coalesce(json_agg(to_json(b)), '[]') from (select * from bad limit %d) b)", bad, examples)
	var found []byte
	if err := tx.QueryRow(ctx, text, args...).Scan(&a.bad, &found); err != nil {
		return err
	}
	if a.bad > 0 {
		a.message = says(a.bad)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(found, &list); err != nil {
		return fmt.Errorf("read the bad rows: %w", err)
	}
	for _, row := range list {
		a.examples = append(a.examples, short(row))
	}
	return nil
}

// bad is the query for the bad rows, and what a number of them means.
func (c *Check) bad(dir string) (text string, says func(n int64) string, args []any, err error) {
	switch c.kinds()[0] {
	case notNull:
		var parts []string
		for _, col := range c.NotNull {
			parts = append(parts, quoted(col)+" is null")
		}
		return "select * from " + c.from() + " and (" + strings.Join(parts, " or ") + ")",
			func(n int64) string { return have(n) + " no " + strings.Join(c.NotNull, " or no ") }, nil, nil
	case unique:
		var cols, there []string
		for _, col := range c.Unique {
			cols, there = append(cols, quoted(col)), append(there, quoted(col)+" is not null")
		}
		list := strings.Join(cols, ", ")
		return "select " + list + ", count(*) as rows from " + c.from() + " and " + strings.Join(there, " and ") + " group by " + list + " having count(*) > 1",
			func(n int64) string {
				if n == 1 {
					return "1 value of " + strings.Join(c.Unique, ", ") + " stands in several rows"
				}
				return fmt.Sprintf("%d values of %s stand in several rows", n, strings.Join(c.Unique, ", "))
			}, nil, nil
	case accepted:
		var marks []string
		for i, v := range c.Accepted.Values {
			marks, args = append(marks, fmt.Sprintf("$%d", i+1)), append(args, v)
		}
		return "select * from " + c.from() + " and " + quoted(c.Accepted.Column) + " not in (" + strings.Join(marks, ", ") + ")",
			func(n int64) string { return have(n) + " another " + c.Accepted.Column }, args, nil
	case references:
		to := c.References.To
		i := strings.LastIndexByte(to, '.')
		column := quoted(c.References.Column)
		return "select * from " + c.from() + " and " + column + " is not null and not exists (select from " + publish.Name(to[:i]).Sanitize() +
				" r where r." + quoted(to[i+1:]) + " = t." + column + ")",
			func(n int64) string { return have(n) + " a " + c.References.Column + " that is not in " + to }, nil, nil
	}
	q, err := dataset.Find(c.Query, dir, "")
	return inner(q.Text), func(n int64) string { return rows(n) + " given by the query" }, nil, err
}

// inner is a query as it can stand inside another: without the semicolon at its end and lines of comment behind that.
func inner(text string) string {
	for {
		text = strings.TrimRight(text, "; \t\r\n")
		last := strings.LastIndexByte(text, '\n') + 1
		if last == 0 || !strings.HasPrefix(strings.TrimSpace(text[last:]), "--") {
			return text
		}
		text = text[:last]
	}
}

func rows(n int64) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func have(n int64) string {
	if n == 1 {
		return "1 row has"
	}
	return fmt.Sprintf("%d rows have", n)
}

// longest bounds an example: an address or a picture in a row must not fill the table of results.
const longest, longestText = 4 << 10, 200

// short cuts the texts of an example that is too long.
func short(row json.RawMessage) json.RawMessage {
	if len(row) <= longest {
		return row
	}
	var cells map[string]json.RawMessage
	if json.Unmarshal(row, &cells) != nil {
		return json.RawMessage(`{}`)
	}
	for name, cell := range cells {
		if len(cell) > longestText {
			text := []rune(string(cell))
			cut, _ := json.Marshal(string(text[:min(len(text), longestText)]) + "...")
			cells[name] = cut
		}
	}
	out, _ := json.Marshal(cells)
	if len(out) > 4*longest { // thousands of columns
		return json.RawMessage(`{}`)
	}
	return out
}
