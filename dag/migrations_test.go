package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tillflow/lib/pgtest"
	"tillflow/sql"
)

// A project with a copy of the migrations that an older program had, and with tables of its own: it gets the newer ones from
// the program and is told so once; a number that the program may need itself is refused, with the one to take.
func TestMigrationsOfAProject(t *testing.T) {
	dir, state := t.TempDir(), pgtest.StateDir(t)
	dagfile, folder := filepath.Join(dir, "dagfile.yaml"), filepath.Join(dir, "sql", "migrations")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(dagfile, "version: 1\nservices: { kafka: { brokers: \"embedded:0\" }, postgres: { url: \"embedded:0\" } }\njobs: { one: { uses: sql, with: { query: select 1 } } }\n")
	all, err := fs.Glob(sql.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all[:5] {
		text, err := fs.ReadFile(sql.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(folder, name), string(text))
	}
	write(filepath.Join(folder, "0900_mine.sql"), "create table mine (n int)")
	ask := func(query string) (int, string, string) {
		return dag(t, "sql", query, "-o", "csv", "-f", dagfile, "--state", state)
	}

	code, _, stderr := ask("select 1")
	if code != exitUsage || !strings.Contains(stderr, "0900_mine.sql: numbers below 1001 are kept") || !strings.Contains(stderr, "call yours 1900_mine.sql") {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	if err := os.Rename(filepath.Join(folder, "0900_mine.sql"), filepath.Join(folder, "1900_mine.sql")); err != nil {
		t.Fatal(err)
	}
	const count = "select (select count(*) from dag.migrations), (select count(*) from mine), (select count(*) from dag.runs)"
	want := fmt.Sprintf("%d,0,0\n", len(all)+1)
	for i, told := range []bool{true, false} {
		code, stdout, stderr := ask(count)
		if _, rows, _ := strings.Cut(stdout, "\n"); code != 0 || rows != want {
			t.Errorf("call %d: exit code %d, %q, want %q %s", i, code, rows, want, stderr)
		}
		if strings.Contains(stderr, "older than this program") != told || told && !strings.Contains(stderr, all[5]+" "+all[6]) || strings.Contains(stderr, all[4]) {
			t.Errorf("call %d: %s", i, stderr)
		}
	}
}
