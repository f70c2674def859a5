package csvload

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/dag/run"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

const groceries = "tables: { groceries: { file: g.csv, columns: { basket: int64, item: string, price: 'decimal(12,2)', at: timestamp, fresh: bool }, key: [basket, item] } }"

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// declare makes a load of g.csv with the given contents.
func declare(t testing.TB, db *pgxpool.Pool, yaml, content string) *Job {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "g.csv"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var w With
	if ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w); len(ps) > 0 {
		t.Fatal(ps)
	}
	j, err := New("load", w, Deps{DB: db, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

const readGroceries = "select concat_ws('|', basket, item, price, at, fresh) from groceries order by basket, item"

// A table that is not there is made; further loads add and change, whatever the file looks like.
func TestDeclaredTableIsMadeAndUpserted(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	first := "note,basket,item,price,at,fresh\nx,1,milk,1.5,2026-01-31T18:00:00+03:00,yes\ny,1,\"a \"\"b\"\"\n\\N\t,\",,2026-01-31,\nz,02,milk,2,,0\n"
	want := []string{"1|a \"b\"\n\\N\t,|2026-01-31 00:00:00", "1|milk|1.50|2026-01-31 15:00:00|t", "2|milk|2.00|f"}
	for _, step := range []struct {
		name, content string
		read, changed int64
		want          []string
	}{
		{"first", first, 3, 3, want},
		{"again_with_crlf_and_bom", "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(first, "\n", "\r\n"), "b\"\"\r\n", "b\"\"\n"), 3, 0, want},
		{"gzip", packed(t, first), 3, 0, want},
		{"header_only", "basket,item,price,at,fresh\n", 0, 0, want},
		{"change", "fresh,at,price,item,basket\n,,3,milk,2\ntrue,,4,tea,3\n", 2, 2, []string{want[0], want[1], "2|milk|3.00", "3|tea|4.00|t"}},
	} {
		res, err := load1(t, declare(t, db, groceries, step.content))
		if err != nil || res.RowsRead != step.read || res.RowsWritten != step.changed {
			t.Errorf("%s: %+v, %v", step.name, res, err)
		}
		if diff := cmp.Diff(step.want, rows(t, db, readGroceries)); diff != "" {
			t.Errorf("%s: rows differ (-want +got):\n%s", step.name, diff)
		}
	}
	types := rows(t, db, "select column_name || ' ' || data_type || ' ' || is_nullable from information_schema.columns where table_name = 'groceries' order by ordinal_position")
	if diff := cmp.Diff([]string{"basket bigint NO", "item text NO", "price numeric YES", "at timestamp without time zone YES", "fresh boolean YES"}, types); diff != "" {
		t.Errorf("columns differ (-want +got):\n%s", diff)
	}
}

// Every mistake in a file has its line and column, and leaves neither rows nor a table behind.
func TestDeclaredMistakes(t *testing.T) {
	t.Parallel()
	const header = "basket,item,price,at,fresh\n"
	for name, tt := range map[string]struct{ content, want string }{
		"empty":          {"", "g.csv:1:1: the file is empty; its first line must name the columns"},
		"missing_column": {"basket,itme,price,at,fresh\n", `g.csv:1:1: there is no column "item" (did you mean "itme"?)`},
		"bad_cell":       {header + "1,a,x,,\n", `g.csv:2:5: price: "x" is not a number`},
		"several":        {header + "1,a,x,,\n\n2,b,1.234,31.01.2026,maybe\n", "g.csv:2:5: price: \"x\" is not a number\ng.csv:4:5: price: \"1.234\" has more than 2 digits after the point\ng.csv:4:11: at: \"31.01.2026\" is not a time such as 2026-01-31 18:00 or 2026-01-31T18:00:00Z\ng.csv:4:22: fresh: \"maybe\" is not true or false"},
		"five_at_most":   {header + strings.Repeat("x,a,,,\n", 100), "g.csv:2:1: basket: \"x\" is not a whole number" + strings.Repeat("\ng.csv:%d:1: basket: \"x\" is not a whole number", 4)},
		"no_key":         {header + "1,a,,,\n,b,,,\n", "g.csv:3:1: basket: is empty, but it is part of the key"},
		"key_twice":      {header + "1,a,,,\n2,a,,,\n01,a,5,,\n", `g.csv:4:1: basket, item: "1, a" stands in line 2 already`},
		"nul":            {header + "1,a\x00b,,,\n", "g.csv:2:3: item: holds a zero byte, which is no text"},
		"not_utf8":       {header + "1,\xff,,,\n", `g.csv:2:3: item: "\xff" is not UTF-8`},
		"ragged":         {header + "1,a\n", "g.csv:2:1: 2 cells where the header has 5"},
		"open_quote":     {header + "1,\"a,,,\n2,b,,,\n", "g.csv:3:8: a quote is not closed or stands inside a cell; the row began in line 2"},
		"bad_gzip":       {packed(t, header+strings.Repeat("1,a,,,\n", 1000))[:60], "...:1: the gzip file ends too early; it was not copied whole"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			if name == "five_at_most" {
				tt.want = fmt.Sprintf(tt.want, 3, 4, 5, 6)
			}
			_, err := load1(t, declare(t, db, groceries, tt.content))
			if err == nil {
				t.Fatal("no error")
			}
			if end, ok := strings.CutPrefix(tt.want, "..."); ok && strings.HasSuffix(err.Error(), end) {
				tt.want = err.Error() // how far a broken file can be read is gzip's affair
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
			if got := rows(t, db, "select 'there' where to_regclass('groceries') is not null"); len(got) > 0 {
				t.Error("the table was left")
			}
		})
	}
}

// A table that is there keeps its own types and constraints; what they do not take is told by its line.
func TestDeclaredTableThatIsThere(t *testing.T) {
	t.Parallel()
	const with = "tables: { g: { file: g.csv, columns: { id: int64, kind: string, n: int64 }, key: [id] } }"
	for name, tt := range map[string]struct{ table, content, want string }{
		"fits":          {"id int primary key, kind varchar(3) references kinds, n smallint, made timestamptz default now()", "id,kind,n\n1,a,2\n", ""},
		"too_big":       {"id int primary key, kind varchar(3), n smallint", "id,kind,n\n1,a,2\n\n2,a,40000\n", "g.csv:4:1: smallint out of range"},
		"too_long":      {"id int primary key, kind varchar(3), n smallint", "id,kind,n\n1,\"a\nb\",2\n2,abcd,4\n", "g.csv:4:1: value too long for type character varying(3)"},
		"no_null":       {"id int primary key, kind text not null, n int", "id,kind,n\n1,,2\n", `g.csv:2:1: kind: null value in column "kind" of relation "g" violates not-null constraint`},
		"not_known":     {"id int primary key, kind text references kinds, n int", "id,kind,n\n1,a,2\n5,zz,2\n", `g.csv:3:1: insert or update on table "g" violates foreign key constraint "g_kind_fkey": Key (kind)=(zz) is not present in table "kinds"`},
		"other_key":     {"id int, kind text, n int, primary key (id, kind)", "id,kind,n\n", "table g has the primary key (id, kind), key says (id)"},
		"no_key":        {"id int, kind text, n int", "id,kind,n\n", "table g has no primary key"},
		"no_column":     {"id int primary key, kind text", "id,kind,n\n", "table g has no column n that could be written; it has id, kind"},
		"column_wanted": {"id int primary key, kind text, n int, made date not null", "id,kind,n\n", "table g wants a value for made, which columns does not declare"},
		"other_type":    {"id int primary key, kind bytea, n int", "id,kind,n\n1,a,2\n", `g.csv: load g: ERROR: column "kind" is of type bytea but expression is of type text`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			if _, err := db.Exec(t.Context(), "create table kinds (kind text primary key); insert into kinds values ('a'); create table g ("+tt.table+")"); err != nil {
				t.Fatal(err)
			}
			_, err := load1(t, declare(t, db, with, tt.content))
			if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			count := "0"
			if tt.want == "" {
				count = "1"
			}
			if got := rows(t, db, "select count(*)::text from g"); got[0] != count {
				t.Errorf("%s rows, %s wanted", got[0], count)
			}
		})
	}
}

