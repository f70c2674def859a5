package sql_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
	"tillflow/sql"
)

// Postgres reads every query against the migrated schema, so that a renamed column is found here and not at night.
func TestQueriesFitTheSchema(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	conn, err := db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	names, err := fs.Glob(sql.Queries, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d queries, %v", len(names), err)
	}
	for _, file := range names {
		name := strings.TrimSuffix(file, ".sql")
		text := sql.Query(name)
		if !strings.HasPrefix(text, "--") {
			t.Errorf("%s: the first line is no comment on who runs it", file)
		}
		if _, err := conn.Conn().Prepare(t.Context(), name, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A check is a query: it has to run, and on an empty shop nothing is wrong.
func TestChecksRunAndFindNothingInAnEmptyShop(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	names, err := fs.Glob(sql.Checks, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range names {
		text, err := fs.ReadFile(sql.Checks, file)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := db.Exec(t.Context(), string(text))
		if err != nil || tag.RowsAffected() != 0 {
			t.Errorf("%s: %d rows, %v", file, tag.RowsAffected(), err)
		}
	}
}

// Postgres has every table of the specification with the key it names, after the migrations and a second run of them.
func TestMigrationsMakeTheTablesOfTheSpecification(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if n, err := pg.Migrate(t.Context(), db, sql.Migrations); err != nil || n != 0 {
		t.Fatalf("migrating again: %d, %v", n, err)
	}
	const describe = `
		select string_agg(a.attname || ' ' || format_type(a.atttypid, null), ', ' order by a.attnum)
		       || ' | ' || (select string_agg(k.attname, ', ' order by array_position(i.indkey::int[], k.attnum::int))
		                    from pg_index i join pg_attribute k on k.attrelid = i.indrelid and k.attnum = any (i.indkey)
		                    where i.indrelid = $1::regclass and i.indisprimary)
		from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`
	const ts = "timestamp without time zone"
	for table, want := range map[string]string{
		"dim_products": "product_id character varying, product_name character varying, category character varying, base_price numeric | product_id",
		"dim_stores":   "store_id character varying, store_name character varying, city character varying, region character varying, size_sqft integer | store_id",
		"transactions": "transaction_id bigint, product_id character varying, store_id character varying, customer_id character varying, amount numeric, ts " + ts + " | transaction_id, ts",
		"refunds": "refund_id bigint, original_transaction_id bigint, product_id character varying, store_id character varying, customer_id character varying, " +
			"refund_amount numeric, reason character varying, ts " + ts + " | refund_id, ts",
		"product_metrics_minute": "window_start " + ts + ", window_end " + ts + ", product_id character varying, total_revenue numeric, transaction_count bigint | window_start, product_id",
	} {
		var got string
		if err := db.QueryRow(t.Context(), describe, table).Scan(&got); err != nil {
			t.Errorf("%s: %v", table, err)
		} else if got != want {
			t.Errorf("%s:\n got %s\nwant %s", table, got, want)
		}
	}
}

func TestAQueryThatDoesNotExistIsOurMistake(t *testing.T) {
	t.Parallel()
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "sql/queries/no_such.sql") {
			t.Errorf("panic: %s", said)
		}
	}()
	sql.Query("no_such")
}

func ExampleQuery() {
	first, _, _ := strings.Cut(sql.Query("simulate_stores"), "\n")
	fmt.Println(strings.HasPrefix(first, "-- "))
	// Output: true
}
