package preview

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tillflow/lib/notebook"
	"tillflow/lib/pgtest"
	"tillflow/lib/strictyaml"
)

// A draft of any table has no mistake, no warning, and every cell of it can be drawn.
func TestDraftsWork(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]string{
		"with_zone":       `create table "Odd Name" ("select" timestamptz, "a b" bigint, key text primary key); insert into "Odd Name" select now() - i * interval '1 h', i, i::text from generate_series(1, 30) i`,
		"without_zone":    `create table plain (at timestamp, amount numeric(12,2), what text); insert into plain select localtimestamp - i * interval '1 min', i, 'x' from generate_series(1, 30) i`,
		"no_time":         `create table stock (item text primary key, pieces integer); insert into stock values ('a', 3), ('b', null)`,
		"only_a_key":      `create table one (id integer primary key); insert into one values (1)`,
		"odd_types":       `create table odd (j jsonb, a text[], at date, "user" uuid); insert into odd values ('{}', '{a}', '2026-01-01', gen_random_uuid())`,
		"no_table_at_all": `select 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			if _, err := db.Exec(t.Context(), make); err != nil {
				t.Fatal(err)
			}
			table, err := MainTable(t.Context(), db)
			if err != nil || (table == nil) != (name == "no_table_at_all") {
				t.Fatal(table, err)
			}
			path := filepath.Join(t.TempDir(), "draft.md")
			if err := os.WriteFile(path, Draft("It's \"ours\": 1", "Asia/Riyadh", table), 0o600); err != nil {
				t.Fatal(err)
			}
			rep, problems, err := notebook.Open("", path)
			if err != nil || len(problems) > 0 {
				t.Fatal(err, strictyaml.Frames(problems))
			}
			if warnings := rep.Warnings(); len(warnings) > 0 {
				t.Error(strictyaml.Frames(warnings))
			}
			now := time.Now()
			data, err := Load(t.Context(), db, rep, nil, now, now)
			if err != nil {
				t.Fatal(err)
			}
			var page strings.Builder
			drawn, err := data.Draw(&page)
			if err != nil || drawn.Current != drawn.Cells || drawn.Cells < 2 {
				t.Errorf("%+v, %v", drawn, err)
			}
			if !strings.Contains(page.String(), "<h1>It&#39;s &#34;ours&#34;: 1</h1>") {
				t.Error("the title is not on the page")
			}
		})
	}
}

// The table a pipeline is about is the one with a time and the most rows.
func TestMainTable(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	if _, err := db.Exec(t.Context(), `
		create table big (n integer); insert into big select generate_series(1, 20000);
		create table small (at timestamp); insert into small values (now());
		create table events (at timestamp, n integer, primary key (at, n)) partition by range (at);
		create table events_all partition of events for values from ('2000-01-01') to ('2100-01-01');
		insert into events select now(), i from generate_series(1, 500) i;
		analyze`); err != nil {
		t.Fatal(err)
	}
	table, err := MainTable(t.Context(), db)
	if err != nil || table == nil || table.Name != "events" || len(table.Columns) != 2 || !table.Columns[0].Key || table.Columns[1].Type != "integer" {
		t.Errorf("%+v, %v", table, err)
	}
}

func TestNamesAsSQLAndTextAsYAML(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"amount": "amount", "Amount": `"Amount"`, "order": `"order"`, `a"b`: `"a""b"`, "total_2": "total_2", "2nd": `"2nd"`} {
		if got := ident(name); got != want {
			t.Errorf("ident(%q) is %s, want %s", name, got, want)
		}
	}
	for text, want := range map[string]string{"Top stores": "Top stores", "No": `"No"`, "a: b": `"a: b"`, `say "x"`: `"say \"x\""`, "3 things": `"3 things"`, "أفضل": "أفضل"} {
		if got := yamlText(text); got != want {
			t.Errorf("yamlText(%q) is %s, want %s", text, got, want)
		}
	}
}
