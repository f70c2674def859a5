package pg_test

import (
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

	"tillflow/lib/pg"
	"tillflow/lib/pgtest"
	"tillflow/sql"
)

func files(pairs ...string) fs.FS {
	dir := fstest.MapFS{"README.md": {Data: []byte("not a migration")}}
	for i := 0; i < len(pairs); i += 2 {
		dir[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return dir
}

func openEmpty(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return open(t, pgtest.Empty(t))
}

func open(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	db, err := pg.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// answer returns the one value of a query as text.
func answer(t *testing.T, db *pgxpool.Pool, query string) string {
	t.Helper()
	var text string
	if err := db.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func TestMigrateAppliesInOrderAndOnce(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	first := files("0001_a.sql", "create table a (n int); insert into a values (1);", "0002_b.sql", "insert into a select n + 1 from a;")
	for i, want := range []int{2, 0} {
		if n, err := pg.Migrate(t.Context(), db, first); err != nil || n != want {
			t.Errorf("call %d: applied %d, %v; want %d", i, n, err, want)
		}
	}
	more := files("0001_a.sql", "create table a (n int); insert into a values (1);", "0002_b.sql", "insert into a select n + 1 from a;",
		"0010_c.sql", "update a set n = n * 10;", "0003_d.sql", "update a set n = n + 1;")
	if n, err := pg.Migrate(t.Context(), db, more); err != nil || n != 2 {
		t.Errorf("applied %d, %v; want 2", n, err)
	}
	if got := answer(t, db, "select string_agg(n::text, ' ' order by n) from a"); got != "20 30" {
		t.Errorf("the table has %s, want 20 30", got)
	}
	if got := answer(t, db, "select string_agg(version || ':' || name, ' ' order by version) from dag.migrations"); got != "1:a 2:b 3:d 10:c" {
		t.Errorf("recorded: %s", got)
	}
}

// Two processes of one pipeline start at the same moment: each migration runs in one of them. Separate pools are
// separate processes to Postgres.
func TestMigrateFromManyProcessesAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	const processes = 6
	applied := make([]int, processes)
	var wg sync.WaitGroup
	for i := range processes {
		db := open(t, url)
		wg.Go(func() {
			var err error
			if applied[i], err = pg.Migrate(t.Context(), db, sql.Migrations); err != nil {
				t.Errorf("process %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, n := range applied {
		sum += n
	}
	entries, err := fs.Glob(sql.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if sum != len(entries) {
		t.Errorf("applied %v, %d files", applied, len(entries))
	}
}

func TestMigrateRefusesAChangedFile(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	if _, err := pg.Migrate(t.Context(), db, files("0001_a.sql", "create table a (n int);\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := pg.Migrate(t.Context(), db, files("0001_a.sql", "create table a (n int);\r\n")); err != nil {
		t.Errorf("other line ends are no change: %v", err)
	}
	changed := files("0001_a.sql", "create table a (n bigint);\n", "0002_b.sql", "create table b (n int);")
	n, err := pg.Migrate(t.Context(), db, changed)
	if n != 0 || err == nil || !strings.Contains(err.Error(), "0001_a.sql was changed") {
		t.Errorf("applied %d, %v", n, err)
	}
	if got := answer(t, db, "select count(*) from dag.migrations"); got != "1" {
		t.Errorf("%s migrations are recorded, want 1", got)
	}
}

// A project has its own after those of the program, in place of one of them, and under new numbers when the program took theirs.
func TestMigrateFromTwoFolders(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	program := files("0001_a.sql", "create table a (n int)", "0002_b.sql", "create table b (n int)")
	old := files("0002_b.sql", "create table b (mine int)", "0003_c.sql", "create table c (mine int)")
	if n, err := pg.Migrate(t.Context(), db, program, old); err != nil || n != 3 {
		t.Fatalf("applied %d, %v; want 3", n, err)
	}
	newer := files("0001_a.sql", "create table a (n int)", "0002_b.sql", "create table b (n int)", "0003_d.sql", "create table d (n int)")
	if n, err := pg.Migrate(t.Context(), db, newer, old); n != 0 || err == nil || !strings.Contains(err.Error(), "0003_c.sql and 0003_d.sql") {
		t.Errorf("applied %d, %v", n, err)
	}
	moved := files("0002_b.sql", "create table b (mine int)", "1003_c.sql", "create table c (mine int)", "1004_e.sql", "create table e (mine int)")
	for i, want := range []int{2, 0} {
		if n, err := pg.Migrate(t.Context(), db, newer, moved); err != nil || n != want {
			t.Errorf("call %d: applied %d, %v; want %d", i, n, err, want)
		}
	}
	if got := answer(t, db, "select string_agg(version || ':' || name, ' ' order by version) from dag.migrations"); got != "1:a 2:b 3:d 1003:c 1004:e" {
		t.Errorf("recorded: %s", got)
	}
	if got := answer(t, db, "select string_agg(table_name || '.' || column_name, ' ' order by table_name) from information_schema.columns where table_schema = 'public'"); got != "a.n b.mine c.mine d.n e.mine" {
		t.Errorf("tables: %s", got)
	}
}

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	db := openEmpty(t)
	if _, err := pg.Migrate(t.Context(), db, files("0001_a.sql", "select 1", "0002_b.sql", "select 1")); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Migrate(t.Context(), db, files("0001_a.sql", "select 1"))
	if err == nil || !strings.Contains(err.Error(), "0002_b") {
		t.Errorf("got %v", err)
	}
}

func TestMigrateFailureLeavesNothingOfTheFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"wrong_sql":            {"create table b (n int);\n\ncreate tabel c (n int);\n", `0002_b.sql:3: ERROR: syntax error at or near "tabel"`},
		"wrong_after_umlauts":  {"-- Größe\ncreate table b (n int);\nselect nothing from b;\n", "0002_b.sql:3: "},
		"fails_when_it_runs":   {"create table b (n int check (n > 0));\ninsert into b values (0);", "0002_b.sql: ERROR: new row"},
		"ends_its_transaction": {"create table b (n int);\ncommit;\n", "0002_b.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openEmpty(t)
			n, err := pg.Migrate(t.Context(), db, files("0001_a.sql", "create table a (n int);", "0002_b.sql", c.text))
			if n != 1 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("applied %d, %v; want 1 and %q", n, err, c.want)
			}
			if got := answer(t, db, "select count(*) from dag.migrations"); got != "1" {
				t.Errorf("%s migrations are recorded, want 1", got)
			}
			if name == "ends_its_transaction" {
				return // what it committed itself cannot be taken back
			}
			if got := answer(t, db, "select count(*) from pg_tables where tablename = 'b'"); got != "0" {
				t.Error("table b is there")
			}
		})
	}
}

func TestMigrateRefusesTwoFilesOfOneNumber(t *testing.T) {
	t.Parallel()
	_, err := pg.Migrate(t.Context(), openEmpty(t), files("0001_a.sql", "select 1", "0001_b.sql", "select 1"))
	if err == nil || !strings.Contains(err.Error(), "0001_a.sql and 0001_b.sql") {
		t.Errorf("got %v", err)
	}
}
