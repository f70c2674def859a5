package pgtest_test

import (
	"context"
	"fmt"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
)

func Example() {
	ctx := context.Background()
	db, err := pg.Open(ctx, pgtest.ForExample()) // in a test: db := pgtest.Open(t)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	var tables int
	const query = "select count(*) from pg_tables where schemaname = 'public' and tablename in ('transactions', 'refunds')"
	if err := db.QueryRow(ctx, query).Scan(&tables); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tables, "tables, ready for use")
	// Output: 2 tables, ready for use
}
