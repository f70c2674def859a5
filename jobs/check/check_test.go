package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

var asOf = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const tables = `
create table kinds (kind text primary key);
insert into kinds values ('till'), ('web');
create table sales (id int, kind text, n numeric, ts timestamp, tz timestamptz, day date, "Odd ""name" text);
insert into sales values
	(1, 'till', 1.50, '2026-03-01 11:50', '2026-03-01 14:50+03', '2026-02-27', 'a'),
	(2, 'web',  2.00, '2026-03-01 11:00', '2026-03-01 14:00+03', '2026-02-26', 'b'),
	(2, 'wbe',  -3,   '2026-02-01 10:00', null, null, null),
	(3, null,   2,    null, null, null, 'c');
create table nothing (ts timestamp)`

func newJob(t *testing.T, db *pgxpool.Pool, dir, yaml string) *Job {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("quality", w, Deps{DB: db, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func attempt(t *testing.T, j *Job, id string) (run.Result, string, error) {
	t.Helper()
	var out bytes.Buffer
	res, err := j.Run(t.Context(), run.Input{ID: run.ID(id), Job: "quality", AsOf: asOf, Progress: func(run.Progress) {}, Output: &out})
	return res, out.String(), err
}

// Each kind of check finds what it is for, and nothing else.
func TestKinds(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.sql"), []byte("select id from sales where n < 0;\n-- below nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ yaml, want string }{
		"no_null":             {"table: sales, not_null: [id, n]", "passed 0"},
		"null":                {"table: sales, not_null: [kind, ts]", "failed 1 1 row has no kind or no ts"},
		"null_where":          {`table: sales, where: "id < 3 -- not 3", not_null: [kind]`, "passed 0"},
		"odd_name":            {`table: sales, not_null: ['Odd "name'], severity: warn`, `warned 1 1 row has no Odd "name`},
		"schema":              {"table: public.sales, not_null: [n]", "passed 0"},
		"unique":              {"table: sales, unique: [ts]", "passed 0"},
		"not_unique":          {"table: sales, unique: [id]", "failed 1 1 value of id stands in several rows"},
		"unique_together":     {"table: sales, unique: [id, kind]", "passed 0"},
		"accepted":            {"table: sales, accepted: { column: kind, values: [till, web, wbe] }", "passed 0"},
		"not_accepted":        {`table: sales, accepted: { column: kind, values: [till, "it's"] }`, "failed 2 2 rows have another kind"},
		"accepted_numbers":    {"table: sales, accepted: { column: n, values: [1.5, 2, -3] }", "passed 0"},
		"accepted_wrong_type": {"table: sales, accepted: { column: n, values: [many] }", `broken 0 invalid input syntax for type numeric: "many"`},
		"known":               {"table: sales, where: id <> 2, references: { column: kind, to: kinds.kind }", "passed 0"},
		"unknown":             {"table: sales, references: { column: kind, to: public.kinds.kind }", "failed 1 1 row has a kind that is not in public.kinds.kind"},
		"enough":              {"table: sales, row_count: { min: 4, max: 4 }", "passed 0"},
		"too_few":             {"table: nothing, row_count: { min: 2 }", "failed 2 0 rows, at least 2 wanted"},
		"too_many":            {"table: sales, row_count: { max: 1 }", "failed 3 4 rows, at most 1 wanted"},
		"fresh":               {"table: sales, freshness: { column: ts, warn: 10m, error: 1h }", "passed 0"},
		"fresh_with_zone":     {"table: sales, freshness: { column: tz, warn: 10m }", "passed 0"},
		"old":                 {"table: sales, freshness: { column: ts, warn: 5m, error: 1h }", "warned 0 the newest ts is 10m old, at most 5m wanted"},
		"too_old":             {"table: sales, freshness: { column: ts, warn: 1m, error: 9m59s }", "failed 0 the newest ts is 10m old, at most 9m59s wanted"},
		"old_day":             {"table: sales, freshness: { column: day, error: 2d }", "failed 0 the newest day is 2d12h old, at most 2d wanted"},
		"never":               {"table: nothing, freshness: { column: ts, warn: 1h }", "warned 0 there is no row"},
		"never_at_all":        {"table: nothing, freshness: { column: ts, warn: 1h, error: 2h }", "failed 0 there is no row"},
		"query":               {"query: select * from sales where n > 100", "passed 0"},
		"query_finds":         {`query: "with s as (select * from sales) select * from s where n = 2;"`, "failed 2 2 rows given by the query"},
		"query_file":          {"query: bad.sql", "failed 1 1 row given by the query"},
		"no_column":           {"table: sales, not_null: [idd]", `broken 0 column "idd" does not exist`},
		"no_table":            {"table: slaes, row_count: { min: 1 }", `broken 0 relation "slaes" does not exist`},
		"writes":              {"query: delete from sales returning *", "broken 0 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := attempt(t, newJob(t, db, dir, "checks: { it: { "+tt.yaml+" } }"), name)
			if failed := errors.Is(err, run.ErrCheck); failed != strings.HasPrefix(tt.want, "failed") || (err != nil) == strings.HasPrefix(tt.want, "passed") && err != nil {
				t.Errorf("error %v", err)
			}
			var got string
			if err := db.QueryRow(t.Context(), "select state || ' ' || bad_rows || ' ' || message from dag.check_results where run_id = $1", name).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(strings.TrimSpace(got), strings.TrimSpace(tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

const several = `
examples: 2
checks:
  broken: { table: sales, not_null: [nope] }
  ids: { table: sales, unique: [id] }
  signs: { query: "select id, n from sales where n > 0 order by id", severity: warn }
  rows: { table: sales, row_count: { min: 1 } }
`

// A failed or broken check does not keep the others from being asked, and what all found is kept, with examples.
func TestResultsAreKept(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, db, t.TempDir(), several)
	began := time.Now().Add(-time.Minute)
	for range 2 { // a second attempt of a run replaces what the first found
		res, out, err := attempt(t, j, "r1")
		if !errors.Is(err, run.ErrCheck) || !strings.Contains(err.Error(), "ids: 1 value of id stands in several rows\na check could not be asked: broken: column \"nope\" does not exist") {
			t.Errorf("error %v", err)
		}
		if res.RowsRead != 4 || res.RowsWritten != 4 || res.Note != "1 passed, 1 warned, 1 failed, 1 broken" || res.Warning != "signs: 3 rows given by the query" {
			t.Errorf("%+v", res)
		}
		if !strings.Contains(out, "failed ids: 1 value of id stands in several rows\n  such as [{\"id\":2,\"rows\":2}]\n") || !strings.Contains(out, "passed rows\n") {
			t.Error(out)
		}
	}
	results, err := Latest(t.Context(), db, []string{"other", "quality"}, began)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprintf("%s %s %s %s %s %d %s", r.Job, r.Name, r.Kind, r.Target, r.State, r.BadRows, r.Examples))
	}
	want := []string{
		"quality broken not_null sales broken 0 []",
		`quality ids unique sales failed 1 [{"id": 2, "rows": 2}]`,
		`quality signs query  warned 3 [{"n": 1.50, "id": 1}, {"n": 2.00, "id": 2}]`,
		"quality rows row_count sales passed 0 []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results differ (-want +got):\n%s", diff)
	}
	if results, err := Latest(t.Context(), db, []string{"quality"}, time.Now().Add(time.Hour)); err != nil || len(results) > 0 {
		t.Errorf("%v, %v", results, err)
	}
}

// Results of a month ago are forgotten, those of other jobs are not.
func TestOldResultsAreForgotten(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), tables+`; insert into dag.check_results (run_id, job, name, place, kind, target, severity, state, took_ms, checked_at)
		select 'old ' || job, job, 'x', 1, 'query', '', 'error', 'passed', 1, now() - interval '31 days' from unnest(array['quality', 'other']) job`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := attempt(t, newJob(t, db, "", "checks: { rows: { table: sales, row_count: { min: 1 } } }"), "r1"); err != nil {
		t.Fatal(err)
	}
	var left string
	if err := db.QueryRow(t.Context(), "select string_agg(run_id, ',' order by run_id) from dag.check_results").Scan(&left); err != nil || left != "old other,r1" {
		t.Errorf("left: %s, %v", left, err)
	}
}

// A picture in a row does not get into the results whole.
func TestLongExamplesAreCut(t *testing.T) {
	t.Parallel()
	got := short(json.RawMessage(`{"id": 7, "picture": "` + strings.Repeat("ü", 10_000) + `"}`))
	var row struct {
		ID      int
		Picture string
	}
	if err := json.Unmarshal(got, &row); err != nil || row.ID != 7 || len(got) > longest || !strings.HasSuffix(row.Picture, "ü...") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"{}":                               `"checks" is missing`,
		"checks: {}":                       "dagfile.yaml:1:1: checks holds no check",
		"checks: { a: { table: t } }":      `dagfile.yaml:1:11: check "a" says nothing that must hold (one of not_null, unique, accepted, references, row_count, freshness, query)`,
		"checks: { a: { not_null: [x] } }": `check "a" names no table`,
		"checks: { a: { table: t, not_null: [x], unique: [x] } }":                         `dagfile.yaml:1:41: check "a" has both not_null and unique (give each a check of its own)`,
		"checks: { a: { table: t, not_null: [] } }":                                       "not_null names no column",
		"checks: { a: { table: t, uniqe: [x] } }":                                         `did you mean "unique"?`,
		"checks: { a: { table: t, not_null: [x], severity: eror } }":                      `did you mean "error"?`,
		"checks: { a: { table: t, query: select 1 } }":                                    "has a query, which names its tables itself",
		"checks: { a: { where: x, query: select 1 } }":                                    "has a query, which says itself which rows it means",
		"checks: { a: { table: t, accepted: { column: x } } }":                            `"values" is missing`,
		"checks: { a: { table: t, accepted: { column: x, values: [] } } }":                "accepts no value",
		"checks: { a: { table: t, references: { column: x, to: dim } } }":                 `refers to "dim", which is no column of a table (such as dim_products.product_id)`,
		"checks: { a: { table: t, row_count: {} } }":                                      "bounds the number of rows by nothing",
		"checks: { a: { table: t, row_count: { min: 5, max: 4 } } }":                      "wants at least 5 and at most 4 rows",
		"checks: { a: { table: t, row_count: { min: many } } }":                           "expected a whole number",
		"checks: { a: { table: t, freshness: { column: ts } } }":                          "bounds the age by nothing",
		"checks: { a: { table: t, freshness: { column: ts, warn: 2h, error: 1h } } }":     "warns no earlier than it fails",
		"checks: { a: { table: t, freshness: { column: ts, warn: 2h }, severity: warn }}": "has a severity beside its ages",
		"{ checks: { a: { query: select 1 } }, examples: 1000 }":                          "examples is out of range (from 0 to 100)",
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
}
