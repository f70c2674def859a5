// Package sql holds the pipeline's SQL as files that people can read, run in psql and edit: numbered migrations, one
// file per query, and the data checks. The files are embedded, so that one binary carries all it needs.
//
// Shape of a query file: sql/queries/NAME.sql, one statement, whose first line is a comment on who runs it.
package sql

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations queries checks
var files embed.FS

// Migrations are the numbered migrations, NNNN_name.sql, in the root of the file system; pg.Migrate applies them.
var Migrations = sub("migrations")

// Queries are the query files, NAME.sql, in the root of the file system.
var Queries = sub("queries")

// Checks are the data checks, NAME.sql, in the root of the file system. A check is a query that returns the rows that
// are wrong: no rows, no fault.
var Checks = sub("checks")

// Query returns the text of sql/queries/NAME.sql. It panics when there is no such file: the names are constants of the
// program, so a missing one is our own mistake.
func Query(name string) string {
	text, err := fs.ReadFile(Queries, name+".sql")
	if err != nil {
		panic(fmt.Sprintf("sql: no query %q: add sql/queries/%s.sql", name, name))
	}
	return string(text)
}

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is named in the embed directive above
	}
	return f
}
