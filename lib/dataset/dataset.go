// Package dataset reads what an analysis works on: the result of a query that a shop can change, its columns told apart
// by their names. A job ships with a query for the tables of this pipeline; another shop, with other tables, gives its
// own in the dagfile and no Go changes.
package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tillflow/lib/pg"
	"tillflow/sql"
)

// Query is SQL and where it came from, for errors.
type Query struct {
	Text, Origin string
}

// Find returns the query a dagfile's `query:` asks for: SQL text when it holds white space, otherwise a file, relative to
// dir. Without one it is the file fallback of sql/queries.
func Find(option, dir, fallback string) (Query, error) {
	option = strings.TrimSpace(option)
	switch {
	case option == "":
		return Query{sql.Query(fallback), "sql/queries/" + fallback + ".sql"}, nil
	case strings.ContainsAny(option, " \t\n"):
		return Query{option, "the dagfile's query"}, nil
	}
	path := option
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Query{}, fmt.Errorf("read query: %w", err)
	}
	return Query{string(text), option}, nil
}

// Shape is one set of columns an analysis can work on: column name -> where its values go.
type Shape map[string]pg.Column

func (s Shape) String() string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// either is a column for numbers or, where the query gives text, another for text.
type either struct {
	pg.Column
	text pg.Column
}

// Either takes a column of numbers or of text, whichever the query gives.
func Either(number, text pg.Column) pg.Column { return either{number, text} }

func isText(oid uint32) bool {
	return oid == pgtype.TextOID || oid == pgtype.VarcharOID || oid == pgtype.BPCharOID || oid == pgtype.NameOID
}

// Read runs a query and appends its columns to the shape that has the same names, in any order. It returns which shape
// that was. Arguments are $1, $2, ...; a query may use fewer than there are.
func (q Query) Read(ctx context.Context, conn *pgx.Conn, args []any, shapes ...Shape) (int, error) {
	description, err := conn.PgConn().Prepare(ctx, "", q.Text, nil)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", q.Origin, err)
	}
	names := make([]string, len(description.Fields))
	for i, field := range description.Fields {
		names[i] = field.Name
	}
	at := slices.IndexFunc(shapes, func(s Shape) bool { return s.has(names) })
	if at < 0 {
		wanted := make([]string, len(shapes))
		for i, s := range shapes {
			wanted[i] = "(" + s.String() + ")"
		}
		return 0, fmt.Errorf("%s gives the columns (%s), wanted are %s: name them with \"as\"",
			q.Origin, strings.Join(names, ", "), strings.Join(wanted, " or "))
	}
	columns := make([]pg.Column, len(names))
	for i, name := range names {
		columns[i] = shapes[at][name]
		if e, ok := columns[i].(either); ok && isText(description.Fields[i].DataTypeOID) {
			columns[i] = e.text
		}
	}
	want := pg.Arguments(description)
	if want > len(args) {
		return 0, fmt.Errorf("%s uses $%d, there are %d parameters", q.Origin, want, len(args))
	}
	if err := pg.CopyOut(ctx, conn, q.Text, args[:want], columns...); err != nil {
		return 0, fmt.Errorf("%s: %w", q.Origin, err)
	}
	return at, nil
}

// has tells whether the names are the shape's, each once.
func (s Shape) has(names []string) bool {
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if s[name] == nil || seen[name] {
			return false
		}
		seen[name] = true
	}
	return len(seen) == len(s)
}