// A file is loaded whole or not at all, even when its one mistake is a million lines down; and a cell may be long.
func TestDeclaredLargeFile(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	const with = "tables: { big: { file: g.csv, columns: { id: int64, n: int64 }, key: [id] } }"
	text := "id,n\n" + strings.Repeat("1,2\n", 999_998) + "1000000,seven\n1000001,1\n"
	_, err := load1(t, declare(t, db, with, packed(t, text)))
	if err == nil || err.Error() != `g.csv:1000000:9: n: "seven" is not a whole number` {
		t.Error(err)
	}
	long := strings.Repeat("0123456789", 1<<20)
	res, err := load1(t, declare(t, db, "tables: { big: { file: g.csv, columns: { id: int64, text: string }, key: [id] } }", "id,text\n1,"+long+"\n2,x\n"))
	if err != nil || res != (run.Result{RowsRead: 2, RowsWritten: 2, Note: "2 rows in 1 table, 2 new or changed"}) {
		t.Errorf("%+v, %v", res, err)
	}
	if got := rows(t, db, "select md5(text) || ' ' || length(text) from big where id = 1"); !strings.HasSuffix(got[0], " 10485760") {
		t.Error(got)
	}
}

func TestDeclaredWith(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		"tables: { t: [a] }":                                                    "dagfile.yaml:1:14: the path of a CSV file is missing",
		"tables: { t: { } }":                                                    `"file" is missing`,
		"tables: { t: { file: f, columns: { a: int } } }":                       `unknown type "int": int64, float64, decimal(p,s), string, bool, timestamp or date`,
		"tables: { t: { file: f, columns: { a: int64 } } }":                     "dagfile.yaml:1:25: the columns have no key, by which a row is known again (such as key: [a])",
		"tables: { t: { file: f, key: [a] } }":                                  "dagfile.yaml:1:25: key stands without columns",
		"tables: { t: { file: f, columns: { basket: int64 }, key: [baskte] } }": `dagfile.yaml:1:59: the key has "baskte", which is no column (did you mean "basket"?)`,
		"tables: { t: { file: f, columns: { a: int64 }, key: [a, a] } }":        `the key has "a" twice`,
		"tables: { t: { file: f, colunms: { a: int64 } } }":                     `did you mean "columns"?`,
		"tables: { t: { file: f, columns: { a: int64, a: string } } }":          `key "a" stands twice`,
	} {
		var w With
		ps := strictyaml.Decode("dagfile.yaml", []byte(yaml), 0, &w)
		if len(ps) == 0 || !strings.Contains(ps[0].String(), want) {
			t.Errorf("%s: got %v, want %s", yaml, ps, want)
		}
	}
}
