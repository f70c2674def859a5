package sqljob

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

func newJob(t *testing.T, db *pgxpool.Pool, dir, yaml string) *Job {
	t.Helper()
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("close.day", w, Deps{DB: db, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// attempt runs a job and gives what it wrote to the run's log, too.
func attempt(t *testing.T, j *Job) (run.Result, string, error) {
	t.Helper()
	var out bytes.Buffer
	res, err := j.Run(t.Context(), run.Input{
		ID: "r1", Job: "close.day", AsOf: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC), Progress: func(run.Progress) {}, Output: &out,
	})
	return res, out.String(), err
}

func script(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s.sql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScriptRunsInOneTransactionAndCounts(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	dir := script(t, `-- yesterday's sales
create table if not exists day_sales (day date primary key, note text, n numeric, made_at timestamp, run text);
delete from day_sales where day = :day;
insert into day_sales
  select :day, :note, :n, :as_of, :run_id where :as_of::date >= :day::date;
select * from day_sales where n = :n and note = :note;
create table day_copy as select :note as note, :n::int as n;
`)
	j := newJob(t, db, dir, `{ file: s.sql, params: { day: "2026-02-28", note: "it's; drop table day_sales --", n: 12 } }`)
	for range 2 {
		if _, err := db.Exec(t.Context(), "drop table if exists day_copy"); err != nil {
			t.Fatal(err)
		}
		res, out, err := attempt(t, j)
		if err != nil {
			t.Fatal(err)
		}
		if res.RowsRead != 1 || res.RowsWritten < 2 || !strings.Contains(out, "s.sql:4: INSERT 0 1 in ") || !strings.Contains(res.Note, "5 statements") {
			t.Errorf("%+v\n%s", res, out)
		}
	}
	var got string
	if err := db.QueryRow(t.Context(), "select day || '|' || d.note || '|' || d.n || '|' || made_at || '|' || run || '|' || c.note from day_sales d, day_copy c").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := "2026-02-28|it's; drop table day_sales --|12|2026-03-01 12:30:00|r1|it's; drop table day_sales --"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What the person says who began the run comes before the dagfile; a backfill gives its interval.
func TestValuesOfARun(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), "create table said (day date, first timestamp, last timestamp)"); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, db, "", "{ query: 'insert into said values (:day, :from_at, :to_at)', params: { day: 2026-01-01 } }")
	day := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, in := range []run.Input{{AsOf: day}, {Params: map[string]string{"day": "2026-02-02", "other": "x"}, From: day, To: day.Add(time.Hour)}} {
		in.Progress, in.Output = func(run.Progress) {}, &bytes.Buffer{}
		if _, err := j.Run(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	var got string
	if err := db.QueryRow(t.Context(), "select string_agg(concat_ws('|', day, first, last), ' ' order by day) from said").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if want := "2026-01-01|-infinity|2026-02-01 00:00:00 2026-02-02|2026-02-01 00:00:00|2026-02-01 01:00:00"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A statement that fails takes those before it back, and the error is where the mistake is in the file, however many
// parameters stand before it.
func TestErrorHasItsPlaceAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ last, want string }{
		"column":      {"insert into made\n  select :a, :a, wrong from made", `s.sql:3:18: column "wrong" does not exist`},
		"after_text":  {"select 'äöü', :a, wrong", `s.sql:2:19: column "wrong" does not exist`},
		"syntax":      {"select :a from from made", `s.sql:2:16: syntax error at or near "from"`},
		"constraint":  {"insert into made values (1, :a)", `s.sql:2:1: duplicate key value violates unique constraint "made_pkey": Key (id)=(1) already exists`},
		"division":    {"\n\nselect 1/0", "s.sql:4:1: division by zero"},
		"not_a_date":  {"select :a::date", "s.sql:2:1: invalid input syntax for type date: \"text\""},
		"transaction": {"vacuum made", "s.sql:2:1: VACUUM cannot run inside a transaction block"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			dir := script(t, "create table made (id int primary key, note text); insert into made values (1, 'x');\n"+tt.last)
			_, _, err := attempt(t, newJob(t, db, dir, "{ file: s.sql, params: { a: text } }"))
			var placed *Error
			var pe *pgconn.PgError
			if !errors.As(err, &placed) || !errors.As(err, &pe) || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var there bool
			if err := db.QueryRow(t.Context(), "select to_regclass('made') is not null").Scan(&there); err != nil || there {
				t.Errorf("the table was left: %v, %v", there, err)
			}
		})
	}
}

// A file may be mended between two attempts.
func TestFileIsReadAtEachRun(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	dir := script(t, "select 1/0")
	j := newJob(t, db, dir, "file: s.sql")
	if _, _, err := attempt(t, j); err == nil {
		t.Fatal("divided by zero")
	}
	if err := os.WriteFile(filepath.Join(dir, "s.sql"), []byte("\ufeffselect 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if res, _, err := attempt(t, j); err != nil || res.RowsRead != 1 || res.Note != "1 statement, 0 rows written" {
		t.Errorf("%+v, %v", res, err)
	}
	if err := os.Remove(filepath.Join(dir, "s.sql")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := attempt(t, j); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"{}":                            "dagfile.yaml:1:1: there is no statement to run (file names a file of statements; query holds them)",
		"{ file: a, query: select 1 }":  "dagfile.yaml:1:12: file and query stand side by side",
		"{ qurey: select 1 }":           `did you mean "query"?`,
		"{ query: 'select :a' }":        "dagfile.yaml:1:3: query:1:8: there is no parameter :a; params gives it a value",
		"{ query: 'select 1; commit' }": "query:1:11: COMMIT may not stand here",
		"{ query: 'select :a', params: { a: 1, b: 2 } }":      "no statement uses the parameter :b",
		"{ query: 'select :as_of', params: { as_of: 1 } }":    "the parameter as_of is given by the run",
		"{ query: 'select 1', params: { 'a b': 1 } }":         `"a b" cannot be the name of a parameter`,
		"{ query: 'select 1', params: [a] }":                  "expected a mapping",
		"{ query: 'select :dya', params: { day: 2026-01-01}}": `did you mean "day"?`,
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
}
