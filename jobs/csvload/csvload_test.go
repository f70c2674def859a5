package csvload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

const (
	products = "product_id,product_name,category,base_price\nA,Laptop,Electronics,4599.00\nB,Mouse,Accessories,129\n"
	stores   = "store_id,store_name,city,region,size_sqft\nS1,Olaya,Riyadh,Central,5200\n"
)

// newJob makes a load of dim_products and dim_stores from files with the given contents.
func newJob(t *testing.T, db *pgxpool.Pool, products, stores string) *Job {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"p.csv": products, "s.csv": stores} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return configured(t, db, dir, "tables: { dim_products: p.csv, dim_stores: s.csv }")
}

// configured makes a load as a dagfile would.
func configured(t *testing.T, db *pgxpool.Pool, dir, yaml string) *Job {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("seed.dims", w, Deps{DB: db, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func load1(t *testing.T, j *Job) (run.Result, error) {
	t.Helper()
	return j.Run(t.Context(), run.Input{Job: "seed.dims", Progress: func(run.Progress) {}})
}

func rows(t *testing.T, db *pgxpool.Pool, query string) []string {
	t.Helper()
	r, err := db.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(r, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const all = "select concat_ws('|', product_id, product_name, category, base_price) from dim_products order by product_id"

func TestLoadIsAnUpsertThatCountsChanges(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	steps := []struct {
		name, products string
		want           run.Result
		rows           []string
	}{
		{"first_load", products, run.Result{RowsRead: 3, RowsWritten: 3, Note: "3 rows in 2 tables, 3 new or changed"},
			[]string{"A|Laptop|Electronics|4599.00", "B|Mouse|Accessories|129.00"}},
		{"same_file_changes_nothing", products, run.Result{RowsRead: 3, Note: "3 rows in 2 tables, nothing changed"},
			[]string{"A|Laptop|Electronics|4599.00", "B|Mouse|Accessories|129.00"}},
		{"other_order_of_rows_and_columns", "base_price,category,product_id,product_name\n129.0,Accessories,B,Mouse\n4599,Electronics,A,Laptop\n",
			run.Result{RowsRead: 3, Note: "3 rows in 2 tables, nothing changed"},
			[]string{"A|Laptop|Electronics|4599.00", "B|Mouse|Accessories|129.00"}},
		{"changed_new_and_absent_row", "product_id,product_name,category,base_price\nB,Mouse,Accessories,119.50\nC,\"Charger, 65 W\",Accessories,99\n",
			run.Result{RowsRead: 3, RowsWritten: 2, Note: "3 rows in 2 tables, 2 new or changed"},
			[]string{"A|Laptop|Electronics|4599.00", "B|Mouse|Accessories|119.50", "C|Charger, 65 W|Accessories|99.00"}},
		{"header_only", "product_id,product_name,category,base_price\n", run.Result{RowsRead: 1, Note: "1 rows in 2 tables, nothing changed"},
			[]string{"A|Laptop|Electronics|4599.00", "B|Mouse|Accessories|119.50", "C|Charger, 65 W|Accessories|99.00"}},
	}
	for _, step := range steps {
		got, err := load1(t, newJob(t, db, step.products, stores))
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: result differs (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.rows, rows(t, db, all)); diff != "" {
			t.Errorf("%s: rows differ (-want +got):\n%s", step.name, diff)
		}
	}
}

// The mistake is always in the second table, so that "nothing is loaded" is about the first one too.
func TestMistakesArePlacedAndLoadNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	header := "store_id,store_name,city,region,size_sqft\n"
	tests := map[string]struct{ stores, want string }{
		"not_a_number":       {header + "S1,Olaya,Riyadh,Central,5200\nS2,Tahlia,Jeddah,Western,abc\n", `s.csv:3: size_sqft: "abc" is not a whole number`},
		"several_bad_cells":  {header + "S1,Olaya,Riyadh,Central,x\n\nS2,\"Tah\nlia\",Jeddah,Western,1\nS3,A,B,C,1.5\n", "s.csv:2: size_sqft: \"x\" is not a whole number\ns.csv:6: size_sqft: \"1.5\" is not a whole number"},
		"out_of_range":       {header + "S1,Olaya,Riyadh,Central,3000000000\n", `s.csv:2: size_sqft: "3000000000" does not fit integer`},
		"empty_cell":         {header + "S1,,Riyadh,Central,5200\n", "s.csv:2: store_name: is empty, but the column takes no nulls"},
		"not_utf8":           {header + "S1,\xff,Riyadh,Central,5200\n", `s.csv:2: store_name: "\xff" is not UTF-8`},
		"zero_byte":          {header + "S1,a\x00b,Riyadh,Central,5200\n", "s.csv:2: store_name: holds a zero byte, which Postgres cannot store"},
		"key_twice":          {header + "S1,Olaya,Riyadh,Central,5200\nS1,Tahlia,Jeddah,Western,1\n", `s.csv:3: store_id: "S1" stands in line 2 already`},
		"ragged_line":        {header + "S1,Olaya,Riyadh,Central\n", "s.csv:2: 4 cells where the header has 5"},
		"empty_file":         {"", "s.csv: empty: the first line must name the columns"},
		"unknown_column":     {"store_id,store_name,city,regoin,size_sqft\nS1,Olaya,Riyadh,Central,5200\n", "s.csv:1: regoin: dim_stores has no such column (did you mean \"region\"?)\ns.csv:1: column region of dim_stores is missing"},
		"nothing_like_it":    {"store_id,store_name,city,region,size_sqft,owner\nS1,Olaya,Riyadh,Central,5200,x\n", "s.csv:1: owner: dim_stores has no such column (it has store_id, store_name, city, region, size_sqft)"},
		"columns_of_a_sheet": {"store_id;store_name;city;region;size_sqft\nS1;Olaya;Riyadh;Central;5200\n", "s.csv:1: store_id;store_name;city;region;size_sqft: dim_stores has no such column (it has store_id, store_name, city, region, size_sqft)\ns.csv:1: column store_id of dim_stores is missing\ns.csv:1: column store_name of dim_stores is missing\ns.csv:1: column city of dim_stores is missing\ns.csv:1: column region of dim_stores is missing\ns.csv:1: column size_sqft of dim_stores is missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := load1(t, newJob(t, db, products, tt.stores))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
			if (got != run.Result{}) || len(rows(t, db, all)) > 0 {
				t.Errorf("something was loaded: %+v", got)
			}
		})
	}
}

func TestNumberInTheFirstTable(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, err := load1(t, newJob(t, db, strings.Replace(products, "129", "abc", 1), stores))
	if want := `p.csv:3: base_price: "abc" is not a number`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestFilesAndTablesThatAreNotThere(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.csv"), []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "create table keyless (a integer)"); err != nil {
		t.Fatal(err)
	}
	for yaml, want := range map[string]string{
		"tables: { dim_products: gone.csv }": "gone.csv: no such file or directory",
		"tables: { dim_prodcts: p.csv }":     "there is no table dim_prodcts; add a migration that creates it",
		"tables: { keyless: p.csv }":         "table keyless has no primary key, by which load.csv knows a row again",
	} {
		if _, err := load1(t, configured(t, db, dir, yaml)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", yaml, err, want)
		}
	}
}

// Every kind of column, a key of two columns, a default that the file leaves out, and one table that refers to another.
func TestOtherTables(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, err := db.Exec(t.Context(), `
		create schema shop;
		create table shop.kinds (a integer, b varchar(3), "when" timestamp, day date, ok boolean, share double precision,
			serial bigint generated always as identity, seen timestamptz not null default now(), primary key (b, a));
		create table shop.refs (id bigint primary key, a integer, b varchar(3), foreign key (b, a) references shop.kinds (b, a))`)
	if err != nil {
		t.Fatal(err)
	}
	load := func(kinds, refs string) (run.Result, error) {
		dir := t.TempDir()
		for name, content := range map[string]string{"k.csv": kinds, "r.csv": refs} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return load1(t, configured(t, db, dir, "tables:\n  shop.kinds: k.csv\n  shop.refs: r.csv\n"))
	}
	header := "a,b,when,day,ok,share\n"
	refs := "id,a,b\n1,1,xyz\n"
	got, err := load(header+"1,xyz,2025-01-01 12:00:00,2025-01-01,yes,0.5\n2,xyz,,,,\n", refs)
	if err != nil || got.RowsWritten != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"1|xyz|2025-01-01 12:00:00|2025-01-01|t|0.5", "2|xyz"}
	if diff := cmp.Diff(want, rows(t, db, `select concat_ws('|', a, b, "when", day, ok, share) from shop.kinds order by a`)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	for name, tt := range map[string]struct{ kinds, refs, want string }{
		"too_long":          {header + "1,wxyz,,,,\n", refs, `k.csv:2: b: "wxyz" is longer than 3 characters`},
		"bad_time":          {header + "1,x,noon,,,\n", refs, `k.csv:2: when: "noon" is not a timestamp`},
		"bad_day":           {header + "1,x,,2025-02-30,,\n", refs, `k.csv:2: day: "2025-02-30" is not a date`},
		"bad_bool":          {header + "1,x,,,maybe,\n", refs, `k.csv:2: ok: "maybe" is not true or false`},
		"bad_float":         {header + "1,x,,,,half\n", refs, `k.csv:2: share: "half" is not a number`},
		"key_column_gone":   {"a,when,day,ok,share\n1,,,,\n", refs, "k.csv:1: column b of shop.kinds is missing"},
		"generated_column":  {"a,b,when,day,ok,share,serial\n1,x,,,,,1\n", refs, "k.csv:1: serial: shop.kinds has no such column (it has a, b, when, day, ok, share, seen)"},
		"broken_reference":  {header, "id,a,b\n1,1,xyz\n2,9,xyz\n", `r.csv:3: insert or update on table "refs" violates foreign key constraint "refs_b_a_fkey": Key (b, a)=(xyz, 9) is not present in table "kinds"`},
		"same_number_twice": {header, "id,a,b\n7,1,xyz\n07,2,xyz\n", "r.csv: load shop.refs: ERROR: ON CONFLICT DO UPDATE command cannot affect row a second time (SQLSTATE 21000)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(tt.kinds, tt.refs)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"tables: {}":                     "dagfile.yaml:1:1: tables names no table (write it as TABLE: FILE)",
		"tables: { dim_products: '' }":   "the path of a CSV file is missing",
		"table: { dim_products: p.csv }": `did you mean "tables"?`,
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
}

// The shop's own seeds load as they are.
func TestSeeds(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	j := configured(t, db, "../..", "tables: { dim_products: seeds/product_catalog.csv, dim_stores: seeds/store_locations.csv }")
	if diff := cmp.Diff([]string{"seeds/product_catalog.csv", "seeds/store_locations.csv"}, j.Files()); diff != "" {
		t.Errorf("files differ (-want +got):\n%s", diff)
	}
	got, err := load1(t, j)
	if err != nil || got.RowsWritten != 9 {
		t.Fatalf("%+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"Accessories|3", "Electronics|3"}, rows(t, db, "select category || '|' || count(*) from dim_products group by category order by 1")); diff != "" {
		t.Errorf("categories differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Dammam", "Jeddah", "Riyadh"}, rows(t, db, "select city from dim_stores order by 1")); diff != "" {
		t.Errorf("cities differ (-want +got):\n%s", diff)
	}
}
